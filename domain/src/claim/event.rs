use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{id::UserId, time::Timestamp};

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

impl ClaimEvent {
    /// Its stored name: dotted, past tense, frozen.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "claim.taken",
            Self::Released { .. } => "claim.released",
        }
    }
}

impl DomainEvent for ClaimEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        crate::event::VERSION.to_owned()
    }
}
