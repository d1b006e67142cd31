//! An account.

mod address;
mod command;
mod error;
mod event;
mod rules;
mod social;
mod state;
#[cfg(test)]
mod tests;

pub use command::*;
pub use error::*;
pub use event::*;
pub use state::*;
