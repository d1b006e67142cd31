use doorbook_domain::time::Timestamp;

use super::{
    Core, Engine,
    fold::{Fold, Poison},
    generation::{Generation, ParkedRow},
    slot::Slot,
};
use crate::{
    fault::Fault,
    log::{Position, Recorded},
};

/// A stream that a read model leaves out from an event on that it could not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// The read model.
    pub projection: &'static str,
    /// The stream's name.
    pub stream: String,
    /// Where the event stands in the log.
    pub position: Position,
    /// The event's number within the stream.
    pub sequence: u64,
    /// Why it could not be read.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

impl Parked {
    pub(super) fn of(projection: &'static str, row: ParkedRow) -> Self {
        let ParkedRow {
            stream,
            position,
            sequence,
            reason,
            since,
        } = row;
        Self {
            projection,
            stream,
            position,
            sequence,
            reason,
            since,
        }
    }
}

impl Poison {
    pub(super) fn parked(&self, since: Timestamp) -> ParkedRow {
        ParkedRow {
            stream: self.stream.clone(),
            position: self.position,
            sequence: self.sequence,
            reason: self.reason.clone(),
            since,
        }
    }
}

impl Engine {
    /// Folds the events that `stream` was parked with, after a fix. The stream's later events follow by themselves.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the stream is not parked, when one of its events still cannot be read (it then stays parked from
    /// that event on), or when the log or the database fails.
    pub async fn retry_parked(&self, name: &str, stream: &str) -> Result<(), Fault> {
        let slot = self.core.slot(name)?;
        let served = slot.served();
        let generation = served.ok_or_else(|| Fault::new("the read model is not built yet", name))?;
        while !self.core.retry(slot, &generation, stream).await? {}
        Ok(())
    }
}

impl Core {
    /// `false` when the checkpoint moved meanwhile.
    async fn retry(&self, slot: &Slot, generation: &Generation, stream: &str) -> Result<bool, Fault> {
        let at = generation.checkpoint().await?;
        let absent = || Fault::new("the stream is not parked", stream);
        let row = generation
            .parked()
            .await?
            .into_iter()
            .find(|row| row.stream == stream)
            .ok_or_else(absent)?;
        let (aggregate, id) = stream.split_once('-').ok_or_else(absent)?;
        let events = self.log.stream(aggregate, id, row.sequence.saturating_sub(1)).await?;

        // Holding the checkpoint where it is keeps the follower out: it folds what comes after.
        let Some(mut batch) = generation.begin(at.position, (at.position, at.event_id)).await? else {
            return Ok(false);
        };
        let passed = |event: &&Recorded| event.position != Position::START && event.position <= at.position;
        let mut fold = Fold::new(&*slot.projection, &[]);
        let still = events
            .iter()
            .filter(passed)
            .try_for_each(|recorded| fold.event(&*slot.projection, recorded, &recorded.event()))
            .err();
        batch.write(fold.take(&*slot.projection)).await?;
        batch.unpark(stream).await?;
        if let Some(poison) = &still {
            batch.park(&poison.parked((self.clock)())).await?;
        }
        batch.commit().await?;
        still.map_or(Ok(true), |poison| Err(poison.into()))
    }
}
