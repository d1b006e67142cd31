use std::{pin::pin, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{Kind, Order, Run, RunState, Scope, book::Entry};
use crate::{
    engine::{Core, Denied, Engine, Phase, Progress, Report, fold::chain, rebuild::Made, slot::Slot, store::BuildLock},
    fault::Fault,
    log::Position,
};

/// How often a run is noted, and looks whether it is to stop.
const BEAT: Duration = Duration::from_millis(500);
/// How long to try for a lock: a process that was killed may hold it for a moment longer.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(50);

/// Work that may begin: the locks are held, and the runs are entered. Dropped, it is as if the process had died.
pub struct Work {
    core: Arc<Core>,
    kind: Kind,
    scope: Scope,
    jobs: Vec<Job>,
}

/// One read model's share of the work.
struct Job {
    slot: Arc<Slot>,
    run: Run,
    lock: BuildLock,
}

/// What came of the work on one read model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// A new generation is current.
    Rebuilt {
        /// Which.
        generation: u64,
        /// Up to where it had read the log by then.
        position: Position,
        /// Streams that it parks.
        parked: u64,
    },
    /// Rows were folded in place.
    Refolded {
        /// Of so many streams.
        streams: u64,
        /// So many of them are parked now.
        parked: u64,
    },
    /// It was compared.
    Verified(Report),
}

/// What was worked out, and can be cut off until then.
enum Ready {
    /// New generations, which are not current yet.
    Made(Made),
    Ended(Vec<Ended>),
}

/// Why the work stopped.
enum Cut {
    Cancelled,
    Interrupted,
    Broken(Fault),
}

impl Engine {
    /// Takes the locks and enters the runs. What is to be done is done by [`Work::carry_out`].
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, when somebody works on it already, or when it cannot be worked on.
    pub async fn begin(&self, order: &Order<'_>) -> Result<Work, Denied> {
        let mut slots = Vec::new();
        for name in order.names {
            let slot = self.core.known(name)?;
            self.core.can(slot, order).await?;
            slots.push(Arc::clone(slot));
        }
        let log_id = self.core.log.id().await?;
        let mut jobs = Vec::new();
        for (slot, lock) in self.core.lock_all(slots).await? {
            let entry = Entry {
                kind: order.kind,
                scope: &order.scope,
                actor: order.actor,
                at: (self.core.clock)(),
                log_id,
            };
            let run = self.core.store.enter(slot.name(), &entry).await?;
            jobs.push(Job { slot, run, lock });
        }
        Ok(Work {
            core: Arc::clone(&self.core),
            kind: order.kind,
            scope: order.scope.clone(),
            jobs,
        })
    }
}

impl Core {
    /// All locks, or none.
    async fn lock_all(&self, slots: Vec<Arc<Slot>>) -> Result<Vec<(Arc<Slot>, BuildLock)>, Denied> {
        let mut held = Vec::new();
        for slot in slots {
            let taken = self.lock(&slot).await;
            if let Ok(Some(lock)) = taken {
                held.push((slot, lock));
                continue;
            }
            for (_, lock) in held {
                lock.release().await;
            }
            taken?;
            return Err(Denied::Busy);
        }
        Ok(held)
    }

    /// The lock of a read model, which a process that was just killed may hold for a moment longer.
    pub(in crate::engine) async fn lock(&self, slot: &Slot) -> Result<Option<BuildLock>, Fault> {
        let taken = timeout(PATIENCE, async {
            loop {
                if let Some(lock) = self.store.lock(slot.name()).await? {
                    return Ok(lock);
                }
                sleep(PAUSE).await;
            }
        });
        taken.await.ok().transpose()
    }

    /// Whether the read model can be worked on like this at all.
    async fn can(&self, slot: &Slot, order: &Order<'_>) -> Result<(), Denied> {
        if order.kind == Kind::Rebuild && order.scope == Scope::Whole {
            return Ok(());
        }
        self.writable(slot).await?;
        match &order.scope {
            Scope::Stream(stream) => self.reads_stream(slot, stream).await,
            Scope::Whole | Scope::User(_) => Ok(()),
        }
    }
}

