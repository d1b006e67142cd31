use super::PasswordCause;
use crate::{
    decide::commands,
    role::Role,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

commands! {
    /// What can be asked of a user.
    UserCommand {
        /// Prepare the user.
        Register,
        /// Set or remove its name.
        Rename,
        /// Set another password.
        ChangePassword,
        /// Store the same password under a better hash.
        UpgradePassword,
        /// Give it a role.
        GrantRole,
        /// Take a role away.
        RevokeRole,
        /// Bar it from logging in.
        Deactivate,
        /// Let it log in again.
        Reactivate,
        /// End every session of it.
        EndSessions,
    }
}

/// Prepare the user. It exists for others once its claim is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    /// The address as it was typed, under the user's key.
    pub email: Sealed,
    /// The claim that the address needs.
    pub claim: ClaimId,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// Hash of the password, under a key of its own.
    pub password: Option<Sealed>,
    /// The name, under the user's key.
    pub name: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// Set or remove the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// The name, under the user's key; `None` removes it.
    pub name: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// Set another password, and end every session. The caller has checked the old password or the reset link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePassword {
    /// The password that was there when the right to change it was shown; `None` for none. Another one refuses.
    pub replaces: Option<Sealed>,
    /// Hash of the new password, under a key of its own.
    pub password: Sealed,
    /// How it came to be set.
    pub cause: PasswordCause,
    /// When.
    pub at: Timestamp,
}

/// Store the same password under a better hash, unless the password was changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradePassword {
    /// The sealed hash that the better one was made for.
    pub replaces: Sealed,
    /// The better hash, under a key of its own.
    pub password: Sealed,
    /// When.
    pub at: Timestamp,
}

/// Give the user a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrantRole {
    /// Which.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// Take a role away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RevokeRole {
    /// Which.
    pub role: Role,
    /// When.
    pub at: Timestamp,
}

/// Bar the user from logging in, and end every session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deactivate {
    /// When.
    pub at: Timestamp,
}

/// Let the user log in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reactivate {
    /// When.
    pub at: Timestamp,
}

/// End every session of the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndSessions {
    /// When.
    pub at: Timestamp,
}
