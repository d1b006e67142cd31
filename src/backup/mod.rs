//! Copies of the embedded databases, and the way back.
//!
//! * [`copy`] makes a pair of files while the service runs: a log, and the keys that it needs.
//! * [`restore`] puts such a pair in place and settles what an older state would bring back to life.
//!
//! On PostgreSQL its own tools make the copies; [`restore::settle`] does the rest.

pub mod copy;
pub mod restore;
