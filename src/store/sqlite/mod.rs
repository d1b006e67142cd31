//! The log in a file of this machine.

use std::{path::Path, time::Duration};

use doorbook_projections::fault::Fault;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    Migrated, NewEvent, OpenError, StoreOptions,
    schema::{check, migrate},
};

mod append;
mod connections;
mod import;
mod log;

use connections::Connections;

pub(super) use append::Appender;
pub(super) use log::SqliteLog;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a write waits for another process that writes, the command line beside the service for example.
const BUSY: Duration = Duration::from_secs(10);

/// One connection that writes (more would meet `SQLITE_BUSY`), and some that read.
pub(super) struct Sqlite {
    pub(super) writer: Connections,
    pub(super) readers: Connections,
}

impl Sqlite {
    pub(super) async fn open(path: &Path, options: &StoreOptions) -> Result<Self, OpenError> {
        let mut probe = connect(&durable(path)).await?;
        check(version(&mut probe).await?, &MIGRATIONS)?;
        require_durable(&mut probe).await?;
        probe.close().await?;
        Ok(Self {
            writer: Connections::new(durable(path), 1)?,
            readers: Connections::new(reading(path), options.connections.max(1))?,
        })
    }

    pub(super) async fn migrate(path: &Path) -> Result<Migrated, OpenError> {
        let mut connection = connect(&durable(path).create_if_missing(true)).await?;
        let found = version(&mut connection).await?;
        let migrated = migrate(&mut connection, found, &MIGRATIONS).await?;
        connection.close().await?;
        Ok(migrated)
    }

    pub(super) async fn import(&self, events: &[NewEvent]) -> Result<(), Fault> {
        Ok(self
            .writer
            .with(async |writer| import::import(writer, events).await)
            .await?)
    }

    pub(super) async fn is_empty(&self) -> Result<bool, Fault> {
        let query = sqlx::query_as("select not exists (select 1 from events)");
        let (empty,) = self.readers.row(query).await?;
        Ok(empty)
    }

    /// Rows at places that readers, which begin at 1, do not come to.
    pub(super) async fn outside(&self) -> Result<Vec<String>, Fault> {
        let query = "select aggregate_type || '-' || aggregate_id || '#' || sequence from events where position < 1
            order by position limit 100";
        let rows: Vec<(String,)> = self.readers.rows(sqlx::query_as(query)).await?;
        Ok(rows.into_iter().map(|(row,)| row).collect())
    }

    pub(super) async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

/// Settings under which a commit that returned survives a loss of power.
fn durable(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("fullfsync", "on")
        .pragma("journal_size_limit", "67108864")
        .busy_timeout(BUSY)
        .optimize_on_close(false, None)
}

/// For those who read. The thread of a connection hands rows over in large parts: with the usual 50, most of the time of a
/// long read goes to waking the other side.
fn reading(path: &Path) -> SqliteConnectOptions {
    durable(path).pragma("query_only", "on").row_buffer_size(1000)
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection, OpenError> {
    options.connect().await.map_err(|reason| OpenError::Unreachable {
        url: format!("sqlite:{}", options.get_filename().display()),
        reason,
    })
}

/// Version of the schema; 0 when there is none.
async fn version(connection: &mut SqliteConnection) -> Result<i64, OpenError> {
    let table = "select count(*) from sqlite_master where type = 'table' and name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(table).fetch_one(&mut *connection).await?;
    if tables == 0 {
        return Ok(0);
    }
    let newest = "select coalesce(max(version), 0) from _sqlx_migrations";
    Ok(sqlx::query_scalar(newest).fetch_one(connection).await?)
}

/// A file system without shared memory silently keeps another journal mode.
async fn require_durable(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let journal: String = sqlx::query_scalar("pragma journal_mode")
        .fetch_one(&mut *connection)
        .await?;
    if !journal.eq_ignore_ascii_case("wal") {
        return Err(OpenError::NotDurable {
            setting: "journal_mode",
            value: journal,
            remedy: "put the file on a local disk",
        });
    }
    let synchronous: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(connection).await?;
    if synchronous < 2 {
        return Err(OpenError::NotDurable {
            setting: "synchronous",
            value: synchronous.to_string(),
            remedy: "use a build of SQLite that allows `synchronous = full`",
        });
    }
    Ok(())
}
