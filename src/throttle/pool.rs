//! Connections to the counters, SQLite or PostgreSQL, and transactions on them.

use std::{path::Path, str::FromStr, time::Duration};

use doorbook_projections::fault::Fault;
use sqlx::{
    Connection, Executor, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::config;

/// The schema of the counters on PostgreSQL.
const SCHEMA: &str = "doorbook_throttle";
/// What each connection to it is told: a counter that a crash loses is not worth waiting for.
const SETTINGS: &str = "set search_path = doorbook_throttle; set synchronous_commit = off";
/// Connections to PostgreSQL.
const CONNECTIONS: u32 = 8;
/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// `deadlock_detected`.
const DEADLOCK: &str = "40P01";

/// Either database.
pub(super) enum Pool {
    /// One connection.
    Sqlite(SqlitePool),
    /// Some.
    Postgres(PgPool),
}

/// A transaction on either.
pub(super) enum Tx {
    /// Alone: it has locked the file.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one statement on either: `on_pool!(pool, db => query.fetch_all(db).await)`.
macro_rules! on_pool {
    ($pool:expr, $db:ident => $run:expr) => {
        match $pool {
            $crate::throttle::pool::Pool::Sqlite($db) => $run,
            $crate::throttle::pool::Pool::Postgres($db) => $run,
        }
    };
}
/// Runs one statement in either transaction: `on_tx!(tx, db => query.execute(db).await)`.
macro_rules! on_tx {
    ($tx:expr, $db:ident => $run:expr) => {
        match $tx {
            $crate::throttle::pool::Tx::Sqlite(tx) => {
                let $db = &mut **tx;
                $run
            }
            $crate::throttle::pool::Tx::Postgres(tx) => {
                let $db = &mut **tx;
                $run
            }
        }
    };
}
pub(super) use {on_pool, on_tx};

impl Pool {
    /// Connects and brings the table to this program's version.
    pub(super) async fn open(database: &config::Database) -> Result<Self, Fault> {
        match database {
            config::Database::Sqlite(file) => open_sqlite(file).await,
            config::Database::Postgres(url) => open_postgres(url).await,
        }
    }

    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    pub(super) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}

/// Whether the transaction only has to be tried again.
pub(super) fn is_deadlock(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(DEADLOCK))
}

async fn open_sqlite(file: &Path) -> Result<Pool, Fault> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        .pragma("temp_store", "memory");
    let pool = SqlitePoolOptions::new()
        .test_before_acquire(false)
        .max_connections(1)
        .connect_with(options)
        .await?;
    sqlx::migrate!("migrations/throttle_sqlite")
        .run(&pool)
        .await
        .map_err(Fault::because("the table of the counters cannot be made"))?;
    Ok(Pool::Sqlite(pool))
}

async fn open_postgres(url: &str) -> Result<Pool, Fault> {
    let options = PgConnectOptions::from_str(url)?;
    let mut first = PgConnection::connect_with(&options).await?;
    let schema = format!("create schema if not exists {SCHEMA}");
    // Of two that create it at once, one fails: it finds it the second time.
    if sqlx::query(&schema).execute(&mut first).await.is_err() {
        sqlx::query(&schema).execute(&mut first).await?;
    }
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SETTINGS).await.map(drop) }))
        .connect_with(options)
        .await?;
    sqlx::migrate!("migrations/throttle_postgres")
        .run(&pool)
        .await
        .map_err(Fault::because("the table of the counters cannot be made"))?;
    Ok(Pool::Postgres(pool))
}
