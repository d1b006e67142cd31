use crate::{
    decide::commands,
    id::UserId,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

commands! {
    /// What can be asked of an attempt to sign up.
    SignUpCommand {
        /// Open the attempt.
        Request,
        /// Send its link once more.
        RequestLink,
        /// Follow its link.
        Verify,
        /// Record that it became a user.
        Complete,
        /// Record that it came to nothing.
        Refuse,
    }
}

/// Open the attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The id that the user will have.
    pub user_id: UserId,
    /// The address as it was typed, under the user's key.
    pub email: Sealed,
    /// Whose claim completes the attempt.
    pub claim: ClaimId,
    /// The chosen name, under the user's key.
    pub name: Option<Sealed>,
    /// Hash of the chosen password, under a key of its own.
    pub password: Sealed,
    /// Whether the address must be proven before the attempt completes.
    pub verify: bool,
    /// The link that proves the address is dead from this instant on; `None` where none is needed.
    pub until: Option<Timestamp>,
    /// From where, under the user's key of the month.
    pub origin: Option<Sealed>,
    /// Time of the request.
    pub at: Timestamp,
}

/// Send the link once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLink {
    /// Whether others wait at the address, so that nobody knows whose link is asked for: it is to prove the address only.
    pub address_only: bool,
    /// When.
    pub at: Timestamp,
}

/// Follow the link: once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// Whether the link proves the address only: the password and the name of the attempt may be somebody else's.
    pub address_only: bool,
    /// When.
    pub at: Timestamp,
}

/// Record that the attempt became a user. The caller has taken the claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Complete {
    /// When.
    pub at: Timestamp,
}

/// Record that the attempt came to nothing, because the claim belongs to another user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refuse {
    /// When.
    pub at: Timestamp,
}
