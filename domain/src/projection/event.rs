use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

use crate::{
    id::{RunId, UserId},
    time::Timestamp,
};

/// A fact about how a read model was run, in the past tense. Who did it stands in the metadata. For audit only: no read
/// model is folded from it.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectionEvent {
    /// It is to be folded anew: the whole, or the rows of one stream or of one user.
    RebuildRequested {
        /// The run.
        run: RunId,
        /// The only stream, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stream: Option<Box<str>>,
        /// The only user, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// When.
        at: Timestamp,
    },
    /// A rebuild ended well.
    Rebuilt {
        /// The run.
        run: RunId,
        /// The generation that serves since, where the whole was rebuilt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        generation: Option<u64>,
        /// When.
        at: Timestamp,
    },
    /// It is to be compared with the log.
    VerificationRequested {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
    /// It was compared.
    Verified {
        /// The run.
        run: RunId,
        /// Rows that are not what the log says.
        differing: u64,
        /// When.
        at: Timestamp,
    },
    /// A run is to stop.
    Cancelled {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
    },
    /// It no longer follows the log.
    Paused {
        /// When.
        at: Timestamp,
    },
    /// It follows the log again.
    Resumed {
        /// When.
        at: Timestamp,
    },
    /// It is to go back to the generation before.
    RolledBack {
        /// When.
        at: Timestamp,
    },
    /// A parked stream is to be tried again.
    Retried {
        /// The stream.
        stream: Box<str>,
        /// When.
        at: Timestamp,
    },
}

impl ProjectionEvent {
    /// Its stored name: dotted, past tense, frozen.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RebuildRequested { .. } => "projection.rebuild_requested",
            Self::Rebuilt { .. } => "projection.rebuilt",
            Self::VerificationRequested { .. } => "projection.verification_requested",
            Self::Verified { .. } => "projection.verified",
            Self::Cancelled { .. } => "projection.cancelled",
            Self::Paused { .. } => "projection.paused",
            Self::Resumed { .. } => "projection.resumed",
            Self::RolledBack { .. } => "projection.rolled_back",
            Self::Retried { .. } => "projection.retried",
        }
    }
}

impl DomainEvent for ProjectionEvent {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        crate::event::VERSION.to_owned()
    }
}
