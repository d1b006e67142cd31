//! The sequencer: gives each committed event its position.
//!
//! Ids are taken before a transaction commits, so they become visible out of order, and a reader that follows them skips
//! events. One task, in whichever process holds the lock, therefore numbers the events after they have become visible,
//! and readers follow its numbers. Every other process that has the log open waits to take over.

use std::{sync::Arc, time::Duration};

use doorbook_projections::fault::Fault;
use sqlx::{ConnectOptions, PgConnection, postgres::PgConnectOptions};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::leader::Leader;

mod gaps;
mod leader;
mod session;

/// First pause when more is expected soon; doubles up to the polling interval.
const SOON: Duration = Duration::from_millis(2);
/// A database that does not answer for so long is taken for dead.
const PATIENCE: Duration = Duration::from_secs(30);
/// Pauses between attempts to reach a database that failed.
const RETRY: std::ops::RangeInclusive<u64> = 100..=500;

/// Between the appends of this process, the sequencer and the readers.
pub(in crate::store) struct Signals {
    /// Something was appended here.
    pub(in crate::store) appended: Notify,
    /// There are new positions.
    wake: watch::Sender<u64>,
}

impl Signals {
    pub(in crate::store) fn new(wake: watch::Sender<u64>) -> Self {
        Self {
            appended: Notify::new(),
            wake,
        }
    }
}

/// The task. It ends when this is dropped.
pub(in crate::store) struct Sequencer {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Sequencer {
    pub(in crate::store) fn start(options: PgConnectOptions, signals: Arc<Signals>, poll: Duration) -> Self {
        let stop = CancellationToken::new();
        let work = Work {
            options,
            signals,
            poll,
            stop: stop.clone(),
        };
        Self {
            stop,
            task: tokio::spawn(work.run()),
        }
    }

    /// Ends after the batch that is under way.
    pub(in crate::store) async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.task).await {
            warn!(%error, "the sequencer did not end well");
        }
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Work {
    options: PgConnectOptions,
    signals: Arc<Signals>,
    poll: Duration,
    stop: CancellationToken,
}

impl Work {
    async fn run(self) {
        while !self.stop.is_cancelled() {
            if let Err(fault) = self.session().await {
                let error: &dyn std::error::Error = &fault;
                warn!(error, "the sequencer tries again");
            }
            self.pause(Duration::from_millis(rand::random_range(RETRY))).await;
        }
    }

    /// Connects, waits for the lock, leads; until it is told to stop or something breaks.
    async fn session(&self) -> Result<(), Fault> {
        let mut connection = patiently(self.options.connect()).await?;
        if !self.follow(&mut connection).await? {
            return Ok(());
        }
        info!("this process numbers the events of the log");
        let mut leader = patiently(Leader::begin(connection)).await?;
        self.lead(&mut leader).await?;
        patiently(leader.save()).await
    }

    /// Waits for the lock; meanwhile wakes the readers of this process. `false` when told to stop.
    async fn follow(&self, connection: &mut PgConnection) -> Result<bool, Fault> {
        let mut seen = None;
        let mut pause = self.poll;
        while !self.stop.is_cancelled() {
            let (leads, head) = patiently(session::try_lead(connection)).await?;
            if seen.replace(head) != Some(head) {
                self.wake();
            }
            if leads {
                return Ok(true);
            }
            pause = if self.pause(pause).await {
                SOON
            } else {
                self.poll.min(pause * 2)
            };
        }
        Ok(false)
    }

    async fn lead(&self, leader: &mut Leader) -> Result<(), Fault> {
        let mut pause = self.poll;
        while !self.stop.is_cancelled() {
            let batch = patiently(leader.batch()).await?;
            if batch.events > 0 {
                self.wake();
            }
            if batch.full {
                continue;
            }
            pause = match (batch.gaps, batch.events) {
                (false, _) => self.poll,
                (true, 0) => self.poll.min(pause * 2),
                (true, _) => SOON,
            };
            self.pause(pause).await;
        }
        Ok(())
    }

    fn wake(&self) {
        self.signals.wake.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Whether something was appended meanwhile.
    async fn pause(&self, longest: Duration) -> bool {
        tokio::select! {
            () = self.signals.appended.notified() => true,
            () = self.stop.cancelled() => false,
            () = sleep(longest) => false,
        }
    }
}

async fn patiently<T>(step: impl Future<Output = sqlx::Result<T>>) -> Result<T, Fault> {
    match timeout(PATIENCE, step).await {
        Ok(done) => done.map_err(Fault::because("the sequencer failed")),
        Err(_) => Err(Fault::plain("the sequencer's database does not answer")),
    }
}
