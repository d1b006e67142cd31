//! What a leaf is made of: everything that is stored of an event, in one form, which `docs/proof.md` describes.
//!
//! Numbers are eight bytes, the most significant first; texts are UTF-8 after their length in bytes. No two events have the
//! same form. What is personal is sealed in it, so that a destroyed key changes no leaf.

use doorbook_projections::log::{Position, Recorded};

use super::hash::TreeHash;

/// Names the form, so that another one could never be taken for it.
const FORM: &[u8] = b"doorbook event 1\n";

/// The data of the leaf that an event is, if it stands at `position`.
#[must_use]
pub fn encode(event: &Recorded, position: Position) -> Vec<u8> {
    let texts = [&event.payload, &event.metadata].map(|text| text.len());
    let mut data = Vec::with_capacity(256 + texts.iter().sum::<usize>());
    data.extend_from_slice(FORM);
    data.extend_from_slice(&position.number().to_be_bytes());
    push(&mut data, &event.aggregate);
    push(&mut data, &event.stream_id);
    data.extend_from_slice(&event.sequence.to_be_bytes());
    push(&mut data, &event.event_type);
    push(&mut data, &event.version);
    push(&mut data, &event.payload);
    push(&mut data, &event.metadata);
    data.extend_from_slice(&event.recorded_at.micros().to_be_bytes());
    data
}

fn push(data: &mut Vec<u8>, text: &str) {
    let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
    data.extend_from_slice(&length.to_be_bytes());
    data.extend_from_slice(text.as_bytes());
}

/// The leaf of an event where it stands.
#[must_use]
pub fn of(event: &Recorded) -> TreeHash {
    at(event, event.position)
}

/// The leaf that the event would be at another place.
#[must_use]
pub fn at(event: &Recorded, position: Position) -> TreeHash {
    TreeHash::leaf(&encode(event, position))
}
