use std::{sync::atomic::Ordering, time::Duration};

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use super::{Core, Denied, Engine, Parked, Run, RunState, slot::Slot};
use crate::{fault::Fault, log::Position};

/// In a word, how a read model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wellbeing {
    /// It follows the log.
    Serving,
    /// It has no tables that fit the program and the log yet. Old ones of the same version may serve meanwhile.
    Building,
    /// An admin keeps it from following the log.
    Paused,
    /// It does not get on, and tries again.
    Failed,
}

impl Wellbeing {
    /// As shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Building => "building",
            Self::Paused => "paused",
            Self::Failed => "failed",
        }
    }
}

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
    /// The generation before, which a rollback would make current.
    pub previous: Option<u64>,
    /// Since when an admin keeps it from following the log.
    pub paused: Option<Timestamp>,
    /// What is being done to it now.
    pub run: Option<Run>,
}

impl Status {
    /// In a word.
    #[must_use]
    pub const fn wellbeing(&self) -> Wellbeing {
        match (&self.paused, &self.fault, &self.position) {
            (Some(_), _, _) => Wellbeing::Paused,
            (None, Some(_), _) => Wellbeing::Failed,
            (None, None, None) => Wellbeing::Building,
            (None, None, Some(_)) => Wellbeing::Serving,
        }
    }
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

    /// A run.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model or no such run of it, or the database fails.
    pub async fn run_of(&self, name: &str, id: Uuid) -> Result<Run, Denied> {
        let slot = self.core.known(name)?;
        let run = self.core.store.run(slot.name(), id).await?.ok_or(Denied::NoSuchRun)?;
        if run.state != RunState::Running || self.core.is_at_work(slot).await? {
            return Ok(run);
        }
        self.core.store.run(slot.name(), id).await?.ok_or(Denied::NoSuchRun)
    }

    /// Runs of a read model before the one that is numbered `before`, newest first.
    ///
    /// # Errors
    ///
    /// As [`Engine::pause`].
    pub async fn runs(&self, name: &str, before: Option<u64>, limit: u32) -> Result<Vec<Run>, Denied> {
        let slot = self.core.known(name)?;
        if self.core.store.current_run(slot.name()).await?.is_some() {
            self.core.is_at_work(slot).await?;
        }
        let before = before.unwrap_or(u64::MAX);
        Ok(self.core.store.runs(slot.name(), before, limit).await?)
    }

    /// Asks a run to stop, whichever process is at it. What serves stays.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such run, it is over, or the database fails.
    pub async fn cancel(&self, name: &str, id: Uuid) -> Result<(), Denied> {
        let run = self.run_of(name, id).await?;
        let asked = run.state == RunState::Running && self.core.store.want_stop(run.projection, id).await?;
        self.core.stop.notify_waiters();
        if asked { Ok(()) } else { Err(Denied::RunOver) }
    }
}

impl Core {
    /// Whether somebody has the lock of the read model. Where nobody has, runs that say they are at work are closed.
    async fn is_at_work(&self, slot: &Slot) -> Result<bool, Fault> {
        let Some(lock) = self.store.lock(slot.name()).await? else {
            return Ok(true);
        };
        let buried = self.store.bury(slot.name(), (self.clock)()).await;
        lock.release().await;
        buried.map(|()| false)
    }

    async fn current_run(&self, slot: &Slot) -> Result<Option<Run>, Fault> {
        match self.store.current_run(slot.name()).await? {
            Some(run) if self.is_at_work(slot).await? => Ok(Some(run)),
            Some(_) | None => Ok(None),
        }
    }

    async fn status(&self, slot: &Slot) -> Result<Status, Fault> {
        if !self.running.load(Ordering::Acquire) {
            self.refresh(slot).await?;
        }
        let (served, position, fault, paused) = {
            let state = slot.state.borrow();
            (state.served.clone(), state.position, state.fault.clone(), state.paused)
        };
        let previous = self.store.pointer(slot.name()).await?.previous;
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
            previous: (previous != 0).then_some(previous),
            paused,
            run: self.current_run(slot).await?,
        })
    }
}
