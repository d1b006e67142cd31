use serde::{Deserialize, Serialize};

use super::PasswordCause;
use crate::{
    decide::commands,
    id::{LinkId, RequestId},
    role::{Role, Roles},
    seal::{ClaimId, Sealed},
    session::Method,
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
        /// Give it these roles and no others.
        SetRoles,
        /// Record that wrong passwords were forgiven it.
        Unlock,
        /// Bar it from logging in.
        Deactivate,
        /// Let it log in again.
        Reactivate,
        /// End every session of it.
        EndSessions,
        /// Send a link to set another password.
        RequestPasswordReset,
        /// Set another password by such a link.
        ResetPassword,
        /// Record that the owner of the address came.
        ProveEmail,
        /// Ask for another address.
        RequestEmailChange,
        /// Follow the link to the new address.
        ConfirmEmailChange,
        /// Move to the new address.
        CompleteEmailChange,
        /// Give the new address up.
        RefuseEmailChange,
        /// Let it log in with an account at an identity provider.
        LinkSocialAccount,
        /// No longer let it log in with one.
        UnlinkSocialAccount,
        /// Take a link back that turned out to be another user's.
        RefuseSocialAccount,
        /// Erase it.
        Erase,
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
    /// The social account that it comes by.
    pub social: Option<SocialAccount>,
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

/// Give the user these roles and no others. Every session ends where that changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetRoles {
    /// All that it has from then on.
    pub roles: Roles,
    /// When.
    pub at: Timestamp,
}

/// Record that wrong passwords were forgiven the user. The counters are no part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unlock {
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

/// Send a link to set another password. Its address is proven by following it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestPasswordReset {
    /// Names the link.
    pub request: RequestId,
    /// The link is dead from this instant on.
    pub until: Timestamp,
    /// From where it was asked for, under the user's key of the month.
    pub origin: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// Set another password by a link, and end every session. An address that was not proven yet is proven by it, and what
/// somebody else may have prepared under it dies (Sudhodanan and Paverd, "Pre-hijacked accounts").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResetPassword {
    /// The link.
    pub request: RequestId,
    /// Hash of the new password, under a key of its own.
    pub password: Sealed,
    /// When.
    pub at: Timestamp,
}

/// Record that the owner of the address came, by an identity provider that vouches for it. What somebody else may have
/// prepared under an unproven address dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProveEmail {
    /// When.
    pub at: Timestamp,
}

/// Ask for another address. The caller has a recent proof of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestEmailChange {
    /// Names the link that proves it.
    pub request: RequestId,
    /// The new address as it was typed, under the user's key.
    pub email: Sealed,
    /// The claim that it needs.
    pub claim: ClaimId,
    /// The link is dead from this instant on.
    pub until: Timestamp,
    /// The epoch of the session that asks.
    pub epoch: u32,
    /// When.
    pub at: Timestamp,
}

/// Follow the link to the new address: once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfirmEmailChange {
    /// Which.
    pub request: RequestId,
    /// When.
    pub at: Timestamp,
}

/// Move to the new address. The caller has taken its claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteEmailChange {
    /// Which request.
    pub request: RequestId,
    /// The new address, sealed for the event that says so.
    pub email: Sealed,
    /// When.
    pub at: Timestamp,
}

/// Give the new address up: its claim is another user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefuseEmailChange {
    /// Which request.
    pub request: RequestId,
    /// When.
    pub at: Timestamp,
}

/// An account at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocialAccount {
    /// Names the link.
    pub link: LinkId,
    /// The provider, as it is configured: `github`.
    pub provider: Box<str>,
    /// The claim on (provider, subject).
    pub claim: ClaimId,
    /// The provider's name for the person, under the user's key.
    pub subject: Sealed,
    /// What the person sees of it, under the user's key.
    pub label: Option<Sealed>,
    /// Whether whoever linked it had shown no more than the password: a reset of the password unlinks it.
    #[serde(default)]
    pub by_password: bool,
}

/// Let the user log in with the account. It can once the claim names the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkSocialAccount {
    /// Which.
    pub account: SocialAccount,
    /// How the session that asks has shown whose it is; `None` where nobody is signed in and the provider vouches for the
    /// user's address.
    pub proof: Option<Method>,
    /// The user's epoch as it was when the right to link was shown. Another one refuses: the session that asks may have died
    /// while the provider was asked.
    pub epoch: Option<u32>,
    /// When.
    pub at: Timestamp,
}

/// No longer let the user log in with the account. The last way in stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnlinkSocialAccount {
    /// Which.
    pub link: LinkId,
    /// When.
    pub at: Timestamp,
}

/// Take back a link whose claim is another user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefuseSocialAccount {
    /// Which.
    pub link: LinkId,
    /// When.
    pub at: Timestamp,
}

/// Erase the user, and end every session. Nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erase {
    /// When.
    pub at: Timestamp,
}
