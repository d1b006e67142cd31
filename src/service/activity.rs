//! Moves the idle deadlines of used sessions, in the background and at most once per twelfth of the idle time.

use std::{collections::HashSet, sync::Arc, time::Duration};

use doorbook_domain::{
    id::SessionId,
    session::{self, Session, SessionCommand},
    time::Timestamp,
};
use doorbook_openapi::app::LiveSession;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::{Parts, numbered};
use crate::ids;
use crate::store::{CommandMetadata, Failure};

/// Sessions that wait to be refreshed. One that finds no room is refreshed at a later use.
const QUEUE: usize = 4096;
/// An idle deadline moves when at least this part of the idle time has passed since it last moved.
const PART: u32 = 12;

/// Takes notes of use. Cheap to clone; the writer ends when the last clone is dropped.
#[derive(Clone)]
pub struct Activity {
    queue: mpsc::Sender<SessionId>,
    waiting: Arc<Mutex<HashSet<SessionId>>>,
}

/// Whether a session that dies at `idle_until` unless used should be refreshed at `now`.
#[must_use]
pub fn is_due(now: Timestamp, idle_until: Timestamp, absolute_until: Timestamp, idle: Duration) -> bool {
    // Near its absolute end the idle deadline cannot move any more.
    let could_reach = now.plus(idle).min(absolute_until);
    could_reach.since(idle_until) >= idle / PART
}

impl Activity {
    pub(super) fn start(parts: Arc<Parts>, tasks: &TaskTracker) -> Self {
        let (queue, sessions) = mpsc::channel(QUEUE);
        let waiting = Arc::new(Mutex::new(HashSet::new()));
        tasks.spawn(write(parts, sessions, Arc::clone(&waiting)));
        Self { queue, waiting }
    }

    /// Never waits.
    pub(super) fn note(&self, session: &LiveSession, now: Timestamp, idle: Duration) {
        if !is_due(now, session.idle_until, session.absolute_until, idle) || !self.waiting.lock().insert(session.id) {
            return;
        }
        if self.queue.try_send(session.id).is_err() {
            self.waiting.lock().remove(&session.id);
        }
    }
}

async fn write(parts: Arc<Parts>, mut sessions: mpsc::Receiver<SessionId>, waiting: Arc<Mutex<HashSet<SessionId>>>) {
    while let Some(id) = sessions.recv().await {
        let now = parts.clock.now();
        let metadata = CommandMetadata {
            command_id: ids::uuid_v7(now),
            actor: "system".to_owned(),
            request_id: None,
            causation: None,
            at: now,
        };
        let refresh = SessionCommand::Refresh(session::Refresh { at: now });
        match parts
            .store
            .execute::<Session>(&id.to_string(), refresh, &metadata)
            .await
        {
            Ok(committed) => parts.directory.nudge_session(id, &numbered(&committed.events)),
            // It ended meanwhile, or another refresh was faster.
            Err(Failure::Refused(_) | Failure::Conflict) => {}
            Err(Failure::Broken(fault)) => {
                tracing::error!(error = fault.cause(), "a used session was not refreshed");
            }
        }
        waiting.lock().remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn due(minutes_since_refresh: u64, minutes_to_absolute: u64) -> bool {
        let now = Timestamp::from_micros(1_000_000_000_000_000);
        let refreshed = now.minus(Duration::from_secs(60 * minutes_since_refresh));
        is_due(
            now,
            refreshed.plus(HOUR),
            now.plus(Duration::from_secs(60 * minutes_to_absolute)),
            HOUR,
        )
    }

    #[test]
    fn deadline_moves_once_a_twelfth_of_the_idle_time_has_passed() {
        assert!(!due(4, 600));
        assert!(due(5, 600));
    }

    #[test]
    fn deadline_that_stands_at_the_absolute_end_does_not_move() {
        assert!(!due(50, 10));
    }
}
