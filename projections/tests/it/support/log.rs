use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use tokio::sync::watch;
use uuid::Uuid;

/// A log in memory.
pub(crate) struct MemoryLog {
    id: Uuid,
    events: Mutex<Vec<Recorded>>,
    wake: watch::Sender<u64>,
    /// How often it was read.
    pub(crate) reads: AtomicU64,
}

impl MemoryLog {
    pub(crate) fn new(id: u128) -> Self {
        Self {
            id: Uuid::from_u128(id),
            events: Mutex::default(),
            wake: watch::Sender::new(0),
            reads: AtomicU64::new(0),
        }
    }

    /// Appends without a look at the rules; the sequence follows from the stream.
    pub(crate) fn append(&self, aggregate: &str, stream_id: &str, event_type: &str, payload: &str) -> Position {
        let mut events = self.events.lock().unwrap();
        let of_stream = events
            .iter()
            .rev()
            .find(|event| *event.aggregate == *aggregate && *event.stream_id == *stream_id);
        let sequence = of_stream.map_or(0, |event| event.sequence) + 1;
        let position = Position::new(u64::try_from(events.len()).unwrap() + 1);
        let command = Uuid::from_u128(self.id.as_u128() << 64 | u128::from(position.number()));
        events.push(Recorded {
            position,
            aggregate: aggregate.into(),
            stream_id: stream_id.into(),
            sequence,
            event_type: event_type.into(),
            version: "1.0".into(),
            payload: payload.into(),
            metadata: format!(r#"{{"command_id":"{command}"}}"#).into(),
            recorded_at: Timestamp::from_micros(1_000_000),
        });
        drop(events);
        self.wake.send_modify(|count| *count += 1);
        position
    }

    /// Changes what is stored: what a fix of the program, or a fault of the store, would do.
    pub(crate) fn alter(&self, change: impl FnOnce(&mut Vec<Recorded>)) {
        change(&mut self.events.lock().unwrap());
    }
}

#[async_trait]
impl EventLog for MemoryLog {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(self.id)
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let events = self.events.lock().unwrap();
        let start = events.partition_point(|event| event.position <= after);
        Ok(events[start..].iter().take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, Fault> {
        Ok(self
            .events
            .lock()
            .unwrap()
            .last()
            .map_or(Position::START, |event| event.position))
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault> {
        let events = self.events.lock().unwrap();
        let mine = |event: &&Recorded| {
            *event.aggregate == *aggregate && *event.stream_id == *stream_id && event.sequence > after
        };
        Ok(events.iter().filter(mine).cloned().collect())
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}
