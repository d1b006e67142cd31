//! What an outbox has done.

use std::sync::atomic::{AtomicU64, Ordering};

use doorbook_projections::log::Position;

use crate::keys::Waiting;

/// Counters, shared with those who watch.
#[derive(Debug, Default)]
pub struct Counts {
    pending: AtomicU64,
    parked: AtomicU64,
    sent: AtomicU64,
    failed: AtomicU64,
    passed: AtomicU64,
}

/// What they say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// What waits for a try.
    pub pending: u64,
    /// What is not tried any more.
    pub parked: u64,
    /// What was sent since the start.
    pub sent: u64,
    /// Tries that failed since the start.
    pub failed: u64,
    /// Last event that was looked at.
    pub passed: Position,
}

impl Counts {
    /// What they say now.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            pending: self.pending.load(Ordering::Relaxed),
            parked: self.parked.load(Ordering::Relaxed),
            sent: self.sent.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            passed: Position::new(self.passed.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn sent(&self) {
        self.sent.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn passed(&self, position: Position) {
        self.passed.store(position.number(), Ordering::Relaxed);
    }

    pub(super) fn waiting(&self, waiting: Waiting) {
        self.pending.store(waiting.pending, Ordering::Relaxed);
        self.parked.store(waiting.parked, Ordering::Relaxed);
    }
}
