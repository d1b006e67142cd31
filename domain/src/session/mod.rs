//! One login, from its start to its end.

mod event;

pub use event::*;
