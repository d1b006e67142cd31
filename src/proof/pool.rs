//! Connections to the tree, SQLite or PostgreSQL, and transactions on them.

use std::{path::Path, str::FromStr, time::Duration};

use doorbook_projections::fault::Fault;
use sqlx::{
    Connection, Executor, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::config;

/// The schema of the tree on PostgreSQL.
const SCHEMA: &str = "doorbook_proof";
/// What each connection to it is told: what a crash loses of the tree is made anew from the log.
const SETTINGS: &str = "set search_path = doorbook_proof; set synchronous_commit = off";
/// Connections that read.
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
    /// Alone: it has locked the file.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one statement on either reader: `on_pool!(pool, db => query.fetch_all(db).await)`.
macro_rules! on_pool {
    ($pool:expr, $db:ident => $run:expr) => {
        match $pool {
            $crate::proof::pool::Pool::Sqlite { read: $db, .. } => $run,
            $crate::proof::pool::Pool::Postgres($db) => $run,
        }
    };
}
/// Runs one statement in either transaction: `on_tx!(tx, db => query.execute(db).await)`.
macro_rules! on_tx {
    ($tx:expr, $db:ident => $run:expr) => {
        match $tx {
            $crate::proof::pool::Tx::Sqlite(tx) => {
                let $db = &mut **tx;
                $run
            }
            $crate::proof::pool::Tx::Postgres(tx) => {
                let $db = &mut **tx;
                $run
            }
        }
    };
}
pub(super) use {on_pool, on_tx};

impl Pool {
    /// Connects and brings the tables to this program's version.
    pub(super) async fn open(database: &config::Database) -> Result<Self, Fault> {
        match database {
            config::Database::Sqlite(file) => open_sqlite(file).await,
            config::Database::Postgres(url) => open_postgres(url).await,
        }
    }

    /// Begins a transaction that writes.
    pub(super) async fn begin(&self) -> Result<Tx, Fault> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
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
    /// Makes it visible.
    pub(super) async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

const UNMADE: &str = "the tables of the tree cannot be made";

async fn open_sqlite(file: &Path) -> Result<Pool, Fault> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY)
        .pragma("temp_store", "memory");
    let one = SqlitePoolOptions::new().max_connections(1);
    let write = one.connect_with(options.clone()).await?;
    sqlx::migrate!("migrations/proof_sqlite")
        .run(&write)
        .await
        .map_err(Fault::because(UNMADE))?;
    let read = SqlitePoolOptions::new()
        .max_connections(READERS)
        .connect_lazy_with(options.pragma("query_only", "on"));
    Ok(Pool::Sqlite { read, write })
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
        .max_connections(READERS)
        .after_connect(|connection, _| Box::pin(async move { connection.execute(SETTINGS).await.map(drop) }))
        .connect_with(options)
        .await?;
    sqlx::migrate!("migrations/proof_postgres")
        .run(&pool)
        .await
        .map_err(Fault::because(UNMADE))?;
    Ok(Pool::Postgres(pool))
}
