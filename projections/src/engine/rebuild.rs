use std::sync::{Arc, atomic::Ordering};

use futures_util::future::try_join_all;
use tokio_util::sync::CancellationToken;

use super::{
    Core, Engine,
    fold::chain,
    generation::{Checkpoint, Generation},
    load::{Build, load},
    slot::Slot,
    store::BuildLock,
};
use crate::{fault::Fault, log::Position};

/// Passes over the log's tail before a new generation becomes current even though the log still grows.
const TAILS: usize = 20;

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
    lock: BuildLock,
}

impl Engine {
    /// Folds the read models `names` anew from the whole log, beside their current tables, which serve until the new ones
    /// have caught up. The log is read and decoded once for all of them.
    ///
    /// When `cancel` comes first, or something fails, the current tables stay as they are and the new ones are removed.
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, when somebody else rebuilds or verifies it, when an event cannot be
    /// read (it is named), when the log or the database fails, or when `cancel` came first.
    pub async fn rebuild(
        &self,
        names: &[&str],
        progress: &(dyn Fn(Progress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<(), Fault> {
        let mut makings = Vec::new();
        let made = tokio::select! {
            () = cancel.cancelled() => Err(Fault::plain("the rebuild was cancelled")),
            made = self.core.make(names, progress, &mut makings) => made,
        };
        let outcome = match made {
            Ok(()) => self.core.swap_all(&makings).await,
            Err(fault) => Err(fault),
        };
        for making in makings {
            self.core.finish(making).await;
        }
        self.core.nudge.notify_waiters();
        outcome
    }
}

impl Core {
    /// Makes new generations that have read the whole log.
    async fn make(
        &self,
        names: &[&str],
        progress: &(dyn Fn(Progress) + Send + Sync),
        makings: &mut Vec<Making>,
    ) -> Result<(), Fault> {
        for name in names {
            makings.push(self.prepare(self.slot(name)?).await?);
        }
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
        try_join_all(makings.iter().map(|making| making.generation.index())).await?;
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
        Ok(())
    }

    /// An empty generation.
    async fn prepare(&self, slot: &Arc<Slot>) -> Result<Making, Fault> {
        let name = slot.name();
        let lock = self.store.lock(name).await?;
        let lock = lock.ok_or_else(|| Fault::new("it is being rebuilt or verified already", name))?;
        self.store.tidy(name).await?;
        let start = Checkpoint::start(slot.projection.version(), self.log.id().await?);
        let old = self.store.pointer(name).await?.current;
        let generation = self.store.create(name, slot.projection.tables(), &start).await?;
        Ok(Making {
            slot: Arc::clone(slot),
            generation: Arc::new(generation),
            old,
            lock,
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
        let builds: Vec<Build> = makings.iter().map(Making::build).collect();
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

    async fn swap_all(&self, makings: &[Making]) -> Result<(), Fault> {
        for Making {
            slot, generation, old, ..
        } in makings
        {
            if !self.store.swap(slot.name(), *old, generation.number).await? {
                return Err(Fault::new("another generation became current meanwhile", slot.name()));
            }
            tracing::info!(
                projection = slot.name(),
                generation = generation.number,
                "a new generation is current"
            );
        }
        Ok(())
    }

    /// Removes what is not current and not its predecessor, shows what is, and lets others build.
    async fn finish(&self, making: Making) {
        let Making {
            slot, generation, lock, ..
        } = making;
        drop(generation);
        let tidied = self.store.tidy(slot.name()).await;
        let shown = if self.running.load(Ordering::Acquire) {
            Ok(())
        } else {
            self.refresh(&slot).await
        };
        if let Err(fault) = tidied.and(shown) {
            tracing::warn!(
                projection = slot.name(),
                error = chain(&fault),
                "old generations stay until the next start"
            );
        }
        lock.release().await;
    }
}

impl Making {
    fn build(&self) -> Build {
        Build {
            projection: Arc::clone(&self.slot.projection),
            generation: Arc::clone(&self.generation),
            skip: Arc::from([]),
        }
    }

    async fn settle(&mut self, core: &Core) -> Result<(), Fault> {
        self.generation = Arc::new(core.store.settle(&self.generation).await?);
        Ok(())
    }
}
