//! A history that looks real, for benches, tests and demonstrations.
//!
//! [`History`] makes it up, in time order and with the streams interleaved as they would be: people sign up, log in over
//! months, come back, log out or do not, mistype, change passwords; a few get roles or are shut out. It is a pure function
//! of its [`Shape`]. [`seal`] then turns its drafts into events under keys, and [`fill`] writes them in batches.
//!
//! Users are `user000001@example.org` and so on, each with the password [`PASSWORD`]. The first is an admin, the second an
//! auditor. Session secrets are random digests: nobody has the cookies.

mod arrivals;
mod draft;
mod history;
mod people;
mod person;
mod seal;

use std::{future::Future, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;

use crate::store::NewEvent;

pub use self::{
    draft::{Draft, Fact, Stream},
    history::History,
    people::address,
    seal::{Key, Sealer, seal},
};

/// The password of every seeded user.
pub const PASSWORD: &str = "correct horse battery staple";
/// How much time a history spans.
pub const SPAN: Duration = Duration::from_hours(180 * 24);
/// Events that are sealed and written at once.
const BATCH: usize = 4000;

/// What a history is made from. Equal shapes give equal histories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// How many users sign up.
    pub users: u32,
    /// How many events there are in all: at least ten for each user.
    pub events: u64,
    /// Any number.
    pub seed: u64,
    /// When the history ends; it begins [`SPAN`] earlier.
    pub until: Timestamp,
    /// Lifetimes of the sessions of users without a role.
    pub lifetimes: Lifetimes,
    /// Lifetimes of the sessions of users with a role.
    pub staff: Lifetimes,
}

/// How long a session lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// At all.
    pub absolute: Duration,
    /// Unused.
    pub idle: Duration,
}

/// Seals a history and hands it on in batches, in its order. `done` hears how many events were taken.
///
/// # Errors
///
/// The keys or the taker failed.
pub async fn fill<F>(
    history: History,
    sealer: &dyn Sealer,
    mut take: impl FnMut(Vec<NewEvent>) -> F,
    done: impl Fn(u64),
) -> Result<u64, Fault>
where
    F: Future<Output = Result<(), Fault>>,
{
    let mut drafts = history.peekable();
    let mut total = 0;
    while drafts.peek().is_some() {
        let batch: Vec<Draft> = drafts.by_ref().take(BATCH).collect();
        total += u64::try_from(batch.len()).unwrap_or(0);
        take(seal(&batch, sealer).await?).await?;
        done(total);
    }
    Ok(total)
}

#[cfg(test)]
pub(crate) mod tests;
