use serde::{Deserialize, Serialize};

use crate::{
    decide::names,
    id::UserId,
    seal::{ClaimId, Sealed},
    time::Timestamp,
};

/// A fact about one attempt to sign up, in the past tense.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpEvent {
    /// Somebody asked for an account. The same for a known and for an unknown address.
    Requested {
        /// The id that the user will have.
        user_id: UserId,
        /// The address as it was typed, under the user's key.
        email: Sealed,
        /// Whose claim completes the attempt.
        claim: ClaimId,
        /// The chosen name, under the user's key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<Sealed>,
        /// Hash of the chosen password, under a key of its own.
        password: Sealed,
        /// Whether the address must be proven before the attempt completes.
        verify: bool,
        /// The link that proves the address is dead from this instant on; absent where none is needed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// From where, under the user's key of the month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Sealed>,
        /// When it was asked for.
        at: Timestamp,
    },
    /// The link was asked for once more.
    LinkRequested {
        /// Whether others waited at the address: it is mailed a link that proves the address only.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        address_only: bool,
        /// When.
        at: Timestamp,
    },
    /// The link was followed: the address is proven.
    Verified {
        /// Whether no more than the address is proven: the password and the name of the attempt may be somebody else's, and
        /// die.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        address_only: bool,
        /// When.
        at: Timestamp,
    },
    /// The attempt became a user.
    Completed {
        /// The user.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
    /// The attempt came to nothing: the address belongs to another user. Its keys may be destroyed.
    Refused {
        /// The id that the user would have had.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
}

names!(SignUpEvent {
    Requested => "signup.requested",
    LinkRequested => "signup.link_requested",
    Verified => "signup.verified",
    Completed => "signup.completed",
    Refused => "signup.refused",
});
