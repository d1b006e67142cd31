//! Who owns an address.

mod event;

pub use event::*;
