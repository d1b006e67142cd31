//! Two databases behind one form of SQL.
//!
//! Read models hold ids, text, bigint and blob only, and every statement names its parameters `$1`, `$2` …, which both
//! drivers take; so no query is written twice.

mod bind;
mod copy;
mod lists;
mod row;
mod tx;
mod value;

use sqlx::{Database, PgPool, Pool, SqlitePool};

use self::bind::{postgres, sqlite};
pub use self::{lists::lists, row::Row, tx::Tx, value::Value};
use crate::fault::Fault;

/// A database, with its pools. A clone shares them.
#[derive(Debug, Clone)]
pub enum Db {
    /// A file of its own.
    Sqlite {
        /// Many connections, for queries.
        readers: SqlitePool,
        /// One connection, for everything that writes.
        writer: SqlitePool,
    },
    /// A schema of a server.
    Postgres(PgPool),
}

impl Db {
    /// Runs a statement that writes; says how many rows it touched.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn execute(&self, sql: &str, values: Vec<Value>) -> Result<u64, Fault> {
        Ok(match self {
            Self::Sqlite { writer, .. } => sqlite(sql, values).execute(writer).await?.rows_affected(),
            Self::Postgres(pool) => postgres(sql, values).execute(pool).await?.rows_affected(),
        })
    }

    /// Runs a query and returns all its rows.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn fetch(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                let rows = sqlite(sql, values).fetch_all(readers).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let rows = postgres(sql, values).fetch_all(pool).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a query and returns its first row, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn find(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn begin(&self) -> Result<Tx, Fault> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Begins a transaction that sees one state of the database to its end.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn snapshot(&self) -> Result<Tx, Fault> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => Tx::Postgres(
                pool.begin_with("begin isolation level repeatable read read only")
                    .await?,
            ),
        })
    }

    /// Closes the connections, and waits until they are closed.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                close(readers).await;
                close(writer).await;
            }
            Self::Postgres(pool) => close(pool).await,
        }
    }
}

/// Closes a pool's connections. When this returns, they are closed.
///
/// sqlx 0.8 leaves one open that was being given back meanwhile; by the second time it lies among the idle ones.
pub async fn close<D: Database>(pool: &Pool<D>) {
    for _ in 0..2 {
        pool.close().await;
    }
}
