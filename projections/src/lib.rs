//! What is known from what happened.
//!
//! Read models are folded from the log and from nothing else, so they can always be rebuilt. They hold values as they
//! stand in the events: folding needs no key.
//!
//! * [`log`] is the one way to read the log: live, on replay and in an audit.
//! * [`projection`] says what a read model is; [`sessions`], [`users`], [`login_history`] and [`signups`] are four.
//! * [`figures`] counts over several of them.
//! * [`engine`] runs them all: live, rebuilding, verifying.
//! * [`db`], [`table`] and [`patch`] keep rows in `SQLite` and `PostgreSQL` with one set of SQL.
//! * [`keyring`] opens the sealed values that queries return.

pub mod cursor;
pub mod db;
mod ending;
pub mod engine;
pub mod fault;
pub mod figures;
pub mod keyring;
pub mod log;
pub mod login_history;
pub mod patch;
pub mod projection;
pub mod sessions;
pub mod signups;
pub mod table;
pub mod users;
