//! Ids that stand for no live session: ended ones, and ones that never were. The oldest give way.

use std::hash::RandomState;

use doorbook_domain::id::SessionId;
use uuid::Uuid;

use super::table::{Keyed, Table};

/// Why there is no session under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It ended. Nothing revives it.
    Ended,
    /// The log had no such session when it was asked. One may start.
    Unheard,
}

struct Grave {
    id: SessionId,
    cause: Cause,
}

impl Keyed for Grave {
    fn key(&self) -> Uuid {
        self.id.0
    }
}

/// A bounded number of ids without a session.
pub(super) struct Graves {
    table: Table<Grave>,
    capacity: usize,
    oldest: u32,
}

impl Graves {
    pub(super) fn new(capacity: usize, seed: RandomState) -> Self {
        Self {
            table: Table::new(seed),
            capacity: capacity.max(1),
            oldest: 0,
        }
    }

    pub(super) fn find(&self, id: SessionId) -> Option<Cause> {
        let slot = self.table.find(id.0)?;
        self.table.get(slot).map(|grave| grave.cause)
    }

    /// Notes an id. An ended session stays ended.
    pub(super) fn put(&mut self, id: SessionId, cause: Cause) {
        if let Some(slot) = self.table.find(id.0) {
            if let Some(grave) = self.table.get_mut(slot).filter(|_| cause == Cause::Ended) {
                grave.cause = cause;
            }
            return;
        }
        while self.table.len() >= self.capacity {
            self.table.remove(self.oldest);
            self.oldest = (self.oldest + 1) % self.table.slots().max(1);
        }
        self.table.insert(Grave { id, cause });
    }

    /// Something happened to a session that the log did not know: it is to be asked again.
    pub(super) fn doubt(&mut self, id: SessionId) {
        let unheard = |slot: &u32| self.table.get(*slot).is_some_and(|grave| grave.cause == Cause::Unheard);
        if let Some(slot) = self.table.find(id.0).filter(unheard) {
            self.table.remove(slot);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.table.bytes()
    }
}
