//! Failed logins at one address, for audit.

mod event;

pub use event::*;