impl Work {
    /// The runs, one for each read model.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.jobs.iter().map(|job| job.run.clone()).collect()
    }

    /// Does it. Somebody who asks one of the runs to stop stops all of them; so does `cancel`, and they are then noted as
    /// interrupted.
    ///
    /// # Errors
    ///
    /// [`Fault`] when something breaks, or it was stopped. The tables are as they were then.
    pub async fn carry_out(
        self,
        progress: &(dyn Fn(Progress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Vec<Ended>, Fault> {
        let (told, heard) = watch::channel(Progress {
            phase: Phase::Loading,
            done: 0,
            total: 0,
        });
        // What is noted are events; how far the other phases are is of no interest later.
        let tell = |at: Progress| {
            told.send_modify(|noted| {
                noted.phase = at.phase;
                if at.phase == Phase::Loading {
                    *noted = at;
                }
            });
            progress(at);
        };
        let ready = self.attended(&tell, &heard, cancel).await;
        let ended = match ready {
            Ok(Ready::Made(made)) => self.core.swap_all(made).await.map_err(Cut::Broken),
            Ok(Ready::Ended(ended)) => Ok(ended),
            Err(cut) => Err(cut),
        };
        let last = *heard.borrow();
        self.close(ended, last).await
    }

    async fn work(&self, tell: &(dyn Fn(Progress) + Send + Sync)) -> Result<Ready, Fault> {
        let slots: Vec<Arc<Slot>> = self.jobs.iter().map(|job| Arc::clone(&job.slot)).collect();
        match (self.kind, &self.scope) {
            (Kind::Rebuild, Scope::Whole) => self.core.rebuild(&slots, tell).await.map(Ready::Made),
            (Kind::Verify, _) => {
                let mut reports = Vec::new();
                for slot in &slots {
                    reports.push(Ended::Verified(self.core.verify(slot, tell).await?));
                }
                Ok(Ready::Ended(reports))
            }
            (Kind::Rebuild, scope @ (Scope::Stream(_) | Scope::User(_))) => {
                let mut refolded = Vec::new();
                for slot in &slots {
                    refolded.push(self.core.refold(slot, scope, tell).await?);
                }
                Ok(Ready::Ended(refolded))
            }
        }
    }

    /// Works, and notes how far it is, until it is done or somebody wants it to stop. A note is written to its end: one
    /// that is cut off would leave a connection in the middle of a transaction.
    async fn attended(
        &self,
        tell: &(dyn Fn(Progress) + Send + Sync),
        heard: &watch::Receiver<Progress>,
        cancel: &CancellationToken,
    ) -> Result<Ready, Cut> {
        let mut work = pin!(self.work(tell));
        loop {
            let at = *heard.borrow();
            if self.note(at).await {
                return Err(Cut::Cancelled);
            }
            tokio::select! {
                ready = &mut work => return ready.map_err(Cut::Broken),
                () = cancel.cancelled() => return Err(Cut::Interrupted),
                () = self.core.stop.notified() => {}
                () = sleep(BEAT) => {}
            }
        }
    }

    /// Notes how far it is; says whether somebody wants it to stop.
    async fn note(&self, at: Progress) -> bool {
        let mut stop = false;
        for job in &self.jobs {
            match self.core.store.note(&job.run, at, (self.core.clock)()).await {
                Ok(wanted) => stop |= wanted,
                Err(fault) => tracing::warn!(error = chain(&fault), "a run could not be noted"),
            }
        }
        stop
    }

    /// Removes what is left over, closes the runs, and lets others work.
    async fn close(self, ended: Result<Vec<Ended>, Cut>, last: Progress) -> Result<Vec<Ended>, Fault> {
        let Self { core, kind, jobs, .. } = self;
        let (state, error) = match &ended {
            Ok(_) => (RunState::Done, None),
            Err(Cut::Cancelled) => (RunState::Cancelled, None),
            Err(Cut::Interrupted) => (RunState::Interrupted, None),
            Err(Cut::Broken(fault)) => (RunState::Failed, Some(chain(fault))),
        };
        let mut outcomes = ended.as_deref().unwrap_or_default().iter().map(Ended::outcome);
        for Job { slot, run, lock } in jobs {
            let outcome = outcomes.next();
            slot.tally.count(kind, state);
            core.finish(&slot).await;
            let closed = Run {
                state,
                phase: last.phase,
                done: last.done,
                total: last.total,
                outcome,
                error: error.clone(),
                ..run
            };
            if let Err(fault) = core.store.close(&closed, (core.clock)()).await {
                tracing::warn!(error = chain(&fault), "a run could not be closed");
            }
            lock.release().await;
        }
        core.nudge.notify_waiters();
        ended.map_err(|cut| match cut {
            Cut::Broken(fault) => fault,
            Cut::Cancelled => Fault::plain("it was cancelled"),
            Cut::Interrupted => Fault::plain("it was interrupted"),
        })
    }
}
