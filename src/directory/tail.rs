//! Following the log: what other nodes, the command line and lost nudges did reaches memory from here.

use std::{sync::Arc, time::Duration};

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
};
use doorbook_projections::{
    fault::Fault,
    log::{Position, Recorded},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::Directory;

/// Events read at once.
const BATCH: usize = 1000;
/// How often the log is asked without a signal.
const POLL: Duration = Duration::from_millis(250);
/// What other nodes append is known this much later, so that a busy log is not read once for each event. What this node
/// appends is known at once.
const GATHER: Duration = Duration::from_millis(20);
/// A read that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(5);

/// Takes trust away when following ends, however it ends.
struct Following<'a>(&'a Directory);

impl Drop for Following<'_> {
    fn drop(&mut self) {
        self.0.distrust();
    }
}

impl Directory {
    /// Reads the log's tail from `from` on until cancelled. Memory is trusted once the tail was reached, and no longer
    /// when the log cannot be read or nobody follows it.
    ///
    /// `from` is the head of the log, or earlier, as it was before the first session was asked for.
    pub async fn follow(self: Arc<Self>, from: Position, cancel: CancellationToken) {
        let _following = Following(&self);
        self.trust.set_position(from);
        let mut wake = self.reader.log().wake();
        let mut failing = false;
        loop {
            wake.borrow_and_update();
            let Some(read) = cancel.run_until_cancelled(self.read_on()).await else {
                return;
            };
            match read {
                Ok(BATCH) => continue,
                Ok(_) if failing => info!("the session directory reads the log again"),
                Ok(_) => {}
                Err(fault) if failing => tracing::debug!(error = %fault, "the session directory cannot read the log"),
                Err(fault) => {
                    let error: &dyn std::error::Error = &fault;
                    warn!(
                        error,
                        "the session directory cannot read the log: every check asks the log itself"
                    );
                }
            }
            failing = !self.trust.is_reading();
            if cancel.run_until_cancelled(woken(&mut wake)).await.is_none() {
                return;
            }
        }
    }

    /// Takes in one batch and says how many events it had. Reaching the tail restores trust, a failure ends it.
    async fn read_on(&self) -> Result<usize, Fault> {
        let read = timeout(PATIENCE, self.reader.log().follow(self.read_position(), BATCH)).await;
        let events = match read {
            Ok(Ok(events)) => events,
            Ok(Err(fault)) => {
                self.distrust();
                return Err(fault);
            }
            Err(late) => {
                self.distrust();
                return Err(Fault::new("reading the log took too long", late));
            }
        };
        for recorded in &events {
            self.take_in(recorded);
            self.trust.set_position(recorded.position);
        }
        if events.len() < BATCH {
            self.trust.set_reading(true);
        }
        Ok(events.len())
    }

    /// Memory is not believed until the tail was reached again.
    fn distrust(&self) {
        self.trust.set_reading(false);
        self.listeners.wake_all();
    }

    /// Takes in one event of the log.
    pub(super) fn take_in(&self, recorded: &Recorded) {
        let Ok(id) = Uuid::parse_str(&recorded.stream_id) else {
            return;
        };
        match &*recorded.aggregate {
            "session" => self.take_in_session(SessionId(id), recorded),
            "user" => self.take_in_user(UserId(id), recorded),
            _ => return,
        }
        self.listeners.wake(id);
    }

    fn take_in_session(&self, id: SessionId, recorded: &Recorded) {
        if !self.memory.knows(id) {
            return;
        }
        let event = match recorded.event() {
            Ok(Event::Session(event)) => Some(event),
            Ok(_) | Err(_) => None,
        };
        self.memory.hear(id, recorded.sequence, event.as_ref());
    }

    fn take_in_user(&self, id: UserId, recorded: &Recorded) {
        if !self.memory.users.knows(id) {
            return;
        }
        let event = match recorded.event() {
            Ok(Event::User(event)) => Some(event),
            Ok(_) | Err(_) => None,
        };
        self.memory.hear_user(id, recorded.sequence, event.as_ref());
    }
}

/// Waits for a signal, but not for long: one may be lost.
async fn woken(wake: &mut watch::Receiver<u64>) {
    let signal = async {
        if wake.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
        sleep(GATHER).await;
    };
    tokio::select! {
        () = signal => {}
        () = sleep(POLL) => {}
    }
}
