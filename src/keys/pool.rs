//! The key database, SQLite or PostgreSQL: always fully durable, and zeroed where a key was.

use std::{path::Path, str::FromStr};

use doorbook_projections::{fault::Fault, log::Position};
use sqlx::{Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions};

use super::error::KeysError;
use crate::{
    config::Database,
    sql::{Pool, Shape, Tx, make_private, on_tx},
};

static SQLITE: Migrator = sqlx::migrate!("migrations/keys_sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/keys_postgres");
/// A key that a crash loses takes people's data along.
const SHAPE: Shape = Shape {
    schema: "doorbook_keys",
    durable: true,
    zeroes: true,
    connections: 4,
    readers: 4,
};

/// Connects and brings the tables to this program's version. A file is only made while `fresh`, and only its owner may read
/// it, though the keys are wrapped.
pub(super) async fn open(database: &Database, fresh: bool) -> Result<Pool, KeysError> {
    match database {
        Database::Sqlite(file) if fresh => make_private(file).map_err(sqlx::Error::Io)?,
        Database::Sqlite(file) if !file.exists() => return Err(KeysError::KeysMissing),
        Database::Sqlite(_) => {}
        Database::Postgres(url) => require_durable(url).await?,
    }
    let pool = Pool::connect(database, &SHAPE).await?;
    pool.migrate(&SQLITE, &POSTGRES).await?;
    Ok(pool)
}

async fn require_durable(url: &str) -> Result<(), KeysError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| KeysError::BadUrl)?;
    let mut connection = PgConnection::connect_with(&options).await?;
    let (fsync,): (String,) = sqlx::query_as("show fsync").fetch_one(&mut connection).await?;
    connection.close().await?;
    if fsync == "on" {
        Ok(())
    } else {
        Err(KeysError::NotDurable)
    }
}

/// Makes a file with the tables of this program's version and nothing in them.
///
/// # Errors
///
/// [`KeysError`] when it cannot be made.
pub async fn make_empty(file: &Path) -> Result<(), KeysError> {
    open(&Database::Sqlite(file.to_owned()), true).await?.close().await;
    Ok(())
}

impl Pool {
    /// Makes sure that what was overwritten is gone from the files, too.
    ///
    /// SQLite has zeroed the bytes in the database (`secure_delete`); its journal still holds them until it is truncated.
    /// PostgreSQL keeps the old row until it is vacuumed.
    pub(in crate::keys) async fn scrub(&self) -> Result<(), Fault> {
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
}

impl Tx {
    /// Keeps others from changing any key until the transaction ends (`alone`), or only from rewrapping them all.
    pub(in crate::keys) async fn lock(&mut self, alone: bool) -> Result<(), Fault> {
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
    pub(in crate::keys) async fn set_cursor(&mut self, name: &str, position: Position) -> Result<(), Fault> {
        let number = i64::try_from(position.number()).map_err(Fault::because("a position is beyond 2^63"))?;
        let query = "insert into cursors (name, position) values ($1, $2) \
            on conflict (name) do update set position = excluded.position where excluded.position > cursors.position";
        on_tx!(self, db => sqlx::query(query).bind(name).bind(number).execute(db).await.map(drop))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SQLite removes the journal when the last connection closes: a backup switches it off next.
    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_has_an_empty_file_open_once_it_is_made() {
        let directory = tempfile::tempdir().unwrap();
        for round in 0..200 {
            let file = directory.path().join(format!("{round}.db"));
            make_empty(&file).await.unwrap();
            let journal = directory.path().join(format!("{round}.db-wal"));
            assert!(!journal.exists(), "round {round}");
        }
    }
}
