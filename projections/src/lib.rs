//! What is known from what happened.
//!
//! Read models are folded from the log and from nothing else, so they can always be rebuilt. They hold values as they
//! stand in the events: folding needs no key.
//!
//! * [`log`] is the one way to read the log: live, on replay and in an audit.
//! * [`projection`] says what a read model is; [`sessions`], [`users`], [`login_history`], [`signups`] and [`trail`] are five,
//!   and [`all`] lists them.
//! * [`as_of`] asks `sessions` about the past, [`addresses`] asks `users` about many.
//! * [`figures`] counts over several of them.
//! * [`engine`] runs them all: live, rebuilding, verifying.
//! * [`db`], [`table`] and [`patch`] keep rows in `SQLite` and `PostgreSQL` with one set of SQL.
//! * [`keyring`] opens the sealed values that queries return.

pub mod addresses;
pub mod as_of;
pub mod cursor;
pub mod db;
mod ending;
pub mod engine;
pub mod fault;
pub mod figures;
mod fnv;
pub mod keyring;
pub mod log;
pub mod login_history;
pub mod patch;
pub mod projection;
pub mod sessions;
pub mod signups;
pub mod table;
pub mod trail;
pub mod users;

use std::sync::Arc;

use self::{
    login_history::LoginHistory, projection::Projection, sessions::Sessions, signups::SignUps, trail::AuditTrail,
    users::Users,
};

/// Every read model, in the order in which they are listed.
#[must_use]
pub fn all() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(Sessions),
        Arc::new(Users),
        Arc::new(LoginHistory),
        Arc::new(SignUps),
        Arc::new(AuditTrail),
    ]
}
