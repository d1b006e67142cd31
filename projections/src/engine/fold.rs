use std::collections::HashMap;

use doorbook_domain::event::{Event, Unreadable};

use super::{denied::Poison, generation::ParkedRow};
use crate::{fault::Fault, log::Recorded, patch::Patches, projection::Projection};

/// Folds events for one read model.
pub(super) struct Fold {
    patches: Patches,
    /// Streams that are left out, from which sequence on.
    skip: HashMap<String, u64>,
}

/// Whether `projection` wants to know of the event.
pub(super) fn wants(projection: &dyn Projection, recorded: &Recorded) -> bool {
    projection.aggregates().contains(&&*recorded.aggregate)
}

pub(super) fn stream(recorded: &Recorded) -> String {
    format!("{}-{}", recorded.aggregate, recorded.stream_id)
}

impl Fold {
    pub(super) fn new(projection: &dyn Projection, parked: &[ParkedRow]) -> Self {
        Self {
            patches: Patches::new(projection.tables()),
            skip: parked
                .iter()
                .map(|parked| (parked.stream.clone(), parked.sequence))
                .collect(),
        }
    }

    /// Folds one event that was read as `event`.
    pub(super) fn event(
        &mut self,
        projection: &dyn Projection,
        recorded: &Recorded,
        event: &Result<Event, Unreadable>,
    ) -> Result<(), Poison> {
        if self.skips(recorded) {
            return Ok(());
        }
        let reason = match event {
            Ok(event) => projection
                .patches(recorded, event, &mut self.patches)
                .err()
                .map(|fault| chain(&fault)),
            Err(unreadable) => Some(unreadable.to_string()),
        };
        reason.map_or(Ok(()), |reason| {
            Err(Poison {
                stream: stream(recorded),
                position: recorded.position,
                sequence: recorded.sequence,
                reason,
                foreign: event.is_err(),
            })
        })
    }

    fn skips(&self, recorded: &Recorded) -> bool {
        let from = || self.skip.get(&stream(recorded));
        !self.skip.is_empty() && from().is_some_and(|&from| recorded.sequence >= from)
    }

    /// Leaves the stream out from this event on.
    pub(super) fn park(&mut self, projection: &dyn Projection, poison: &Poison) {
        tracing::error!(
            projection = projection.name(),
            stream = poison.stream,
            position = poison.position.number(),
            reason = poison.reason,
            "a stream was parked"
        );
        self.skip.insert(poison.stream.clone(), poison.sequence);
    }

    /// What changed since the last time.
    pub(super) fn take(&mut self) -> Patches {
        self.patches.take()
    }
}

/// A fault with what lies under it, in one line.
pub(super) fn chain(fault: &Fault) -> String {
    let mut text = fault.to_string();
    let mut cause = std::error::Error::source(fault);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
