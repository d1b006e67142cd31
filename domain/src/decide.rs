//! The form that every aggregate has.

use cqrs_es::Aggregate;

/// An aggregate whose decisions are a pure function of its state and a command.
///
/// [`Aggregate::handle`] of an implementor only hands the events of [`Decide::decide`] on.
pub trait Decide: Aggregate<Services = ()> {
    /// Decides what happens, without changing anything. No event at all means that it is already so.
    ///
    /// # Errors
    ///
    /// The rule that the command would break.
    fn decide(&self, command: Self::Command) -> Result<Vec<Self::Event>, Self::Error>;
}
