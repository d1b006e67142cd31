use sqlx::{Postgres, Sqlite, Transaction};

use super::{
    Row, Value,
    bind::{postgres, sqlite},
};
use crate::fault::Fault;

/// A transaction. Dropped without [`Tx::commit`], it never was.
#[derive(Debug)]
pub enum Tx {
    /// On `SQLite`.
    Sqlite(Transaction<'static, Sqlite>),
    /// On `PostgreSQL`.
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Runs a statement that writes; says how many rows it touched.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, Fault> {
        Ok(match self {
            Self::Sqlite(tx) => sqlite(sql, values).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => postgres(sql, values).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs a query and returns all its rows.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn fetch(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        Ok(match self {
            Self::Sqlite(tx) => {
                let rows = sqlite(sql, values).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                let rows = postgres(sql, values).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Makes it so.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails. Whether the transaction took effect is then unknown.
    pub async fn commit(self) -> Result<(), Fault> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}
