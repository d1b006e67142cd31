use std::{sync::atomic::Ordering, time::Duration};

use super::{Core, Engine, Parked, slot::Slot};
use crate::{fault::Fault, log::Position};

/// How a read model is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its name.
    pub name: &'static str,
    /// The version of its form in this program.
    pub version: u32,
    /// The generation that queries see; none before the first is built.
    pub generation: Option<u64>,
    /// The last event that queries see; none while the tables do not fit the program or the log.
    pub position: Option<Position>,
    /// The last event of the log.
    pub head: Position,
    /// Events that queries do not see yet.
    pub lag_events: u64,
    /// How long ago the first of them was stored; zero when there is none.
    pub lag: Duration,
    /// Streams that are left out from an event on that could not be read.
    pub parked: Vec<Parked>,
    /// Why it does not get on, if it does not.
    pub fault: Option<String>,
}

impl Engine {
    /// How every read model is.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the log or the database fails.
    pub async fn status(&self) -> Result<Vec<Status>, Fault> {
        let mut all = Vec::new();
        for slot in &self.core.slots {
            all.push(self.core.status(slot).await?);
        }
        Ok(all)
    }
}

impl Core {
    async fn status(&self, slot: &Slot) -> Result<Status, Fault> {
        if !self.running.load(Ordering::Acquire) {
            self.refresh(slot).await?;
        }
        let (served, position, fault) = {
            let state = slot.state.borrow();
            (state.served.clone(), state.position, state.fault.clone())
        };
        let head = self.log.head().await?;
        let read = position.unwrap_or_default();
        let waiting = if head > read {
            self.log.read(read, 1).await?
        } else {
            Vec::new()
        };
        let oldest = waiting
            .first()
            .map(|recorded| (self.clock)().since(recorded.recorded_at));
        let parked = match &served {
            None => Vec::new(),
            Some(generation) => generation.parked().await?,
        };
        Ok(Status {
            name: slot.name(),
            version: slot.projection.version(),
            generation: served.map(|generation| generation.number),
            position,
            head,
            lag_events: head.number().saturating_sub(read.number()),
            lag: oldest.unwrap_or_default(),
            parked: parked.into_iter().map(|row| Parked::of(slot.name(), row)).collect(),
            fault,
        })
    }
}
