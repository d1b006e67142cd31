//! The lines of an export that can be audited: a head, the events, a foot.

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::{Position, Recorded};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::proof::{hash::TreeHash, leaf};

/// A line. Which one it is, its first field tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Line {
    /// The first.
    Head {
        /// What was exported.
        export: Head,
    },
    /// The last.
    Foot {
        /// What follows in the log.
        end: Foot,
    },
    /// Those between.
    Event(Box<EventLine>),
}

/// What was exported, and the tree before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The form of these lines: 1.
    pub form: u32,
    /// Which log it is.
    pub log: Uuid,
    /// Position of the first event.
    pub from: u64,
    /// The perfect subtrees of the events before, from left to right.
    pub before: Vec<TreeHash>,
}

/// The tree behind the last event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foot {
    /// Position of the last event; one before `from` when there is none.
    pub to: u64,
    /// How many events the tree has that `after` leads to.
    pub size: u64,
    /// The perfect subtrees of the events behind, up to `size`, from left to right.
    pub after: Vec<TreeHash>,
    /// The checkpoint of that size, where one was signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
}

/// An event, as it is stored: what is personal stays sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventLine {
    /// Its place in the log.
    pub position: u64,
    /// Its identity; follows from the metadata.
    pub id: Uuid,
    /// Kind of its stream.
    pub aggregate: Box<str>,
    /// Id of its stream within the kind.
    pub stream_id: Box<str>,
    /// Its number within the stream.
    pub sequence: u64,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: Box<str>,
    /// Version of the payload's form.
    pub version: Box<str>,
    /// When the database stored it: RFC 3339, UTC, microseconds.
    pub recorded_at: String,
    /// JSON in a text: its bytes are those that are stored.
    pub payload: Box<str>,
    /// JSON in a text.
    pub metadata: Box<str>,
    /// The leaf.
    pub leaf: TreeHash,
}

/// An event that has no line, or a line that holds no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The instant is not one of RFC 3339 in UTC with microseconds.
    #[error("`recorded_at` is no instant of RFC 3339 in UTC with microseconds")]
    Instant,
    /// The id is not that of the event.
    #[error("`id` is not the id of the event")]
    Id,
}

impl EventLine {
    /// The line of an event.
    ///
    /// # Errors
    ///
    /// [`Unfit::Instant`] when its instant cannot be written.
    pub fn new(event: &Recorded) -> Result<Self, Unfit> {
        let recorded_at = event.recorded_at.to_string();
        if instant(&recorded_at) != Some(event.recorded_at) {
            return Err(Unfit::Instant);
        }
        Ok(Self {
            position: event.position.number(),
            id: event.event_id(),
            aggregate: event.aggregate.clone(),
            stream_id: event.stream_id.clone(),
            sequence: event.sequence,
            event_type: event.event_type.clone(),
            version: event.version.clone(),
            recorded_at,
            payload: event.payload.clone(),
            metadata: event.metadata.clone(),
            leaf: leaf::of(event),
        })
    }

    /// The event of the line. That its leaf is the one that stands there is for others to see.
    ///
    /// # Errors
    ///
    /// [`Unfit`] when the line says the same thing in two ways.
    pub fn event(self) -> Result<(Recorded, TreeHash), Unfit> {
        let recorded_at = instant(&self.recorded_at).ok_or(Unfit::Instant)?;
        let event = Recorded {
            position: Position::new(self.position),
            aggregate: self.aggregate,
            stream_id: self.stream_id,
            sequence: self.sequence,
            event_type: self.event_type,
            version: self.version,
            payload: self.payload,
            metadata: self.metadata,
            recorded_at,
        };
        if event.event_id() != self.id {
            return Err(Unfit::Id);
        }
        Ok((event, self.leaf))
    }
}

/// Read only in the form in which it is written: two texts never say the same.
fn instant(text: &str) -> Option<Timestamp> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let instant = Timestamp::from(parsed.to_utc());
    (instant.to_string() == text).then_some(instant)
}
