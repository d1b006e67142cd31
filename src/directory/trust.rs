//! Whether memory may be believed.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::Position;

/// Two conditions: the tail of the log is being read, and the node's lease has not run out.
pub(super) struct Trust {
    reading: AtomicBool,
    until: AtomicI64,
    position: AtomicU64,
}

impl Trust {
    /// No trust before the tail is read; a lease that lasts for ever, as on a single node.
    pub(super) const fn new() -> Self {
        Self {
            reading: AtomicBool::new(false),
            until: AtomicI64::new(i64::MAX),
            position: AtomicU64::new(0),
        }
    }

    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.reading.load(Ordering::Acquire) && now.micros() < self.until.load(Ordering::Acquire)
    }

    pub(super) fn set_reading(&self, reading: bool) {
        self.reading.store(reading, Ordering::Release);
    }

    pub(super) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::Acquire)
    }

    pub(super) fn set_until(&self, until: Timestamp) {
        self.until.store(until.micros(), Ordering::Release);
    }

    pub(super) fn position(&self) -> Position {
        Position::new(self.position.load(Ordering::Acquire))
    }

    pub(super) fn set_position(&self, position: Position) {
        self.position.store(position.number(), Ordering::Release);
    }
}
