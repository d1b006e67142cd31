//! What is known from what happened.
//!
//! [`log`] is the one way to read the log: live, on replay and in an audit.

pub mod fault;
pub mod keyring;
pub mod log;
