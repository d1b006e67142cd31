use serde::{Deserialize, Serialize};

use crate::{
    decide::names,
    id::UserId,
    seal::{Sealed, SecretHash},
    time::Timestamp,
};

/// How somebody proved who they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// By password.
    Password,
    /// By an account at an identity provider.
    Social {
        /// Which, as it is configured: `github`.
        provider: Box<str>,
    },
}

impl Method {
    /// As shown and searched: `password`, `social`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Social { .. } => "social",
        }
    }

    /// The identity provider, where there is one.
    #[must_use]
    pub const fn provider(&self) -> Option<&str> {
        match self {
            Self::Password => None,
            Self::Social { provider } => Some(provider),
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Its owner logged out.
    LoggedOut,
    /// Somebody with the right to do so ended it from elsewhere.
    Revoked,
    /// The same browser logged in anew.
    Replaced,
    /// The user had more sessions than are allowed, and this was the oldest.
    TooMany,
}

impl EndReason {
    /// As stored in read models and shown: `logged_out`, `revoked`, `replaced`, `too_many`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "logged_out",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::TooMany => "too_many",
        }
    }
}

/// A fact about a session, in the past tense.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster. Nobody
/// appends "expired": the deadlines stand here as values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionEvent {
    /// Somebody logged in.
    Started {
        /// Who.
        user_id: UserId,
        /// The user's epoch as it was read with the password hash. The session lives while it is the user's.
        epoch: u32,
        /// SHA-256 of the secret in the cookie.
        secret: SecretHash,
        /// How.
        method: Method,
        /// Whether the cookie outlives the browser.
        remember: bool,
        /// Whether its owner had not used this browser before.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        new_device: bool,
        /// The session is dead from this instant on unless it is refreshed.
        idle_until: Timestamp,
        /// The session is dead from this instant on.
        absolute_until: Timestamp,
        /// What a refresh adds, in milliseconds.
        idle_ms: u64,
        /// From where: IP and user agent, under the user's key of the month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Sealed>,
        /// Which of about a million buckets the address is in: see `Keyring::ip_bucket`. For searching; thousands of
        /// addresses share one. Absent in events that are older, and where there is no address.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ip_bucket: Option<u32>,
        /// When.
        at: Timestamp,
    },
    /// It was used, so its idle deadline moved.
    Refreshed {
        /// The new idle deadline, never after the absolute one.
        idle_until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// Its owner proved again who they are.
    Reauthenticated {
        /// How.
        method: Method,
        /// When.
        at: Timestamp,
    },
    /// It goes on under a new secret; the old one is dead.
    Rotated {
        /// SHA-256 of the new secret.
        secret: SecretHash,
        /// The epoch it goes on with.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
    /// It is over for good.
    Ended {
        /// Why.
        reason: EndReason,
        /// Who ended it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<UserId>,
        /// When.
        at: Timestamp,
    },
}

names!(SessionEvent {
    Started => "session.started",
    Refreshed => "session.refreshed",
    Reauthenticated => "session.reauthenticated",
    Rotated => "session.rotated",
    Ended => "session.ended",
});
