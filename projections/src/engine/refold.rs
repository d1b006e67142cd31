use std::{collections::BTreeSet, sync::Arc};

use super::{
    Core, Denied, Ended, Engine, Phase, Progress, Scope,
    fold::{stream, wants},
    slot::Slot,
};
use crate::{
    fault::Fault,
    log::{Position, Recorded},
};

/// Events that are looked through at once.
const READ: usize = 2_000;

impl Engine {
    /// The read models that read streams of the kind of this one.
    #[must_use]
    pub fn readers_of(&self, stream: &str) -> Vec<&'static str> {
        let kind = stream.split_once('-').map_or(stream, |(kind, _)| kind);
        let reads = |slot: &&Arc<Slot>| slot.projection.aggregates().contains(&kind);
        self.core.slots.iter().filter(reads).map(|slot| slot.name()).collect()
    }
}

impl Core {
    /// Whether there is such a stream, and the read model reads it.
    pub(super) async fn reads_stream(&self, slot: &Slot, stream: &str) -> Result<(), Denied> {
        let (aggregate, id) = stream.split_once('-').ok_or(Denied::NoSuchStream)?;
        let read = slot.projection.aggregates().contains(&aggregate);
        if read && !self.log.stream(aggregate, id, 0).await?.is_empty() {
            return Ok(());
        }
        Err(Denied::NoSuchStream)
    }

    /// Folds single streams anew into the live tables, each in one transaction, while the follower goes on between them.
    /// Only for the holder of the lock.
    ///
    /// Values that differ are put right, and rows that are missing come to be. What should not be there stays: a row or a
    /// value of which the log says nothing is found by a verification, and goes with a rebuild of the whole.
    pub(super) async fn refold(
        &self,
        slot: &Arc<Slot>,
        scope: &Scope,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Ended, Fault> {
        let streams = match scope {
            Scope::Whole => BTreeSet::new(),
            Scope::Stream(stream) => BTreeSet::from([stream.clone()]),
            Scope::User(user) => self.streams_about(slot, &user.to_string(), progress).await?,
        };
        let generation = self.writable(slot).await?;
        let mut parked = 0;
        for stream in &streams {
            let folded = loop {
                if let Some(folded) = self.fold_again(slot, &generation, stream, 1).await? {
                    break folded;
                }
            };
            parked += u64::from(folded.is_err());
        }
        slot.tally.parked(generation.parked().await?.len());
        Ok(Ended::Refolded {
            streams: u64::try_from(streams.len()).unwrap_or(u64::MAX),
            parked,
        })
    }

    /// The streams with an event that names the user. Looks through the whole log, so that it does not depend on what is
    /// to be put right.
    async fn streams_about(
        &self,
        slot: &Slot,
        user: &str,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<BTreeSet<String>, Fault> {
        let about = |event: &&Recorded| {
            let names_it = &*event.stream_id == user || event.payload.contains(user);
            names_it && wants(&*slot.projection, event)
        };
        let head = self.log.head().await?;
        let mut found = BTreeSet::new();
        let mut after = Position::START;
        while after < head {
            let events = self.log.read(after, READ).await?;
            found.extend(events.iter().filter(about).map(stream));
            let Some(last) = events.last() else { break };
            after = last.position;
            progress(Progress {
                phase: Phase::Loading,
                done: after.number().min(head.number()),
                total: head.number(),
            });
        }
        Ok(found)
    }
}
