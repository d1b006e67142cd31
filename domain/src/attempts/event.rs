use serde::{Deserialize, Serialize};

use crate::{decide::names, id::UserId, seal::Sealed, time::Timestamp};

/// Why a login failed. The answer over HTTP is the same for all that a password can fail by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureReason {
    /// The password was another.
    WrongPassword,
    /// Nobody has this address.
    UnknownAddress,
    /// The user is deactivated.
    Inactive,
    /// The user has no password.
    NoPassword,
    /// The address was not proven yet.
    Unverified,
    /// The operator admits other people only.
    NotAdmitted,
    /// The identity at the provider is not linked to this user.
    NotLinked,
}

/// What a mailed link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// Setting another password.
    PasswordReset,
    /// Proving the address of a sign-up.
    Verification,
}

impl FailureReason {
    /// As stored in read models and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::UnknownAddress => "unknown_address",
            Self::Inactive => "inactive",
            Self::NoPassword => "no_password",
            Self::Unverified => "unverified",
            Self::NotAdmitted => "not_admitted",
            Self::NotLinked => "not_linked",
        }
    }
}

/// A fact about failed logins at one address, in the past tense. For audit only: throttling does not depend on it.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginAttemptsEvent {
    /// A login failed.
    Failed {
        /// Whose address it is, if anybody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// The address as it was typed, under the user's key or the stream's own.
        email: Sealed,
        /// Why.
        reason: FailureReason,
        /// The identity provider that it was tried by; absent where it was a password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Box<str>>,
        /// From where: IP and user agent, under a key of the month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Sealed>,
        /// Which of about a million buckets the address is in: see `Keyring::ip_bucket`. For searching; thousands of
        /// addresses share one. Absent in events that are older, and where there is no address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip_bucket: Option<u32>,
        /// When.
        at: Timestamp,
    },
    /// More logins failed than are recorded singly.
    Summarized {
        /// Whose address it is, if anybody's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// The identity provider that they were tried by; absent where it was passwords.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        provider: Option<Box<str>>,
        /// How many since the last record.
        count: u32,
        /// The first of them.
        from: Timestamp,
        /// The last of them.
        at: Timestamp,
    },
    /// A link was asked for where there is none to send. It holds nothing of the person, and needs no key: a known and an
    /// unknown address cost the same.
    LinkRefused {
        /// For what.
        purpose: LinkPurpose,
        /// When.
        at: Timestamp,
    },
}

names!(LoginAttemptsEvent {
    Failed => "login.failed",
    Summarized => "login.failures_summarized",
    LinkRefused => "login.link_refused",
});
