use serde::{Deserialize, Serialize};

use crate::{
    decide::names,
    id::{LinkId, RequestId},
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
    /// Wrong passwords were forgiven: what locked the account is lifted.
    Unlocked {
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
    /// There is no password any more: the owner of the address came, and somebody else may have set it.
    PasswordRemoved {
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
    /// A link to set another password was asked for. It supersedes the one before.
    PasswordResetRequested {
        /// Names the link.
        request: RequestId,
        /// The link is dead from this instant on.
        until: Timestamp,
        /// From where it was asked for, under the user's key of the month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Sealed>,
        /// When.
        at: Timestamp,
    },
    /// The address was proven.
    EmailVerified {
        /// When.
        at: Timestamp,
    },
    /// Another address was asked for. It takes effect when it is proven, and supersedes the request before.
    EmailChangeRequested {
        /// Names the link that proves it.
        request: RequestId,
        /// The new address as it was typed, under the user's key.
        email: Sealed,
        /// The claim that it needs.
        claim: ClaimId,
        /// The link is dead from this instant on.
        until: Timestamp,
        /// When.
        at: Timestamp,
    },
    /// The link to the new address was followed.
    EmailChangeConfirmed {
        /// Which.
        request: RequestId,
        /// When.
        at: Timestamp,
    },
    /// The address is another one, proven. The claim of the old one is given up.
    EmailChanged {
        /// The new address as it was typed, under the user's key.
        email: Sealed,
        /// Its claim, which is taken.
        claim: ClaimId,
        /// When.
        at: Timestamp,
    },
    /// The new address turned out to be another user's.
    EmailChangeRefused {
        /// Which request.
        request: RequestId,
        /// When.
        at: Timestamp,
    },
    /// An account at an identity provider may be logged in with.
    SocialAccountLinked {
        /// Names the link.
        link: LinkId,
        /// The provider, as it is configured: `github`.
        provider: Box<str>,
        /// The claim on (provider, subject).
        claim: ClaimId,
        /// The provider's name for the person, under the user's key.
        subject: Sealed,
        /// What the person sees of it, an address or a name, under the user's key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<Sealed>,
        /// Whether whoever linked it had shown no more than the password: a reset of the password unlinks it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_password: bool,
        /// When.
        at: Timestamp,
    },
    /// It may no longer be logged in with. Its claim is given up.
    SocialAccountUnlinked {
        /// Which.
        link: LinkId,
        /// The provider.
        provider: Box<str>,
        /// The claim on (provider, subject).
        claim: ClaimId,
        /// When.
        at: Timestamp,
    },
    /// The user is gone for good: its claims are given up and its keys destroyed.
    Erased {
        /// The raised epoch.
        epoch: u32,
        /// When.
        at: Timestamp,
    },
}

names!(UserEvent {
    Registered => "user.registered",
    ProfileChanged => "user.profile_changed",
    PasswordChanged => "user.password_changed",
    PasswordUpgraded => "user.password_upgraded",
    RoleGranted => "user.role_granted",
    RoleRevoked => "user.role_revoked",
    Deactivated => "user.deactivated",
    Reactivated => "user.reactivated",
    Unlocked => "user.unlocked",
    SessionsEnded => "user.sessions_ended",
    PasswordRemoved => "user.password_removed",
    PasswordResetRequested => "user.password_reset_requested",
    EmailVerified => "user.email_verified",
    EmailChangeRequested => "user.email_change_requested",
    EmailChangeConfirmed => "user.email_change_confirmed",
    EmailChanged => "user.email_changed",
    EmailChangeRefused => "user.email_change_refused",
    SocialAccountLinked => "social_account.linked",
    SocialAccountUnlinked => "social_account.unlinked",
    Erased => "user.erased",
});

impl UserEvent {
    /// When it happened.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Registered { at, .. }
            | Self::ProfileChanged { at, .. }
            | Self::PasswordChanged { at, .. }
            | Self::PasswordUpgraded { at, .. }
            | Self::RoleGranted { at, .. }
            | Self::RoleRevoked { at, .. }
            | Self::Deactivated { at, .. }
            | Self::Reactivated { at }
            | Self::Unlocked { at, .. }
            | Self::SessionsEnded { at, .. }
            | Self::PasswordRemoved { at, .. }
            | Self::PasswordResetRequested { at, .. }
            | Self::EmailVerified { at }
            | Self::EmailChangeRequested { at, .. }
            | Self::EmailChangeConfirmed { at, .. }
            | Self::EmailChanged { at, .. }
            | Self::EmailChangeRefused { at, .. }
            | Self::SocialAccountLinked { at, .. }
            | Self::SocialAccountUnlinked { at, .. }
            | Self::Erased { at, .. } => *at,
        }
    }

    /// The hash of the password that the user has from this event on, where the event sets one. Its key dies with it.
    #[must_use]
    pub const fn password(&self) -> Option<&Sealed> {
        match self {
            Self::Registered { password, .. } => password.as_ref(),
            Self::PasswordChanged { password, .. } | Self::PasswordUpgraded { password, .. } => Some(password),
            Self::ProfileChanged { .. }
            | Self::RoleGranted { .. }
            | Self::RoleRevoked { .. }
            | Self::Deactivated { .. }
            | Self::Reactivated { .. }
            | Self::Unlocked { .. }
            | Self::SessionsEnded { .. }
            | Self::PasswordRemoved { .. }
            | Self::PasswordResetRequested { .. }
            | Self::EmailVerified { .. }
            | Self::EmailChangeRequested { .. }
            | Self::EmailChangeConfirmed { .. }
            | Self::EmailChanged { .. }
            | Self::EmailChangeRefused { .. }
            | Self::SocialAccountLinked { .. }
            | Self::SocialAccountUnlinked { .. }
            | Self::Erased { .. } => None,
        }
    }

    /// The address that the user has from this event on, where the event gives one.
    #[must_use]
    pub const fn address(&self) -> Option<&Sealed> {
        match self {
            Self::Registered { email, .. } | Self::EmailChanged { email, .. } => Some(email),
            Self::ProfileChanged { .. }
            | Self::PasswordChanged { .. }
            | Self::PasswordUpgraded { .. }
            | Self::RoleGranted { .. }
            | Self::RoleRevoked { .. }
            | Self::Deactivated { .. }
            | Self::Reactivated { .. }
            | Self::Unlocked { .. }
            | Self::SessionsEnded { .. }
            | Self::PasswordRemoved { .. }
            | Self::PasswordResetRequested { .. }
            | Self::EmailVerified { .. }
            | Self::EmailChangeRequested { .. }
            | Self::EmailChangeConfirmed { .. }
            | Self::EmailChangeRefused { .. }
            | Self::SocialAccountLinked { .. }
            | Self::SocialAccountUnlinked { .. }
            | Self::Erased { .. } => None,
        }
    }
}
