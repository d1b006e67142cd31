use super::{EndReason, Method};
use crate::{
    decide::commands,
    id::UserId,
    seal::{Sealed, SecretHash},
    time::Timestamp,
};

commands! {
    /// What can be asked of a session.
    SessionCommand {
        /// Begin it.
        Start,
        /// Move its idle deadline.
        Refresh,
        /// Record a new proof of who its owner is.
        Reauthenticate,
        /// Put it under a new secret.
        Rotate,
        /// End it for good.
        End,
    }
}

/// Begin the session: somebody logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Who.
    pub user_id: UserId,
    /// The user's epoch as it was read with the password hash.
    pub epoch: u32,
    /// SHA-256 of the secret in the cookie.
    pub secret: SecretHash,
    /// How they proved it.
    pub method: Method,
    /// Whether the cookie outlives the browser.
    pub remember: bool,
    /// Whether its owner had not used this browser before.
    pub new_device: bool,
    /// How long it lives without being used, in milliseconds.
    pub idle_ms: u64,
    /// How long it lives at most, in milliseconds.
    pub absolute_ms: u64,
    /// From where: IP and user agent, under the user's key of the month.
    pub origin: Option<Sealed>,
    /// Which bucket the address is in, for searching.
    pub ip_bucket: Option<u32>,
    /// Time of the login.
    pub at: Timestamp,
}

/// Move the idle deadline, because the session is in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    /// Time of the use.
    pub at: Timestamp,
}

/// Record a new proof of who the owner is, and put the session under a new secret. Its deadlines stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reauthenticate {
    /// How they proved it.
    pub method: Method,
    /// SHA-256 of the new secret.
    pub secret: SecretHash,
    /// The user's epoch as it was read with the proof.
    pub epoch: u32,
    /// Time of the proof.
    pub at: Timestamp,
}

/// Put the session under a new secret, and under the user's present epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotate {
    /// SHA-256 of the new secret.
    pub secret: SecretHash,
    /// The epoch it goes on with.
    pub epoch: u32,
    /// When.
    pub at: Timestamp,
}

/// End the session for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Why.
    pub reason: EndReason,
    /// Who ends it.
    pub by: Option<UserId>,
    /// When.
    pub at: Timestamp,
}
