//! An account.

mod event;

pub use event::*;
