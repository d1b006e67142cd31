use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{
    role::Role,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

/// How a password came to be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordCause {
    /// Its owner, signed in, gave the old one and a new one.
    Changed,
    /// Its owner followed a reset link.
    Reset,
    /// It was set by somebody who had none before.
    Set,
}

/// A fact about a user, in the past tense.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
/// `epoch` is the user's epoch from this event on: sessions of an older epoch are dead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserEvent {
    /// The user was prepared. It exists for others once `claim.taken` names it.
    Registered {
        /// The address as it was typed, under the user's key.
        email: Sealed,
        /// The claim that the address needs.
        claim: ClaimId,
        /// Whether the address was proven.
        email_verified: bool,
        /// Hash of the password, under a key of its own; absent without a password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        password: Option<Sealed>,
        /// When.
        at: Timestamp,
    },
    /// The profile was changed, or first filled in.
    ProfileChanged {
        /// The name, under the user's key; absent when it was removed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
        /// When.
        at: Timestamp,
    },
    /// The password is another one. Every session ends; the one that asked goes on by rotation.
    PasswordChanged {
        /// Hash of the new password, under a key of its own. The old one's key dies.
        password: Sealed,
        /// The raised epoch.
        epoch: u32,
        /// How.
        cause: PasswordCause,
        /// When.
        at: Timestamp,
    },
    /// The same password is stored under a better hash.
    PasswordUpgraded {
        /// The better hash, under a key of its own. The old one's key dies.
        password: Sealed,
        /// When.
        at: Timestamp,
    },
    /// A role was given.
    RoleGranted {
        /// Which.
        role: Role,
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
    /// A role was taken away.
    RoleRevoked {
        /// Which.
        role: Role,
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
    /// The user may not log in any more, and every session ended.
    Deactivated {
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
    /// The user may log in again.
    Reactivated {
        /// When.
        at: Timestamp,
    },
    /// Every session ended at once.
    SessionsEnded {
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
}

impl UserEvent {
    /// Its stored name: dotted, past tense, frozen.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Registered { .. } => "user.registered",
            Self::ProfileChanged { .. } => "user.profile_changed",
            Self::PasswordChanged { .. } => "user.password_changed",
            Self::PasswordUpgraded { .. } => "user.password_upgraded",
            Self::RoleGranted { .. } => "user.role_granted",
            Self::RoleRevoked { .. } => "user.role_revoked",
            Self::Deactivated { .. } => "user.deactivated",
            Self::Reactivated { .. } => "user.reactivated",
            Self::SessionsEnded { .. } => "user.sessions_ended",
        }
    }
}

impl DomainEvent for UserEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        crate::event::VERSION.to_owned()
    }
}
