//! The key table, on SQLite or PostgreSQL through one set of SQL. Always fully durable.

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::{fault::Fault, log::Position};
use sqlx::{
    AnyPool, Executor, Row,
    any::{AnyPoolOptions, install_default_drivers},
    migrate::{MigrateError, Migrator},
};

use super::{KeyName, KeysError};
use crate::config::Database;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/keys");

/// What a file of keys must be opened with: nothing is acknowledged before it is synced, and what is deleted is
/// overwritten.
const SQLITE: &str = "pragma busy_timeout = 10000; pragma journal_mode = wal; pragma synchronous = full;
    pragma secure_delete = on";
const POSTGRES: &str = "create schema if not exists doorbook_keys; set search_path to doorbook_keys;
    set synchronous_commit to on; set client_min_messages to warning";

/// A key as it is stored.
pub(super) enum Stored {
    Wrapped(String),
    Tombstone,
}

pub(super) struct KeyTable {
    pool: AnyPool,
    sqlite: bool,
}

impl KeyTable {
    pub(super) async fn open(database: &Database, fresh: bool) -> Result<Self, KeysError> {
        install_default_drivers();
        let sqlite = database.is_sqlite();
        let (url, settings) = match database {
            // Not even an empty file is made beside a log that needs another one.
            Database::Sqlite(path) if !fresh && !path.exists() => return Err(KeysError::KeysMissing),
            Database::Sqlite(path) => (format!("sqlite:{}?mode=rwc", path.display()), SQLITE),
            Database::Postgres(url) => (url.clone(), POSTGRES),
        };
        let pool = AnyPoolOptions::new()
            // One connection to the file: a checkpoint that must leave no old bytes cannot wait for others.
            .max_connections(if sqlite { 1 } else { 4 })
            .acquire_timeout(Duration::from_secs(10))
            .after_connect(move |connection, _| Box::pin(async move { connection.execute(settings).await.map(drop) }))
            .connect(&url)
            .await?;
        MIGRATIONS.run(&pool).await.map_err(|error| {
            if matches!(error, MigrateError::VersionMissing(_)) {
                KeysError::NewerSchema
            } else {
                KeysError::Migration(error)
            }
        })?;
        Ok(Self { pool, sqlite })
    }

    pub(super) async fn get(&self, name: &KeyName) -> Result<Option<Stored>, Fault> {
        let row = sqlx::query("select wrapped from keys where name = $1")
            .bind(name.as_str())
            .fetch_optional(&self.pool)
            .await
            .map_err(Fault::because("a key cannot be read"))?;
        let Some(row) = row else { return Ok(None) };
        let wrapped: Option<String> = row.try_get(0).map_err(Fault::because("a key cannot be read"))?;
        Ok(Some(wrapped.map_or(Stored::Tombstone, Stored::Wrapped)))
    }

    /// Stores all or none; a name that is there already, be it as a tombstone, stays as it is.
    pub(super) async fn insert(&self, keys: &[(KeyName, String)], at: Timestamp) -> Result<(), Fault> {
        let mut transaction = self.pool.begin().await?;
        for (name, wrapped) in keys {
            sqlx::query(
                "insert into keys (name, wrapped, created_at) values ($1, $2, $3) on conflict (name) do nothing",
            )
            .bind(name.as_str())
            .bind(wrapped.as_str())
            .bind(at.micros())
            .execute(&mut *transaction)
            .await
            .map_err(Fault::because("a key cannot be stored"))?;
        }
        transaction
            .commit()
            .await
            .map_err(Fault::because("a key cannot be stored"))
    }

    /// Overwrites the key and leaves a tombstone. On SQLite the old bytes are gone from the write-ahead log too.
    pub(super) async fn destroy(&self, name: &KeyName, at: Timestamp) -> Result<(), Fault> {
        let because = "a key cannot be destroyed";
        let destroyed = "insert into keys (name, wrapped, created_at, destroyed_at) values ($1, null, $2, $2)
            on conflict (name) do update set wrapped = null, destroyed_at = coalesce(keys.destroyed_at, $2)";
        sqlx::query(destroyed)
            .bind(name.as_str())
            .bind(at.micros())
            .execute(&self.pool)
            .await
            .map_err(Fault::because(because))?;
        if self.sqlite {
            self.pool
                .execute("pragma wal_checkpoint(truncate)")
                .await
                .map_err(Fault::because(because))?;
        }
        Ok(())
    }

    pub(super) async fn cursor(&self, name: &str) -> Result<Position, Fault> {
        let position: Option<i64> = sqlx::query_scalar("select position from cursors where name = $1")
            .bind(name)
            .fetch_optional(&self.pool)
            .await
            .map_err(Fault::because("a cursor cannot be read"))?;
        Ok(Position::new(
            position.and_then(|number| u64::try_from(number).ok()).unwrap_or(0),
        ))
    }

    pub(super) async fn set_cursor(&self, name: &str, position: Position) -> Result<(), Fault> {
        sqlx::query(
            "insert into cursors (name, position) values ($1, $2)
             on conflict (name) do update set position = excluded.position where cursors.position < excluded.position",
        )
        .bind(name)
        .bind(i64::try_from(position.number()).unwrap_or(i64::MAX))
        .execute(&self.pool)
        .await
        .map_err(Fault::because("a cursor cannot be stored"))?;
        Ok(())
    }
}
