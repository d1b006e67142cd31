//! How far a follower of the log has come.

use std::time::Duration;

use doorbook_projections::{fault::Fault, log::Position};
use tokio::time::Instant;

use super::keyring::Keyring;

/// Events on which a follower does not act are passed without a word to the disk for so long. A crash makes it pass them
/// again. (A cursor that is kept for each event costs four times the syncs of a login.)
const UNKEPT: Duration = Duration::from_secs(2);

/// The place of one follower: what it has passed, and what of that is kept durably.
#[derive(Debug)]
pub struct Progress {
    follower: Box<str>,
    at: Position,
    kept: Position,
    kept_at: Instant,
}

impl Progress {
    /// Where the follower was when it was last kept.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn load(keyring: &Keyring, follower: &str) -> Result<Self, Fault> {
        let at = keyring.cursor(follower).await?;
        Ok(Self {
            follower: follower.into(),
            at,
            kept: at,
            kept_at: Instant::now(),
        })
    }

    /// Everything up to here was passed.
    #[must_use]
    pub const fn at(&self) -> Position {
        self.at
    }

    /// The follower has passed everything up to `position`.
    pub fn pass(&mut self, position: Position) {
        self.at = self.at.max(position);
    }

    /// Whether enough was passed, or long enough ago, to be worth a sync.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.at > self.kept && self.kept_at.elapsed() >= UNKEPT
    }

    /// What was passed is kept by somebody else: in one transaction with what it caused.
    pub fn was_kept(&mut self) {
        self.kept = self.at;
        self.kept_at = Instant::now();
    }

    /// Keeps it durably.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn keep(&mut self, keyring: &Keyring) -> Result<(), Fault> {
        if self.at > self.kept {
            keyring.set_cursor(&self.follower, self.at).await?;
        }
        self.was_kept();
        Ok(())
    }
}
