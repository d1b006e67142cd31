//! What was appended last, in memory: everybody who follows the log reads it, and only the first of them from the database.

use std::{collections::VecDeque, time::Duration};

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use parking_lot::Mutex;
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

/// Events that are kept: what followers gather in a few seconds of the heaviest load.
const KEPT: usize = 1024;
/// How long a look that found nothing new serves all who look, unless somebody says that there is something: of the followers,
/// which look several times a second in case a signal was lost, only one asks the database.
const STILL: Duration = Duration::from_millis(200);

/// A log whose latest events are kept for [`EventLog::follow`].
pub(super) struct Recent<L> {
    log: L,
    kept: Mutex<Kept>,
    signals: watch::Receiver<u64>,
}

/// All events behind `after` up to the last one here, without a gap.
#[derive(Default)]
struct Kept {
    after: Position,
    events: VecDeque<Recorded>,
    /// When the log was seen to end with them, and how many signals there had been.
    still: Option<(Instant, u64)>,
}

impl<L: EventLog> Recent<L> {
    pub(super) fn over(log: L) -> Self {
        Self {
            signals: log.wake(),
            kept: Mutex::default(),
            log,
        }
    }
}

impl Kept {
    fn end(&self) -> Position {
        self.events.back().map_or(self.after, |last| last.position)
    }

    /// What is known behind `after`; nothing where that is not known, or where the log may go on.
    fn behind(&self, after: Position, limit: usize) -> Vec<Recorded> {
        if after < self.after {
            return Vec::new();
        }
        let first = self.events.partition_point(|event| event.position <= after);
        self.events.range(first..).take(limit).cloned().collect()
    }

    /// Whether the log was just seen to end at `after`.
    fn ends_at(&self, after: Position, signals: u64) -> bool {
        let still = self
            .still
            .filter(|&(seen, heard)| heard == signals && seen.elapsed() < STILL);
        still.is_some() && after == self.end()
    }

    /// Takes in what the log has behind `after`.
    fn extend(&mut self, after: Position, events: &[Recorded]) {
        if self.end() < after {
            *self = Self {
                after,
                events: VecDeque::with_capacity(KEPT),
                still: None,
            };
        }
        let end = self.end();
        let new = events.iter().filter(|event| event.position > end);
        self.events.extend(new.cloned());
        if self.end() > end {
            self.still = None;
        }
        let surplus = self.events.len().saturating_sub(KEPT);
        if let Some(last) = self.events.drain(..surplus).next_back() {
            self.after = last.position;
        }
    }
}

#[async_trait]
impl<L: EventLog> EventLog for Recent<L> {
    async fn id(&self) -> Result<Uuid, Fault> {
        self.log.id().await
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        self.log.read(after, limit).await
    }

    async fn follow(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        let signals = *self.signals.borrow();
        {
            let kept = self.kept.lock();
            let known = kept.behind(after, limit);
            if !known.is_empty() || kept.ends_at(after, signals) {
                return Ok(known);
            }
        }
        let began = Instant::now();
        let events = self.log.read(after, limit).await?;
        // Whoever is far behind reads what nobody else waits for.
        if events.len() < limit.min(KEPT) {
            let mut kept = self.kept.lock();
            kept.extend(after, &events);
            if events.is_empty() && kept.end() == after {
                kept.still = Some((began, signals));
            }
        }
        Ok(events)
    }

    async fn head(&self) -> Result<Position, Fault> {
        self.log.head().await
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault> {
        self.log.stream(aggregate, stream_id, after).await
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.log.wake()
    }
}

#[cfg(test)]
mod tests {
    use doorbook_domain::time::Timestamp;

    use super::*;

    fn event(position: u64) -> Recorded {
        Recorded {
            position: Position::new(position),
            aggregate: "session".into(),
            stream_id: "1".into(),
            sequence: position,
            event_type: "session.refreshed".into(),
            version: "1.0".into(),
            payload: "{}".into(),
            metadata: "{}".into(),
            recorded_at: Timestamp::default(),
        }
    }

    fn events(positions: impl IntoIterator<Item = u64>) -> Vec<Recorded> {
        positions.into_iter().map(event).collect()
    }

    fn known(kept: &Kept, after: u64, limit: usize) -> Vec<u64> {
        let events = kept.behind(Position::new(after), limit);
        events.iter().map(|event| event.position.number()).collect()
    }

    #[test]
    fn what_was_read_is_known_from_any_place_in_it() {
        let mut kept = Kept::default();
        kept.extend(Position::new(10), &events([11, 12, 15]));
        assert_eq!(known(&kept, 10, 9), [11, 12, 15]);
        assert_eq!(known(&kept, 13, 9), [15]);
        assert_eq!(known(&kept, 10, 2), [11, 12]);
        assert_eq!(known(&kept, 15, 9), [0; 0], "the log may go on");
        assert_eq!(known(&kept, 9, 9), [0; 0], "there may be an event 10");
        kept.extend(Position::new(15), &events([16]));
        assert_eq!(known(&kept, 12, 9), [15, 16]);
    }

    #[test]
    fn overlap_is_taken_in_once_and_a_gap_begins_anew() {
        let mut kept = Kept::default();
        kept.extend(Position::START, &events([1, 2, 3]));
        kept.extend(Position::new(1), &events([2, 3, 4]));
        assert_eq!(known(&kept, 0, 9), [1, 2, 3, 4]);
        kept.extend(Position::new(7), &events([8]));
        assert_eq!(known(&kept, 3, 9), [0; 0]);
        assert_eq!(known(&kept, 7, 9), [8]);
    }

    #[test]
    fn one_look_serves_all_until_a_signal_or_for_a_moment() {
        let mut kept = Kept::default();
        kept.extend(Position::START, &events([1]));
        let end = Position::new(1);
        assert!(!kept.ends_at(end, 7), "nobody has looked behind it");
        kept.still = Some((Instant::now(), 7));
        assert!(kept.ends_at(end, 7));
        assert!(!kept.ends_at(Position::START, 7));
        assert!(!kept.ends_at(end, 8), "there may be something");
        kept.still = Some((Instant::now().checked_sub(STILL).unwrap(), 7));
        assert!(!kept.ends_at(end, 7), "a signal may be lost");
    }

    #[test]
    fn only_the_latest_are_kept() {
        let mut kept = Kept::default();
        let last = u64::try_from(KEPT).unwrap() + 5;
        kept.extend(Position::START, &events(1..=last));
        assert_eq!(kept.events.len(), KEPT);
        assert_eq!(known(&kept, 4, 9), [0; 0]);
        assert_eq!(known(&kept, 5, 1), [6]);
    }
}
