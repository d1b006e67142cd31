use serde::{Deserialize, Serialize};

use crate::{
    decide::names,
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

names!(ProjectionEvent {
    RebuildRequested => "projection.rebuild_requested",
    Rebuilt => "projection.rebuilt",
    VerificationRequested => "projection.verification_requested",
    Verified => "projection.verified",
    Cancelled => "projection.cancelled",
    Paused => "projection.paused",
    Resumed => "projection.resumed",
    RolledBack => "projection.rolled_back",
    Retried => "projection.retried",
});
