//! Sends what is queued.

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use hashbrown::HashSet;
use tokio::{task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{Outbox, PATIENCE, PAUSE, POLL};
use crate::{
    keys::{Queued, Slot},
    mail::Undelivered,
};

/// Letters on their way at once. One that is slow leaves room for others.
const AT_ONCE: usize = 8;
/// How long letters on their way may take when the service stops. What is cut off is sent again at the next start.
const GRACE: Duration = Duration::from_secs(5);
/// Pauses between the first tries; afterwards the last of them.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

/// What became of a try.
enum Outcome {
    /// The row has done its duty.
    Done,
    /// Others have taken its place.
    Spread,
    /// To be tried again.
    Later(String),
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
                    tracing::error!(error = fault.cause(), process = "sender", "will be tried again");
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
    pub(super) async fn send_due(&self) -> Result<(), Fault> {
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
        let queue = self.parts.keyring.queue();
        self.parts.counts.waiting(queue.waiting().await?);
        let limit = u32::try_from(AT_ONCE + flying.len()).unwrap_or(u32::MAX);
        let due = queue.due(self.parts.clock.now(), limit).await?;
        for row in due {
            if flights.len() < AT_ONCE && flying.insert(row.slot) {
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
        let outcome = self.outcome(&row).await.unwrap_or_else(|fault| {
            tracing::warn!(error = fault.cause(), position = %row.slot.position, "a letter was not made");
            Outcome::Later("the letter could not be made, see the service's log".to_owned())
        });
        if let Err(fault) = self.note(&row, outcome).await {
            tracing::error!(error = fault.cause(), position = %row.slot.position, "a try to send was not noted");
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn outcome(&self, row: &Queued) -> Result<Outcome, Fault> {
        let recorded = match self.event(row.slot.position).await? {
            Some(recorded) if recorded.event_id() == row.event => recorded,
            _ => {
                return Ok(Outcome::Parked(
                    "the log has another event there: was it restored?".to_owned(),
                ));
            }
        };
        let making = self.parts.post.making().await?;
        let letters = self.parts.letters.letters(&recorded).await?;
        let Some(number) = row.slot.letter else {
            let count = u32::try_from(letters.len()).unwrap_or(u32::MAX);
            self.parts.keyring.queue().spread(row, count).await?;
            self.parts.queued.notify_one();
            return Ok(Outcome::Spread);
        };
        let wanted = usize::try_from(number).unwrap_or(usize::MAX);
        let now = self.parts.clock.now();
        let Some(addressed) = letters.into_iter().nth(wanted) else {
            return Ok(Outcome::Done);
        };
        if addressed.letter.until().is_some_and(|until| until <= now) {
            tracing::info!(position = %row.slot.position, letter = addressed.letter.name(), "not sent: its link is dead");
            return Ok(Outcome::Done);
        }
        let sent = self.parts.post.send(&addressed, now).await;
        drop(making);
        Ok(match sent {
            Ok(()) => {
                self.parts.counts.sent();
                Outcome::Done
            }
            Err(Undelivered::Never(reason)) => Outcome::Parked(reason),
            Err(Undelivered::NotNow(reason)) => Outcome::Later(reason),
        })
    }

    async fn note(&self, row: &Queued, outcome: Outcome) -> Result<(), Fault> {
        let (queue, slot, now) = (self.parts.keyring.queue(), row.slot, self.parts.clock.now());
        let (reason, next) = match outcome {
            Outcome::Spread => return Ok(()),
            Outcome::Done => return queue.remove(slot).await,
            Outcome::Parked(reason) => (reason, None),
            Outcome::Later(reason) => (reason, next_try(row, now)),
        };
        self.parts.counts.failed();
        let Some(due_at) = next else {
            tracing::error!(position = %slot.position, reason, "a letter is parked: see `doorbook mail list`");
            return queue.park(slot, now, &reason).await;
        };
        tracing::warn!(position = %slot.position, reason, tries = row.tries + 1, "a letter was not sent");
        queue.postpone(slot, due_at, &reason).await
    }
}

/// When to try again; `None` when it was tried for long enough.
fn next_try(row: &Queued, now: Timestamp) -> Option<Timestamp> {
    let tried = usize::try_from(row.tries).unwrap_or(usize::MAX);
    let pause = PAUSES.get(tried).or(PAUSES.last()).copied().unwrap_or(PATIENCE);
    let next = now.plus(pause);
    (next < row.since.plus(PATIENCE)).then_some(next)
}
