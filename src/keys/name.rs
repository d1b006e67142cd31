//! Names of keys.

use std::fmt;

use chrono::{Datelike, NaiveDate, NaiveTime};
use doorbook_domain::{id::UserId, seal::ClaimId, time::Timestamp};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

/// The name of a data key: `user-<id>`, `password-<id>`, `attempts-<claim>` or `attempts-<claim>.<n>`, `month-2026-11`; or of a key that needs an
/// owner's and a month's: `user-<id>/2026-11`. Names are stored beside sealed values, and are no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyName(Box<str>);

/// The kinds of names that may be asked for. The keyring's own begin otherwise.
const KINDS: [&str; 4] = ["user-", "password-", "attempts-", MONTHS];
/// What the name of a month's key begins with.
pub(super) const MONTHS: &str = "month-";

impl KeyName {
    /// The key of a user's personal data. Destroying it erases the user.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self(format!("user-{user}").into())
    }

    /// The key of one password hash. Destroyed when the password changes.
    #[must_use]
    pub fn password(id: Uuid) -> Self {
        Self(format!("password-{}", id.hyphenated()).into())
    }

    /// The key of failed logins at one address that was nobody's. Each time that the address is free again, which the
    /// number of events of its claim tells, it is another: who comes later does not share a key with who was erased.
    #[must_use]
    pub fn attempts(claim: &ClaimId, events: u64) -> Self {
        if events == 0 {
            Self(format!("attempts-{claim}").into())
        } else {
            Self(format!("attempts-{claim}.{events}").into())
        }
    }

    /// The key of a calendar month in UTC. Destroying it erases every origin that was recorded in it.
    #[must_use]
    pub fn month(at: Timestamp) -> Self {
        Self(format!("{MONTHS}{}", Month(at)).into())
    }

    /// The key that needs this one and that of the month of `at`: destroying either destroys it.
    #[must_use]
    pub fn of_month(&self, at: Timestamp) -> Self {
        Self(format!("{}/{}", self.owner(), Month(at)).into())
    }

    /// Reads a name that a sealed value carries.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the text is no name that a caller may use.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let known = KINDS
            .iter()
            .any(|kind| text.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()));
        known
            .then(|| Self(text.into()))
            .ok_or_else(|| Fault::plain("a sealed value names no key"))
    }

    /// As stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the stored key, without a month.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(owner, _)| owner)
    }

    /// The month's own key, where this one needs it.
    pub(super) fn month_key(&self) -> Option<Self> {
        let (_, month) = self.0.split_once('/')?;
        Some(Self(format!("{MONTHS}{month}").into()))
    }

    /// When the month begins whose key this is.
    #[must_use]
    pub fn month_begins(&self) -> Option<Timestamp> {
        let (year, month) = self.0.strip_prefix(MONTHS)?.split_once('-')?;
        let first = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, 1)?;
        let begins = first.and_time(NaiveTime::MIN).and_utc().into();
        (Self::month(begins) == *self).then_some(begins)
    }

    /// A key of the keyring itself, which no caller can name.
    pub(super) fn of_system(name: &str) -> Self {
        Self(format!("system-{name}").into())
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shown as `2026-11`.
struct Month(Timestamp);

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let day = self.0.to_utc();
        write!(f, "{:04}-{:02}", day.year(), day.month())
    }
}
