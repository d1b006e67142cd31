use std::fmt;

use chrono::Datelike;
use doorbook_domain::{id::UserId, seal::ClaimId, time::Timestamp};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

/// Names a key, e.g. `user-0193…`, `password-0193…`, `attempts-email-3f…`, `month-2026-11`.
///
/// `user-0193…/2026-11` names the key that is derived from the owner's and the month's: destroying either erases.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(Box<str>);

impl KeyName {
    /// Of what identifies a user.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self(format!("user-{user}").into())
    }

    /// Of one password hash.
    #[must_use]
    pub fn password(id: Uuid) -> Self {
        Self(format!("password-{id}").into())
    }

    /// Of failed logins at an address that nobody has.
    #[must_use]
    pub fn attempts(claim: &ClaimId) -> Self {
        Self(format!("attempts-{claim}").into())
    }

    pub(super) fn system(label: &str) -> Self {
        Self(format!("system-{label}").into())
    }

    /// Of this owner in the month of `at` (UTC).
    #[must_use]
    pub fn of_month(&self, at: Timestamp) -> Self {
        let date = at.to_utc();
        Self(format!("{self}/{:04}-{:02}", date.year(), date.month()).into())
    }

    /// Reads a name back.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the text cannot be the name of a key.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '/');
        if text.is_empty() || !text.chars().all(plain) {
            return Err(Fault::plain("a sealed value names no key"));
        }
        Ok(Self(text.into()))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The two keys that a key of a month is derived from: the owner's and the month's.
    pub(super) fn parents(&self) -> Option<(Self, Self)> {
        let (owner, month) = self.0.split_once('/')?;
        Some((Self(owner.into()), Self(format!("month-{month}").into())))
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
