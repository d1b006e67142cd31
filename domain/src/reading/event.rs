use serde::{Deserialize, Serialize};

use crate::{decide::names, id::UserId, seal::Sealed, time::Timestamp};

/// A fact about one look at the audit trail, in the past tense.
///
/// Stored for ever. A variant may gain an optional field; any other change is a new version with an upcaster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReadingEvent {
    /// Somebody asked. It stands in the log before anything is shown.
    Read {
        /// Who; absent where the command line asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
        /// What for: `searchLogins` ….
        operation: Box<str>,
        /// What was looked for, as a JSON object, under the reader's key, that of the month if it holds an IP
        /// address; where there is no reader, under the month's own. Of an
        /// address it holds the claim only.
        filters: Sealed,
        /// From where: IP and user agent, under the reader's key of the month.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        origin: Option<Sealed>,
        /// When.
        at: Timestamp,
    },
    /// An export is over.
    ExportEnded {
        /// How many rows were handed out.
        rows: u64,
        /// Whether they were all: not when the reader went away, or had to.
        complete: bool,
        /// When.
        at: Timestamp,
    },
}

names!(ReadingEvent {
    Read => "audit.read",
    ExportEnded => "audit.export_ended",
});
