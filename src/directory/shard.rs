//! A share of the sessions in memory, under one lock.

use std::hash::RandomState;

use doorbook_domain::id::SessionId;

use super::{graves::Graves, session::Session, table::Table};

/// A bounded number of sessions, and ids without one.
pub(super) struct Shard {
    sessions: Table<Session>,
    capacity: usize,
    hand: u32,
    pub(super) graves: Graves,
}

impl Shard {
    pub(super) fn new(capacity: usize, seed: &RandomState) -> Self {
        Self {
            sessions: Table::new(seed.clone()),
            capacity,
            hand: 0,
            graves: Graves::new(capacity / 4, seed.clone()),
        }
    }

    pub(super) fn find(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(self.sessions.find(id.0)?)
    }

    /// The same for an id whose hash under the seed of the shares is known.
    pub(super) fn find_hashed(&self, hash: u64, id: SessionId) -> Option<&Session> {
        self.sessions.get(self.sessions.find_hashed(hash, id.0)?)
    }

    pub(super) fn find_mut(&mut self, id: SessionId) -> Option<&mut Session> {
        self.sessions.get_mut(self.sessions.find(id.0)?)
    }

    /// Takes a session out. The caller releases its user.
    #[must_use]
    pub(super) fn remove(&mut self, id: SessionId) -> Option<Session> {
        self.sessions.remove(self.sessions.find(id.0)?)
    }

    /// Puts a session in whose id is not there.
    pub(super) fn insert(&mut self, session: Session) {
        self.sessions.insert(session);
    }

    /// Takes out the session that gives way to another, where there is no room: the first one under the hand that was
    /// not used since the hand last passed. The caller releases its user.
    #[must_use]
    pub(super) fn make_room(&mut self) -> Option<Session> {
        if self.sessions.len() < self.capacity {
            return None;
        }
        loop {
            let slot = self.hand;
            self.hand = (self.hand + 1) % self.sessions.slots().max(1);
            if self.sessions.get_mut(slot).is_some_and(|session| !session.spare()) {
                return self.sessions.remove(slot);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.sessions.bytes() + self.graves.bytes()
    }
}
