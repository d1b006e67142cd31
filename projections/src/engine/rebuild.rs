use std::sync::{Arc, atomic::Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::{
    Core, Engine, Kind, Order, Scope,
    fold::chain,
    generation::{Checkpoint, Generation},
    load::{Build, load},
    runs::Ended,
    slot::Slot,
};
use crate::{fault::Fault, log::Position};

/// Passes over the log's tail before a new generation becomes current even though the log still grows.
const TAILS: usize = 20;

/// Read models that are indexed at the same time: each sorts its rows in memory.
const INDEXED: usize = 3;

/// What a long work is about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Folding the log.
    Loading,
    /// Making indices.
    Indexing,
    /// Folding what was appended meanwhile.
    CatchingUp,
    /// Comparing rows.
    Comparing,
}

/// How far a long work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What it is about now.
    pub phase: Phase,
    /// Events, indexed read models or compared rows so far.
    pub done: u64,
    /// Of how many, as far as that is known.
    pub total: u64,
}

/// A generation in the making.
struct Making {
    slot: Arc<Slot>,
    generation: Arc<Generation>,
    /// What is current while it is made.
    old: u64,
}

/// Generations that have read the log up to `position`.
pub(super) struct Made {
    makings: Vec<Making>,
    position: Position,
}

impl Engine {
    /// Folds the read models `names` anew from the whole log, beside their current tables, which serve until the new ones
    /// have caught up. The log is read and decoded once for all of them.
    ///
    /// When `cancel` comes first, or something fails, the current tables stay as they are and the new ones are removed.
    /// The system does it: for what an admin wants see [`Engine::begin`].
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, when somebody else rebuilds or verifies it, when a read model cannot make
    /// sense of an event (it is named), when the log or the database fails, or when `cancel` came first.
    pub async fn rebuild(
        &self,
        names: &[&str],
        progress: &(dyn Fn(Progress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let order = Order {
            kind: Kind::Rebuild,
            names,
            scope: Scope::Whole,
            actor: "system",
        };
        self.begin(&order).await?.carry_out(progress, cancel).await.map(drop)
    }
}

impl Core {
    /// Makes new generations that have read the whole log. Only for the holder of the locks.
    pub(super) async fn rebuild(
        &self,
        slots: &[Arc<Slot>],
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Made, Fault> {
        let mut makings = Vec::new();
        for slot in slots {
            makings.push(self.prepare(slot).await?);
        }
        let position = self.make(&mut makings, progress).await?;
        Ok(Made { makings, position })
    }

    /// Makes the generations read the whole log; says up to where.
    async fn make(
        &self,
        makings: &mut [Making],
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Position, Fault> {
        let total = self.log.head().await?;
        self.load(makings, Position::START, total, Phase::Loading, progress)
            .await?;
        let models = u64::try_from(makings.len()).unwrap_or(u64::MAX);
        let indexed = |done| {
            progress(Progress {
                phase: Phase::Indexing,
                done,
                total: models,
            });
        };
        indexed(0);
        let made: Vec<_> = makings.iter().map(|making| Arc::clone(&making.generation)).collect();
        let work = stream::iter(made).map(|generation| async move { generation.index().await });
        work.buffer_unordered(INDEXED).try_collect::<()>().await?;
        for making in makings.iter_mut() {
            making.settle(self).await?;
        }
        indexed(models);
        let mut from = total;
        for _ in 0..TAILS {
            let head = self.log.head().await?;
            if head <= from {
                break;
            }
            self.load(makings, from, head, Phase::CatchingUp, progress).await?;
            from = head;
        }
        Ok(from)
    }

    /// An empty generation.
    async fn prepare(&self, slot: &Arc<Slot>) -> Result<Making, Fault> {
        let name = slot.name();
        self.store.tidy(name).await?;
        let start = Checkpoint::start(slot.projection.version(), self.log.id().await?);
        let old = self.store.pointer(name).await?.current;
        let generation = self.store.create(name, slot.projection.tables(), &start).await?;
        Ok(Making {
            slot: Arc::clone(slot),
            generation: Arc::new(generation),
            old,
        })
    }

    async fn load(
        &self,
        makings: &[Making],
        from: Position,
        to: Position,
        phase: Phase,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<(), Fault> {
        let mut builds = Vec::new();
        for making in makings {
            builds.push(making.build(self).await?);
        }
        let total = to.number() - from.number();
        let report = |at: Position| {
            progress(Progress {
                phase,
                done: at.number() - from.number(),
                total,
            });
        };
        report(from);
        load(&self.log, &builds, from, to, &report).await?;
        report(to);
        Ok(())
    }

    /// Lets what was made be current. Not to be dropped half-way.
    pub(super) async fn swap_all(&self, made: Made) -> Result<Vec<Ended>, Fault> {
        let mut ended = Vec::new();
        for Making { slot, generation, old } in made.makings {
            let parked = generation.parked().await?.len();
            if !self.store.swap(slot.name(), old, generation.number).await? {
                return Err(Fault::new("another generation became current meanwhile", slot.name()));
            }
            tracing::info!(
                projection = slot.name(),
                generation = generation.number,
                "a new generation is current"
            );
            ended.push(Ended::Rebuilt {
                generation: generation.number,
                position: made.position,
                parked: u64::try_from(parked).unwrap_or(u64::MAX),
            });
        }
        Ok(ended)
    }

    /// Removes what is not current and not its predecessor, and shows what is. Only for the holder of the lock.
    pub(super) async fn finish(&self, slot: &Slot) {
        let tidied = self.store.tidy(slot.name()).await;
        let shown = if self.running.load(Ordering::Acquire) {
            Ok(())
        } else {
            self.refresh(slot).await
        };
        if let Err(fault) = tidied.and(shown) {
            tracing::warn!(
                projection = slot.name(),
                error = chain(&fault),
                "old generations stay until the next start"
            );
        }
    }
}

impl Making {
    async fn build(&self, core: &Core) -> Result<Build, Fault> {
        Ok(Build {
            projection: Arc::clone(&self.slot.projection),
            generation: Arc::clone(&self.generation),
            // What an earlier pass has parked.
            skip: self.generation.parked().await?.into(),
            parks: Some((core.clock)()),
        })
    }

    async fn settle(&mut self, core: &Core) -> Result<(), Fault> {
        self.generation = Arc::new(core.store.settle(&self.generation).await?);
        Ok(())
    }
}
