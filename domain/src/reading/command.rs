use crate::{decide::commands, id::UserId, seal::Sealed, time::Timestamp};

commands! {
    /// What can be asked of a reading.
    ReadingCommand {
        /// Record that somebody asks.
        Begin,
        /// Record how an export ended.
        End,
    }
}

/// Record that somebody asks, before anything is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begin {
    /// Who; nobody where the command line asks.
    pub user_id: Option<UserId>,
    /// What for: `searchLogins` ….
    pub operation: Box<str>,
    /// What was looked for, under the reader's key; where there is none, under that of the month.
    pub filters: Sealed,
    /// From where, under the reader's key of the month.
    pub origin: Option<Sealed>,
    /// When.
    pub at: Timestamp,
}

/// Record how an export ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// How many rows were handed out.
    pub rows: u64,
    /// Whether they were all.
    pub complete: bool,
    /// When.
    pub at: Timestamp,
}
