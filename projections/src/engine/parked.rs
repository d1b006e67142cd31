use std::sync::Arc;

use doorbook_domain::time::Timestamp;

use super::{
    Core, Denied, Engine, Poison,
    fold::Fold,
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
    /// The streams that a read model leaves out, in the order of their names, behind the one that is named `after`.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, or the database fails.
    pub async fn parked(&self, name: &str, after: &str, limit: u32) -> Result<Vec<Parked>, Denied> {
        let slot = self.core.known(name)?;
        let Some(generation) = self.core.latest(slot).await? else {
            return Ok(Vec::new());
        };
        let rows = generation.parked_after(after, limit).await?;
        Ok(rows.into_iter().map(|row| Parked::of(slot.name(), row)).collect())
    }

    /// Says no where `stream` is not parked.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, it is not built or of another version, the stream is not parked, or the
    /// database fails.
    pub async fn is_parked(&self, name: &str, stream: &str) -> Result<(), Denied> {
        let slot = self.core.known(name)?;
        let parked = self.core.writable(slot).await?.parked().await?;
        let found = parked.iter().any(|row| row.stream == stream);
        found.then_some(()).ok_or(Denied::NotParked)
    }

    /// Folds the events that `stream` was parked with, after a fix. The stream's later events follow by themselves.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, it is not built or of another version, the stream is not parked, one of
    /// its events still cannot be read (it then stays parked from that event on), or the log or the database fails.
    pub async fn retry_parked(&self, name: &str, stream: &str) -> Result<(), Denied> {
        let slot = self.core.known(name)?;
        let generation = self.core.writable(slot).await?;
        loop {
            let parked = generation.parked().await?;
            let row = parked.into_iter().find(|row| row.stream == stream);
            let from = row.ok_or(Denied::NotParked)?.sequence;
            if let Some(folded) = self.core.fold_again(slot, &generation, stream, from).await? {
                slot.tally.parked(generation.parked().await?.len());
                return folded.map_err(Denied::Unreadable);
            }
        }
    }
}

impl Core {
    /// The current generation, also where queries do not see it yet, or another process follows the log.
    pub(super) async fn latest(&self, slot: &Slot) -> Result<Option<Arc<Generation>>, Fault> {
        let number = self.store.pointer(slot.name()).await?.current;
        if let Some(served) = slot.served().filter(|served| served.number == number) {
            return Ok(Some(served));
        }
        let tables = slot.projection.tables();
        Ok(self.store.generation(slot.name(), number, tables).await?.map(Arc::new))
    }

    /// The current generation, to be written to or compared: tables of another version take no values of this one.
    pub(super) async fn writable(&self, slot: &Slot) -> Result<Arc<Generation>, Denied> {
        let generation = self.latest(slot).await?.ok_or(Denied::NotBuilt)?;
        if generation.checkpoint().await?.version != slot.projection.version() {
            return Err(Denied::Misfit);
        }
        Ok(generation)
    }

    /// Folds the events of a stream from `sequence` on again, up to the checkpoint, in one transaction. Where one cannot be
    /// read, the stream is parked from there on. `None` when the checkpoint moved meanwhile.
    pub(super) async fn fold_again(
        &self,
        slot: &Slot,
        generation: &Generation,
        stream: &str,
        sequence: u64,
    ) -> Result<Option<Result<(), Poison>>, Fault> {
        let at = generation.checkpoint().await?;
        let (aggregate, id) = stream.split_once('-').unwrap_or((stream, ""));
        let events = self.log.stream(aggregate, id, sequence.saturating_sub(1)).await?;

        // Holding the checkpoint where it is keeps the follower out: it folds what comes after.
        let Some(mut batch) = generation.begin(at.position, (at.position, at.event_id)).await? else {
            return Ok(None);
        };
        let passed = |event: &&Recorded| event.position != Position::START && event.position <= at.position;
        let mut fold = Fold::new(&*slot.projection, &[]);
        let folded = events
            .iter()
            .filter(passed)
            .try_for_each(|recorded| fold.event(&*slot.projection, recorded, &recorded.event()));
        batch.write(fold.take()).await?;
        batch.unpark(stream).await?;
        if let Err(poison) = &folded {
            batch.park(&poison.parked((self.clock)())).await?;
        }
        batch.commit().await?;
        Ok(Some(folded))
    }
}
