//! The small databases beside log and read models: the keys, the counters of attempts, the tree over the log, the flows at
//! identity providers. One set of SQL serves SQLite, in a file of its own, and PostgreSQL, in a schema of its own.

#[cfg(test)]
pub(crate) mod own;

use std::{fs, io, path::Path, str::FromStr, sync::Arc, time::Duration};

use doorbook_projections::db::close;
use sqlx::{
    Connection, Executor, PgConnection, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::config::Database;

/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// What a database is like.
pub(crate) struct Shape {
    /// Its schema on PostgreSQL.
    pub(crate) schema: &'static str,
    /// Whether what is committed is on disk. Otherwise what a crash loses is not worth waiting for.
    pub(crate) durable: bool,
    /// Whether SQLite zeroes what is overwritten.
    pub(crate) zeroes: bool,
    /// Connections to PostgreSQL.
    pub(crate) connections: u32,
    /// Connections that read SQLite beside the one that writes. Without any, that one reads, too.
    pub(crate) readers: u32,
}

/// Either database.
#[derive(Debug)]
pub(crate) enum Pool {
    /// One connection writes, others may read.
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
pub(crate) enum Tx {
    /// On the writing connection: it has locked the file.
    Sqlite(Transaction<'static, Sqlite>),
    /// Read committed.
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one statement on either, on a connection that reads: `on_pool!(pool, db => query.fetch_all(db).await)`.
macro_rules! on_pool {
    ($pool:expr, $db:ident => $run:expr) => {
        match $pool {
            $crate::sql::Pool::Sqlite { read: $db, .. } => $run,
            $crate::sql::Pool::Postgres($db) => $run,
        }
    };
}
/// Runs one statement in either transaction: `on_tx!(tx, db => query.execute(db).await)`.
macro_rules! on_tx {
    ($tx:expr, $db:ident => $run:expr) => {
        match $tx {
            $crate::sql::Tx::Sqlite(tx) => {
                let $db = &mut **tx;
                $run
            }
            $crate::sql::Tx::Postgres(tx) => {
                let $db = &mut **tx;
                $run
            }
        }
    };
}
pub(crate) use {on_pool, on_tx};

impl Pool {
    /// Connects. Tables are the next step: [`Self::migrate`].
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub(crate) async fn connect(database: &Database, shape: &Shape) -> sqlx::Result<Self> {
        match database {
            Database::Sqlite(file) => connect_sqlite(file, shape).await,
            Database::Postgres(url) => connect_postgres(url, shape).await.map(Self::Postgres),
        }
    }

    /// Brings the tables to this program's version.
    ///
    /// # Errors
    ///
    /// When they are newer, or the database fails.
    pub(crate) async fn migrate(&self, sqlite: &Migrator, postgres: &Migrator) -> Result<(), MigrateError> {
        match self {
            Self::Sqlite { write, .. } => sqlite.run(write).await,
            Self::Postgres(pool) => postgres.run(pool).await,
        }
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn begin(&self) -> sqlx::Result<Tx> {
        Ok(match self {
            Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("begin immediate").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Ends all connections. When this returns, nobody has the file open.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                close(read).await;
                close(write).await;
            }
            Self::Postgres(pool) => close(pool).await,
        }
    }
}

impl Tx {
    /// Makes it visible and, where the database is durable, last: when this returns, it is on disk.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn rollback(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}

async fn connect_sqlite(file: &Path, shape: &Shape) -> sqlx::Result<Pool> {
    let synchronous = if shape.durable {
        SqliteSynchronous::Full
    } else {
        SqliteSynchronous::Normal
    };
    let mut options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(BUSY)
        .pragma("temp_store", "memory");
    if shape.zeroes {
        options = options.pragma("secure_delete", "on");
    }
    let pool = |size| {
        SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(size)
    };
    let write = pool(1).connect_with(options.clone()).await?;
    let read = match shape.readers {
        0 => write.clone(),
        readers => pool(readers).connect_lazy_with(options.read_only(true)),
    };
    Ok(Pool::Sqlite { read, write })
}

async fn connect_postgres(url: &str, shape: &Shape) -> sqlx::Result<PgPool> {
    let options = PgConnectOptions::from_str(url)?;
    let Shape { schema, durable, .. } = shape;
    let create = format!("create schema if not exists {schema}");
    let mut first = PgConnection::connect_with(&options).await?;
    // Of two that create it at once, one fails: it finds it the second time.
    if sqlx::query(&create).execute(&mut first).await.is_err() {
        sqlx::query(&create).execute(&mut first).await?;
    }
    first.close().await?;
    let commit = if *durable { "on" } else { "off" };
    let settings: Arc<str> = format!("set search_path = {schema}; set synchronous_commit = {commit}").into();
    PgPoolOptions::new()
        .max_connections(shape.connections)
        .after_connect(move |connection, _| {
            let settings = Arc::clone(&settings);
            Box::pin(async move { connection.execute(&*settings).await.map(drop) })
        })
        .connect_with(options)
        .await
}

/// Makes a file that only its owner can read, unless it is there. SQLite gives the files beside it the same mode. A file that
/// is there is not opened: closing it would end this process's locks on it.
///
/// # Errors
///
/// When it cannot be made.
pub(crate) fn make_private(file: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
