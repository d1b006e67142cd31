//! One attempt to sign up.

mod event;

pub use event::*;
