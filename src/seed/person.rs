//! A made-up person and a made-up session, as far as what happens next depends on them.

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Roles,
    time::Timestamp,
};

use super::{Lifetimes, draft::Place};

/// A user of the history.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: UserId,
    /// Events of the user's stream so far.
    pub(crate) sequence: u64,
    /// Events of the attempts stream of its address so far.
    pub(crate) attempts: u64,
    pub(crate) epoch: u32,
    pub(crate) roles: Roles,
    pub(crate) active: bool,
    /// Where it usually is.
    pub(crate) home: Place,
    /// The session of its usual browser.
    pub(crate) latest: Option<u32>,
}

/// A session that nobody ended yet.
#[derive(Debug, Clone)]
pub(crate) struct Sitting {
    pub(crate) id: SessionId,
    /// Number of its user.
    pub(crate) person: u32,
    pub(crate) sequence: u64,
    pub(crate) epoch: u32,
    pub(crate) idle_until: Timestamp,
    pub(crate) absolute_until: Timestamp,
    pub(crate) lifetimes: Lifetimes,
}

impl Sitting {
    /// Whether the session is good at `at` for its user.
    pub(crate) fn is_live(&self, at: Timestamp, user: &Person) -> bool {
        user.active && self.epoch == user.epoch && at < self.idle_until && at < self.absolute_until
    }
}
