use std::{io, path::PathBuf};

/// Why the keys cannot be used. One sentence, with the key of the configuration and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A log exists, its master key does not.
    #[error("keys.file: {} is missing although the log holds events; restore it from its backup", .0.display())]
    MasterMissing(PathBuf),
    /// Somebody else could read the file.
    #[error("keys.file: {path} can be read by others (mode {mode:o}); run `chmod 600 {path}`")]
    MasterExposed {
        /// The file.
        path: String,
        /// Its mode.
        mode: u32,
    },
    /// The file holds something else.
    #[error("keys.file: {path} holds no master key: {reason}; restore it from its backup")]
    MasterMalformed {
        /// The file.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file cannot be read or made.
    #[error("keys.file: {path} cannot be used: {source}; check the path and its rights")]
    MasterUnusable {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The database was wrapped under another master key.
    #[error(
        "keys.file: the master key does not open the keys in keys.url; restore the file and the database that belong together"
    )]
    MasterWrong,
    /// A log exists, its keys do not.
    #[error("keys.url: the database holds no keys although the log holds events; restore it from its backup")]
    KeysMissing,
    /// A newer program has been here.
    #[error("keys.url: the database was written by a newer doorbook; use that one")]
    NewerSchema,
    /// The schema cannot be brought up to date.
    #[error("keys.url: the database cannot be migrated: {0}; restore a backup or use the doorbook that made it")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// The database does not answer.
    #[error("keys.url: the database cannot be opened: {0}; start it or correct the address")]
    Unreachable(#[from] sqlx::Error),
    /// The database was opened and then failed.
    #[error("keys.url: {}", .0)]
    Failed(#[from] doorbook_projections::fault::Fault),
}
