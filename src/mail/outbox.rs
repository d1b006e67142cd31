//! Sends what events cause: at least once, and only from here. No replay and no rebuild of a read model comes by.
//!
//! [`Outbox::follow`] reads the log with a cursor of its own and queues the events that may cause letters; cursor and
//! queue move in one transaction. [`Outbox::send`] asks for the letters of a queued event, gives each a row of its own,
//! and sends them. A row is removed when its letter has left: a crash in between sends it again, with the same
//! `Message-ID`.
//!
//! A letter that cannot leave is tried again, ever more rarely; one that never will, or did not within [`PATIENCE`], is
//! parked, and goes on with `doorbook mail retry`. Nobody waits for any of this.

mod counts;
mod sender;

use std::{sync::Arc, time::Duration};

use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

pub use self::counts::{Counts, Figures};
use super::{Letters, Post};
use crate::{
    clock::Clock,
    keys::{Keyring, Progress},
};

#[cfg(test)]
mod tests;

/// Name of the cursor.
pub const CURSOR: &str = "outbox";
/// How long a letter is tried. One whose event is older when it is first seen is not sent: nobody expects it any more,
/// as on the first start of a program that sends mail on a log that is years old.
pub const PATIENCE: Duration = Duration::from_hours(24);

const BATCH: usize = 512;
/// A reader also polls, since a wake-up may be lost or come from another process.
const POLL: Duration = Duration::from_secs(1);
/// What follows so shortly after the last step is queued together with what comes next.
const GATHER: Duration = Duration::from_millis(200);
/// The pause after a failure of a database.
const PAUSE: Duration = Duration::from_secs(2);

/// What sends mail. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    parts: Arc<Parts>,
}

struct Parts {
    log: Arc<dyn EventLog>,
    keyring: Arc<Keyring>,
    letters: Box<dyn Letters>,
    post: Arc<Post>,
    clock: Clock,
    counts: Arc<Counts>,
    queued: Notify,
}

impl Outbox {
    /// Puts it together. It does nothing by itself.
    #[must_use]
    pub fn new(
        log: Arc<dyn EventLog>,
        keyring: Arc<Keyring>,
        letters: impl Letters,
        post: Arc<Post>,
        clock: Clock,
    ) -> Self {
        let parts = Arc::new(Parts {
            log,
            keyring,
            letters: Box::new(letters),
            post,
            clock,
            counts: Arc::default(),
            queued: Notify::new(),
        });
        Self { parts }
    }

    /// What it has done, for those who watch.
    #[must_use]
    pub fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.parts.counts)
    }

    /// Queues what events cause until cancelled.
    pub async fn follow(self, cancel: CancellationToken) {
        let mut wake = self.parts.log.wake();
        let mut progress = None;
        while !cancel.is_cancelled() {
            let pause = match self.queue_batch(&mut progress).await {
                Ok(0) => POLL,
                Ok(_) => continue,
                Err(fault) => {
                    tracing::error!(error = fault.cause(), process = CURSOR, "will be tried again");
                    PAUSE
                }
            };
            let gathered = Instant::now() + GATHER;
            let woken = async {
                wake.changed().await.unwrap_or_default();
                sleep_until(gathered).await;
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
                () = woken, if pause == POLL => {}
            }
        }
        if let Some(progress) = &mut progress
            && let Err(fault) = progress.keep(&self.parts.keyring).await
        {
            tracing::warn!(
                error = fault.cause(),
                process = CURSOR,
                "the next start passes some events again"
            );
        }
    }

    /// Queues what the next events cause. `known` is how far this has come; none until it is known, and after a failure.
    async fn queue_batch(&self, known: &mut Option<Progress>) -> Result<usize, Fault> {
        let Parts {
            log, keyring, clock, ..
        } = &*self.parts;
        let mut progress = match known.take() {
            Some(progress) => progress,
            None => Progress::load(keyring, CURSOR).await?,
        };
        let events = log.follow(progress.at(), BATCH).await?;
        let oldest = clock.now().minus(PATIENCE);
        let due: Vec<_> = events
            .iter()
            .filter(|recorded| recorded.recorded_at >= oldest && self.parts.letters.concerns(recorded))
            .map(|recorded| (recorded.position, recorded.event_id()))
            .collect();
        progress.pass(events.last().map_or(progress.at(), |last| last.position));
        if !due.is_empty() {
            let queue = keyring.queue();
            queue.take_in(&due, CURSOR, progress.at(), clock.now()).await?;
            progress.was_kept();
            self.parts.queued.notify_one();
        } else if progress.is_due() {
            progress.keep(keyring).await?;
        }
        *known = Some(progress);
        Ok(events.len())
    }

    /// The event at a position.
    async fn event(&self, position: Position) -> Result<Option<Recorded>, Fault> {
        let before = Position::new(position.number().saturating_sub(1));
        let read = self.parts.log.read(before, 1).await?;
        Ok(read.into_iter().find(|recorded| recorded.position == position))
    }
}
