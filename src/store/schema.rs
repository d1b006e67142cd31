//! Versions of the log's tables.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use super::OpenError;

/// What a migration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Version before; 0 for an empty database.
    pub from: i64,
    /// Version now.
    pub to: i64,
}

/// The newest version that this program knows.
pub(super) fn known(migrator: &Migrator) -> i64 {
    migrator.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// Refuses a schema that is not exactly this program's.
pub(super) fn check(found: i64, migrator: &Migrator) -> Result<(), OpenError> {
    let known = known(migrator);
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(OpenError::NewerSchema { found, known }),
        std::cmp::Ordering::Less => Err(OpenError::NotMigrated { found, known }),
    }
}

/// Brings the schema from `found` to this program's.
pub(super) async fn migrate<C: Migrate>(
    connection: &mut C,
    found: i64,
    migrator: &Migrator,
) -> Result<Migrated, OpenError> {
    let known = known(migrator);
    match migrator.run_direct(connection).await {
        Ok(()) => Ok(Migrated { from: found, to: known }),
        Err(MigrateError::VersionMissing(found)) => Err(OpenError::NewerSchema { found, known }),
        Err(error) => Err(OpenError::Migration(error)),
    }
}
