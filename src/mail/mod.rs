//! Mail: what Doorbook says, how it is written, and how it leaves.
//!
//! * [`Letter`] is everything that is ever said, [`Addressed`] one of them on its way to somebody. Which events cause
//!   which is decided elsewhere, behind [`Letters`].
//! * [`templates`] and `writer` turn it into a message, in two languages, as text and as HTML.
//! * [`Post`] sends it: to a mail server (`smtp`) or into a directory (`directory`).
//! * [`outbox`] says which events and how patiently; [`crate::outbox`] follows the log, keeps what is due in a durable queue, and
//!   tries again.
//!
//! A letter carries nothing that a stranger could have written: no names, and of a user agent only what `device` knows.
//! So nobody can send words of their own through Doorbook by signing others up.

mod device;
pub mod directory;
mod eml;
pub mod letter;
mod locale;
pub mod outbox;
mod post;
mod smtp;
pub mod templates;
#[cfg(test)]
mod tests;
mod writer;

use async_trait::async_trait;
use doorbook_projections::{fault::Fault, log::Recorded};

pub use self::{
    letter::{Addressed, Circumstances, Letter},
    locale::Locale,
    post::{MailError, Post, Undelivered},
};

/// Which letters events cause.
#[async_trait]
pub trait Letters: Send + Sync + 'static {
    /// Whether the event may cause letters: decided on the event alone, without a look elsewhere.
    fn concerns(&self, recorded: &Recorded) -> bool;

    /// The letters, made anew at each try, since nothing of them is stored.
    ///
    /// The n-th of an event is the same letter each time, though what it says may have changed. Fewer than before means
    /// that the last ones need not be sent any more: their addressee was erased, or their link is dead.
    ///
    /// # Errors
    ///
    /// [`Fault`] when they cannot be made now; it is tried again.
    async fn letters(&self, recorded: &Recorded) -> Result<Vec<Addressed>, Fault>;
}
