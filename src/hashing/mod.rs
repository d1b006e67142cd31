//! Passwords: hashed on threads of their own, so that a storm of logins slows nobody else.
//!
//! * [`PasswordHasher`] is the pool. It is as wide as the cores and its queue is bounded: beyond it, the answer is "later".
//! * [`stored`] reads the forms in which hashes come: our own Argon2id and those of other systems.
//! * [`rules`] says which new passwords are refused, and why; [`common`] knows those that everybody tries first.
//!
//! A password is taken as its bytes were received: not trimmed, not truncated, not normalized (ASVS 6.2.8).

pub mod common;
mod pool;
pub mod rules;
pub mod stored;

pub use self::{
    pool::{Argon2Cost, Asker, HashFailure, HasherCounts, PasswordHasher, Verdict},
    stored::{UnknownHash, recognise},
};

#[cfg(test)]
mod tests;
