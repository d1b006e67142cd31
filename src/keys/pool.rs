//! Connections to the key database, SQLite or PostgreSQL, and transactions on them.

use std::{fs::OpenOptions, io, os::unix::fs::OpenOptionsExt, path::Path, str::FromStr, time::Duration};

use doorbook_projections::{fault::Fault, log::Position};
use sqlx::{
    Connection, Executor, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::error::KeysError;
use crate::config::Database;

/// The schema of the keys on PostgreSQL.
const SCHEMA: &str = "doorbook_keys";
/// What each connection to it is told.
const SETTINGS: &str = "set search_path = doorbook_keys; set synchronous_commit = on";
/// Connections that look keys up.
const READERS: u32 = 4;
/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// Either database.
pub(super) enum Pool {
    /// One connection writes, others read.
    Sqlite {
        /// Reads.
        read: SqlitePool,
        /// Writes: one connection.
        write: SqlitePool,
    },
    /// Every connection does both.
    Postgres(PgPool),
}

/// A transaction on either.
pub(super) enum Tx {
    /// On the writing connection, which it has locked.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one statement on either reader: `on_pool!(pool, db => query.fetch_all(db).await)`.
macro_rules! on_pool {
    ($pool:expr, $db:ident => $run:expr) => {
        match $pool {
            $crate::keys::pool::Pool::Sqlite { read: $db, .. } => $run,
            $crate::keys::pool::Pool::Postgres($db) => $run,
        }
    };
}
/// Runs one statement in either transaction: `on_tx!(tx, db => query.execute(db).await)`.
macro_rules! on_tx {
    ($tx:expr, $db:ident => $run:expr) => {
        match $tx {
            $crate::keys::pool::Tx::Sqlite(tx) => {
                let $db = &mut **tx;
                $run
            }
            $crate::keys::pool::Tx::Postgres(tx) => {
                let $db = &mut **tx;
                $run
            }
        }
    };
}
pub(super) use {on_pool, on_tx};

impl Pool {
    /// Connects and brings the tables to this program's version. A file is only made while `fresh`.
    pub(super) async fn open(database: &Database, fresh: bool) -> Result<Self, KeysError> {
        match database {
            Database::Sqlite(file) => open_sqlite(file, fresh).await,
            Database::Postgres(url) => open_postgres(url).await,
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Makes sure that what was overwritten is gone from the files, too.
    ///
    /// SQLite has zeroed the bytes in the database (`secure_delete`); its journal still holds them until it is truncated.
    /// PostgreSQL keeps the old row until it is vacuumed.
    pub(super) async fn scrub(&self) -> Result<(), Fault> {
        match self {
            Self::Sqlite { write, .. } => {
                let (busy, _, _): (i64, i64, i64) = sqlx::query_as("pragma wal_checkpoint(truncate)")
                    .fetch_one(write)
                    .await?;
                if busy != 0 {
                    return Err(Fault::plain(
                        "the journal of the keys is in use and cannot be truncated",
                    ));
                }
            }
            Self::Postgres(pool) => {
                sqlx::query("vacuum keys").execute(pool).await?;
            }
        }
        Ok(())
    }

    /// Ends all connections.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    /// Keeps others from changing any key until the transaction ends (`alone`), or only from rewrapping them all.
    pub(super) async fn lock(&mut self, alone: bool) -> Result<(), Fault> {
        // SQLite's writer is alone from its first statement on.
        if let Self::Postgres(tx) = self {
            let lock = if alone {
                "lock table keys in exclusive mode"
            } else {
                "lock table keys in row exclusive mode"
            };
            sqlx::query(lock).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Moves a cursor forward, never back.
    pub(super) async fn set_cursor(&mut self, name: &str, position: Position) -> Result<(), Fault> {
        let number = i64::try_from(position.number()).map_err(Fault::because("a position is beyond 2^63"))?;
        let query = "insert into cursors (name, position) values ($1, $2) \
            on conflict (name) do update set position = excluded.position where excluded.position > cursors.position";
        on_tx!(self, db => sqlx::query(query).bind(name).bind(number).execute(db).await.map(drop))?;
        Ok(())
    }

    /// Makes it last: when this returns, it is on disk.
    pub(super) async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

async fn open_sqlite(file: &Path, fresh: bool) -> Result<Pool, KeysError> {
    if fresh {
        create_private(file).map_err(sqlx::Error::Io)?;
    } else if !file.exists() {
        return Err(KeysError::KeysMissing);
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .pragma("secure_delete", "on")
        .pragma("temp_store", "memory");
    let one = SqlitePoolOptions::new().test_before_acquire(false).max_connections(1);
    let write = one.connect_with(options.clone()).await?;
    sqlx::migrate!("migrations/keys_sqlite").run(&write).await?;
    let read = SqlitePoolOptions::new()
        .test_before_acquire(false)
        .max_connections(READERS)
        .connect_lazy_with(options.read_only(true));
    Ok(Pool::Sqlite { read, write })
}

/// Makes a file with the tables of this program's version and nothing in them.
///
/// # Errors
///
/// [`KeysError`] when it cannot be made.
pub async fn make_empty(file: &Path) -> Result<(), KeysError> {
    open_sqlite(file, true).await?.close().await;
    Ok(())
}

/// Only the owner may read the keys, though they are wrapped. The journal inherits it.
fn create_private(file: &Path) -> io::Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match opened {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

async fn open_postgres(url: &str) -> Result<Pool, KeysError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| KeysError::BadUrl)?;
    let mut first = PgConnection::connect_with(&options).await?;
    let (fsync,): (String,) = sqlx::query_as("show fsync").fetch_one(&mut first).await?;
    if fsync != "on" {
        return Err(KeysError::NotDurable);
    }
    let schema = format!("create schema if not exists {SCHEMA}");
    // Of two that create it at once, one fails: it finds it the second time.
    if sqlx::query(&schema).execute(&mut first).await.is_err() {
        sqlx::query(&schema).execute(&mut first).await?;
    }
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(READERS)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SETTINGS).await.map(drop) }))
        .connect_with(options)
        .await?;
    sqlx::migrate!("migrations/keys_postgres").run(&pool).await?;
    Ok(Pool::Postgres(pool))
}
