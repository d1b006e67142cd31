//! Why the service does not do what was asked.

use std::time::Duration;

use doorbook_domain::{email::InvalidEmail, name::InvalidName};
use doorbook_projections::fault::Fault;

use crate::{problem::field_error, runs::RunRefusal, social::SocialRefusal};

/// Why a request was not carried out. Every variant has a problem in the contract.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The credentials lead nowhere: one answer for every cause.
    #[error("the credentials are not valid")]
    InvalidCredentials,
    /// The session that asked is no longer alive.
    #[error("not signed in")]
    NotSignedIn,
    /// The password given as proof is not the user's.
    #[error("the password is wrong")]
    WrongPassword,
    /// The operation needs a recent proof of who asks.
    #[error("a recent proof is needed")]
    ReauthenticationRequired,
    /// Without this user nobody could manage the others any more.
    #[error("the user is the last active admin")]
    LastAdmin,
    /// The address that an admin gave belongs to a user.
    #[error("a user has the address")]
    AddressTaken,
    /// The user may not change like this while it is deactivated.
    #[error("the user is deactivated")]
    UserDeactivated,
    /// A mailed link that was used, has expired, was superseded, or never was: one answer for all.
    #[error("the link leads nowhere any more")]
    LinkDead,
    /// Too many attempts: to be tried again after so long.
    #[error("too many attempts")]
    Throttled(Duration),
    /// Sign-up is closed.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// A flow at an identity provider did not go well.
    #[error(transparent)]
    Social(#[from] SocialRefusal),
    /// A read model is not worked on.
    #[error(transparent)]
    Runs(#[from] RunRefusal),
    /// Fields break a rule; all of them at once.
    #[error("some fields are not valid")]
    Invalid(Vec<FieldError>),
    /// There is no such thing for this user.
    #[error("not found")]
    NotFound,
    /// Others changed the same thing again and again; to be tried again.
    #[error("changed at the same time by others")]
    Conflict,
    /// No room now: to be tried again after so long.
    #[error("busy")]
    Busy(Duration),
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<InvalidEmail> for FieldError {
    fn from(error: InvalidEmail) -> Self {
        field_error("email", "not_an_address", error.to_string())
    }
}

impl From<InvalidName> for FieldError {
    fn from(error: InvalidName) -> Self {
        field_error("name", "not_a_name", error.to_string())
    }
}

/// A field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its name, as in the request.
    pub field: String,
    /// Stable, snake case: `too_short`, `too_common`, `not_an_address` ….
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
