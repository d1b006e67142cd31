//! Sends what events cause: at least once, and only from here. No replay and no rebuild of a read model comes by.
//!
//! [`Outbox::follow`] reads the log with a cursor of its own and queues the events that its [`Errand`] is about; cursor and
//! queue move in one transaction. [`Outbox::send`] hands each queued event to the errand. A row is removed when what it
//! stood for has left: a crash in between sends it again.
//!
//! What cannot leave is tried again, ever more rarely; what never will, or did not within [`Errand::patience`], is parked,
//! until somebody asks for it. Nobody waits for any of this. Letters ([`crate::mail`]) and webhooks ([`crate::webhooks`])
//! go by it, each with an outbox of its own.

mod counts;
mod sender;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub use self::{
    counts::{Counts, Figures},
    sender::Outcome,
};
use crate::{
    clock::Clock,
    keys::{Keyring, Progress, Queue, Queued, Waiting},
    rest::{POLL, rest},
};

const BATCH: usize = 512;
/// The pause after a failure of a database.
const PAUSE: Duration = Duration::from_secs(2);

/// What an outbox sends, and how patiently.
#[async_trait]
pub trait Errand: Send + Sync + 'static {
    /// Names the queue and its cursor.
    fn name(&self) -> &str;

    /// What one of them is called in a line of the log, and where to read more: `a letter`, `doorbook mail list`.
    fn words(&self) -> (&'static str, &'static str);

    /// How many are on their way at once. One that is slow leaves room for others.
    fn at_once(&self) -> usize;

    /// How many may be queued: with more, the log is not read on. `None` where there is no limit.
    fn bounds(&self) -> Option<Waiting>;

    /// How long one is tried.
    fn patience(&self) -> Duration;

    /// How long to wait after so many failed tries and one more.
    fn pause(&self, tries: u32) -> Duration;

    /// Whether the event may cause something: decided on the event alone, without a look elsewhere.
    fn concerns(&self, recorded: &Recorded) -> bool;

    /// Tries to send what a row stands for.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it could not be made; it is tried again.
    async fn attempt(&self, row: &Queued, recorded: &Recorded) -> Result<Outcome, Fault>;
}

/// What sends. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    parts: Arc<Parts>,
}

struct Parts {
    log: Arc<dyn EventLog>,
    keyring: Arc<Keyring>,
    queue: Queue,
    errand: Box<dyn Errand>,
    clock: Clock,
    counts: Arc<Counts>,
    queued: Notify,
}

impl Outbox {
    /// Puts it together. It does nothing by itself.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, keyring: Arc<Keyring>, errand: impl Errand, clock: Clock) -> Self {
        let parts = Arc::new(Parts {
            log,
            queue: keyring.queue(errand.name()),
            keyring,
            errand: Box::new(errand),
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
        let name = self.parts.errand.name();
        let mut wake = self.parts.log.wake();
        let mut progress = None;
        while !cancel.is_cancelled() {
            let pause = match self.queue_batch(&mut progress).await {
                Ok(0) => POLL,
                Ok(_) => continue,
                Err(fault) => {
                    tracing::error!(error = fault.cause(), process = name, "will be tried again");
                    PAUSE
                }
            };
            rest(pause, &mut wake, &cancel).await;
        }
        if let Some(progress) = &mut progress
            && let Err(fault) = progress.keep(&self.parts.keyring).await
        {
            tracing::warn!(
                error = fault.cause(),
                process = name,
                "the next start passes some events again"
            );
        }
    }

    /// Queues what the next events cause. `known` is how far this has come; none until it is known, and after a failure.
    async fn queue_batch(&self, known: &mut Option<Progress>) -> Result<usize, Fault> {
        let Parts {
            log,
            keyring,
            queue,
            errand,
            clock,
            counts,
            ..
        } = &*self.parts;
        let mut progress = match known.take() {
            Some(progress) => progress,
            None => Progress::load(keyring, errand.name()).await?,
        };
        let events = if self.is_full().await? {
            Vec::new()
        } else {
            log.follow(progress.at(), BATCH).await?
        };
        let due: Vec<_> = events
            .iter()
            .filter(|recorded| errand.concerns(recorded))
            .map(|recorded| (recorded.position, recorded.event_id()))
            .collect();
        progress.pass(events.last().map_or(progress.at(), |last| last.position));
        if !due.is_empty() {
            queue.take_in(&due, progress.at(), clock.now()).await?;
            progress.was_kept();
            self.parts.queued.notify_one();
        } else if progress.is_due() {
            progress.keep(keyring).await?;
        }
        counts.passed(progress.at());
        *known = Some(progress);
        Ok(events.len())
    }

    /// Whether what follows in the log has to wait there.
    async fn is_full(&self) -> Result<bool, Fault> {
        let Some(most) = self.parts.errand.bounds() else {
            return Ok(false);
        };
        let waiting = self.parts.queue.waiting().await?;
        Ok(waiting.pending >= most.pending || waiting.parked >= most.parked)
    }

    /// The event at a position.
    async fn event(&self, position: Position) -> Result<Option<Recorded>, Fault> {
        let before = Position::new(position.number().saturating_sub(1));
        let read = self.parts.log.read(before, 1).await?;
        Ok(read.into_iter().find(|recorded| recorded.position == position))
    }

    /// Queues everything that the log has.
    #[cfg(test)]
    pub(crate) async fn queue_all(&self) {
        let mut progress = None;
        while self.queue_batch(&mut progress).await.unwrap() > 0 {}
    }
}
