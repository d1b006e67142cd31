//! Why a store does not open, and why a command does not take effect.

use std::error::Error;

use doorbook_projections::fault::Fault;
use sqlx::migrate::MigrateError;

/// Why the log cannot be used. Each sentence names the key and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Nobody answers there, or the answer is no.
    #[error("`store.url`: cannot open {url}: {reason}; start the database or correct the address")]
    Unreachable {
        /// The address, without user and password.
        url: String,
        /// What the driver said.
        reason: sqlx::Error,
    },
    /// An acknowledged event could be lost.
    #[error("`store.url`: the database has `{setting}` = `{value}`, which loses acknowledged events; {remedy}")]
    NotDurable {
        /// Name of the setting.
        setting: &'static str,
        /// Its value there.
        value: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A newer program has been here.
    #[error("`store.url`: the log has schema {found}, this program knows {known}; use a newer doorbook")]
    NewerSchema {
        /// Version of the schema there.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The tables are missing or older than this program.
    #[error("`store.url`: the log has schema {found}, this program needs {known}; run `doorbook migrate`")]
    NotMigrated {
        /// Version of the schema there; 0 for none.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// A migration failed, or was applied in another form.
    #[error("`store.url`: cannot migrate the log: {0}; restore a backup or use the doorbook that made it")]
    Migration(#[source] MigrateError),
    /// The database was reached and then failed.
    #[error("`store.url`: cannot read the log's database: {0}; check its logs and the rights of its user")]
    Failed(#[from] sqlx::Error),
}

/// Why a command did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum Failure<E: Error + 'static> {
    /// A rule forbids it; the caller learns which.
    #[error(transparent)]
    Refused(E),
    /// Others wrote to the stream each time it was tried. Trying later may succeed.
    #[error("others keep writing to the stream")]
    Conflict,
    /// Something broke; the caller learns nothing more. The events may or may not have been stored when the connection
    /// broke while they were.
    #[error(transparent)]
    Broken(#[from] Fault),
}
