//! Why the keys cannot be used. Each is one sentence for the operator: the setting and the remedy.

use std::{io, path::PathBuf};

use doorbook_projections::fault::Fault;
use sqlx::migrate::MigrateError;

/// Why the keys cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// There is a log, but no master key.
    #[error(
        "keys.file: there is a log but no master key at {}: restore the file from its backup, or name it by keys.file",
        file.display()
    )]
    MasterMissing {
        /// Where it should be.
        file: PathBuf,
    },
    /// The file holds something else.
    #[error("keys.file: {} holds no usable master key, since {reason}: restore the file from its backup", file.display())]
    MasterInvalid {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Others may read the file.
    #[error("keys.file: {} has mode {mode:04o}: only its owner may read it, run `chmod 600` on it", file.display())]
    MasterExposed {
        /// The file.
        file: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("keys.file: {} cannot be read ({source}): let the service's user read it", file.display())]
    MasterUnreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be made or replaced.
    #[error("keys.file: {} cannot be written ({source}): let the service's user write its directory", file.display())]
    MasterUnwritable {
        /// The file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The master key is another one.
    #[error(
        "keys.file: {} is not the master key of the keys in keys.url: restore the one of the two that is out of place",
        file.display()
    )]
    MasterWrong {
        /// The file.
        file: PathBuf,
    },
    /// There is a log, but no key at all.
    #[error(
        "keys.url: there is a log but the key database is empty: restore it from its backup, or name it by keys.url"
    )]
    KeysMissing,
    /// The keys are those of another log.
    #[error(
        "keys.url: the keys belong to another log than that of store.url: name the two that belong together, or, where the \
        log is a copy, run `doorbook restore --in-place`"
    )]
    OtherLog,
    /// The log is an older state of itself.
    #[error(
        "keys.url: the log of store.url ends before what was already done with it, so it is an earlier copy: run \
        `doorbook restore --in-place`, which also ends the sessions of before"
    )]
    AheadOfLog,
    /// The setting is not understood.
    #[error("keys.url: this is no address of PostgreSQL: write `postgres://user@host/database`")]
    BadUrl,
    /// A database that forgets what it acknowledged would lose keys, and with them people's data.
    #[error("keys.url: PostgreSQL runs with fsync off: keys would be lost in a crash, turn fsync on")]
    NotDurable,
    /// The database's tables are newer than this program.
    #[error("keys.url: the key database was written by a newer Doorbook: run that version, or restore a backup")]
    NewerSchema,
    /// The tables cannot be brought up to date.
    #[error("keys.url: the key database cannot be migrated ({0}): restore a backup, or run the Doorbook that made it")]
    Migration(#[source] MigrateError),
    /// The database cannot be used.
    #[error("keys.url: the key database cannot be used ({0}): check that it runs and that the service may write it")]
    Unreachable(#[from] sqlx::Error),
    /// Something else broke.
    #[error("keys.url: {0}")]
    Failed(#[from] Fault),
}

impl From<MigrateError> for KeysError {
    fn from(error: MigrateError) -> Self {
        if matches!(error, MigrateError::VersionMissing(_)) {
            return Self::NewerSchema;
        }
        Self::Migration(error)
    }
}
