use serde::{Deserialize, Serialize};

use crate::{decide::names, id::UserId, time::Timestamp};

/// A fact about who owns an address, in the past tense.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimEvent {
    /// The user owns it from now on.
    Taken {
        /// The owner.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
    /// Nobody owns it any more.
    Released {
        /// The former owner.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
}

names!(ClaimEvent {
    Taken => "claim.taken",
    Released => "claim.released",
});
