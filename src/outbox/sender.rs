//! Sends what is queued.

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use hashbrown::HashSet;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Outbox, PAUSE};
use crate::{
    keys::{Queued, Slot},
    rest::POLL,
};

/// How long what is on its way may take when the service stops. What is cut off is sent again at the next start.
const GRACE: Duration = Duration::from_secs(5);

/// What became of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has left.
    Sent,
    /// It need not leave any more.
    Dropped,
    /// Other rows have taken the place of this one.
    Spread,
    /// To be tried again.
    Later {
        /// Why it has not left.
        reason: String,
        /// Not before so long is over; zero where nobody said so.
        after: Duration,
    },
    /// Not to be tried again.
    Parked(String),
}

impl Outbox {
    /// Sends what is queued until cancelled.
    pub async fn send(self, cancel: CancellationToken) {
        let mut flights = JoinSet::new();
        let mut flying = HashSet::new();
        while !cancel.is_cancelled() {
            let pause = match self.launch(&mut flights, &mut flying).await {
                Ok(()) => POLL,
                Err(fault) => {
                    let process = self.parts.errand.name();
                    tracing::error!(error = fault.cause(), process, "will not be sent now");
                    PAUSE
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = self.parts.queued.notified() => {}
                Some(landed) = flights.join_next() => { flying.retain(|slot| Some(slot) != landed.as_ref().ok()); }
            }
            while let Some(landed) = flights.try_join_next() {
                flying.retain(|slot| Some(slot) != landed.as_ref().ok());
            }
            // A try that crashed has not said which it was.
            if flights.is_empty() {
                flying.clear();
            }
        }
        // What is still on its way then is cut off when the set is dropped.
        let _ = timeout(GRACE, async { while flights.join_next().await.is_some() {} }).await;
    }

    /// Sends until nothing is due.
    #[cfg(test)]
    pub(crate) async fn send_due(&self) -> Result<(), Fault> {
        loop {
            let (mut flights, mut flying) = (JoinSet::new(), HashSet::new());
            self.launch(&mut flights, &mut flying).await?;
            if flights.is_empty() {
                return Ok(());
            }
            while flights.join_next().await.is_some() {}
        }
    }

    /// Starts as many of the rows that are due as there is room for.
    async fn launch(&self, flights: &mut JoinSet<Slot>, flying: &mut HashSet<Slot>) -> Result<(), Fault> {
        let (queue, at_once) = (&self.parts.queue, self.parts.errand.at_once());
        self.parts.counts.waiting(queue.waiting().await?);
        let limit = u32::try_from(at_once + flying.len()).unwrap_or(u32::MAX);
        let due = queue.due(self.parts.clock.now(), limit).await?;
        for row in due {
            if flights.len() < at_once && flying.insert(row.slot) {
                let outbox = self.clone();
                flights.spawn(async move {
                    let slot = row.slot;
                    outbox.attempt(row).await;
                    slot
                });
            }
        }
        Ok(())
    }

    /// Tries one row, and notes what became of it. Where that cannot be noted, the row is tried again.
    async fn attempt(&self, row: Queued) {
        let process = self.parts.errand.name();
        let outcome = self.outcome(&row).await.unwrap_or_else(|fault| {
            let (what, _) = self.parts.errand.words();
            tracing::warn!(error = fault.cause(), process, position = %row.slot.position, "{what} was not made");
            Outcome::Later {
                reason: format!("{what} could not be made, see the service's log"),
                after: Duration::ZERO,
            }
        });
        if let Err(fault) = self.note(&row, outcome).await {
            tracing::error!(error = fault.cause(), process, position = %row.slot.position, "a try to send was not noted");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn outcome(&self, row: &Queued) -> Result<Outcome, Fault> {
        match self.event(row.slot.position).await? {
            Some(recorded) if recorded.event_id() == row.event => self.parts.errand.attempt(row, &recorded).await,
            Some(_) | None => Ok(Outcome::Parked(
                "the log has another event there: was it restored?".to_owned(),
            )),
        }
    }

    async fn note(&self, row: &Queued, outcome: Outcome) -> Result<(), Fault> {
        let (queue, slot, now) = (&self.parts.queue, row.slot, self.parts.clock.now());
        let (reason, next) = match outcome {
            Outcome::Spread => {
                self.parts.queued.notify_one();
                return Ok(());
            }
            Outcome::Dropped => return queue.remove(slot).await,
            Outcome::Sent => {
                self.parts.counts.sent();
                return queue.remove(slot).await;
            }
            Outcome::Parked(reason) => (reason, None),
            Outcome::Later { reason, after } => (reason, self.next_try(row, now, after)),
        };
        self.parts.counts.failed();
        let (process, (what, see)) = (self.parts.errand.name(), self.parts.errand.words());
        let Some(due_at) = next else {
            tracing::error!(process, position = %slot.position, reason, "{what} is parked: see `{see}`");
            return queue.park(slot, now, &reason).await;
        };
        tracing::warn!(process, position = %slot.position, reason, tries = row.tries + 1, "{what} was not sent");
        queue.postpone(slot, due_at, &reason).await
    }

    /// When to try again, not before `after` is over; `None` when it was tried for long enough.
    fn next_try(&self, row: &Queued, now: Timestamp, after: Duration) -> Option<Timestamp> {
        let errand = &self.parts.errand;
        let next = now.plus(errand.pause(row.tries).max(after));
        (next < row.since.plus(errand.patience())).then_some(next)
    }
}
