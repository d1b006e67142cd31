//! A pair of files: the log as of one moment, and the keys as of the same moment.
//!
//! Keys that are younger than the log would be harmless, older ones would not: what was sealed in between could not be
//! read. Keys that were destroyed in between would be missed, such as that of a password that was still in use. So nothing
//! is created or destroyed while both states are pinned, which takes milliseconds; the copying comes after.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use sqlx::{
    ConnectOptions as _, Connection as _, Executor as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use crate::{
    keys,
    store::{Store, StoreUrl},
};

/// Events that are copied by one statement.
const CHUNK: i64 = 20_000;
const BUSY: Duration = Duration::from_secs(10);
/// A table that is not copied: the copy has its own.
const LEFT_OUT: &str = "_sqlx_migrations";
/// What is not copied of what waits to be sent: letters. Those were sent long before a restore.
const NO_LETTERS: (&str, &str) = ("outbox", "where queue <> 'outbox'");

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The copy of the log.
    pub log: PathBuf,
    /// The copy of the keys.
    pub keys: PathBuf,
    /// Events in the log.
    pub events: u64,
    /// Keys, tombstones included.
    pub key_count: u64,
}

/// One of the two, in the making: the copy's own tables, and the source beside them.
struct Copy {
    connection: SqliteConnection,
    part: PathBuf,
    file: PathBuf,
}

/// Copies `log` and `keys` into `dir`, under names that say when. Both are on the disk when this returns; what broke off
/// leaves only files whose names end in `.part`.
///
/// # Errors
///
/// [`Fault`] when there is not enough room, when the copies exist already, or when a database fails.
pub async fn copy(
    (log, keys): (&Path, &Path),
    dir: &Path,
    at: Timestamp,
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<Copied, Fault> {
    if !dir.is_dir() {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(dir).map_err(Fault::because(UNWRITABLE))?;
    }
    let stamp = at.to_utc().format("%Y%m%dT%H%M%SZ");
    let mut log_copy = Copy::of_log(log, dir, &format!("log-{stamp}.db")).await?;
    let mut key_copy = Copy::of_keys(keys, dir, &format!("keys-{stamp}.db")).await?;
    pin(&mut log_copy, &mut key_copy, keys).await?;
    // The keys first: while they are read, none can be destroyed for good.
    key_copy.take_over("master", progress).await?;
    let key_count = key_copy.count("keys").await?;
    let keys = key_copy.finish().await?;
    log_copy.take_over("log_identity", progress).await?;
    let events = log_copy.count("events").await?;
    let log = log_copy.finish().await?;
    File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(Fault::because(UNWRITABLE))?;
    Ok(Copied {
        log,
        keys,
        events,
        key_count,
    })
}

const UNWRITABLE: &str = "the directory of the backup cannot be written";

/// Takes hold of one state of both, in which every key is there that the log's events need.
async fn pin(log: &mut Copy, copied: &mut Copy, keys: &Path) -> Result<(), Fault> {
    let options = SqliteConnectOptions::new().filename(keys).busy_timeout(BUSY);
    let mut writer = options.connect().await?;
    // Nobody creates or destroys a key until this ends.
    writer.execute("begin immediate").await?;
    let pinned = async {
        for (copy, table) in [(log, "events"), (copied, "keys")] {
            copy.connection.execute("begin").await?;
            let look = format!("select count(*) from (select 1 from src.{table} limit 1)");
            copy.connection.execute(look.as_str()).await?;
        }
        Ok::<_, sqlx::Error>(())
    }
    .await;
    writer.execute("rollback").await?;
    writer.close().await?;
    Ok(pinned?)
}

impl Copy {
    async fn of_log(source: &Path, dir: &Path, name: &str) -> Result<Self, Fault> {
        let (part, file) = begin(dir, name)?;
        Store::migrate(&StoreUrl::Sqlite(part.clone()))
            .await
            .map_err(Fault::because("the tables of the copy cannot be made"))?;
        Self::beside(source, part, file).await
    }

    async fn of_keys(source: &Path, dir: &Path, name: &str) -> Result<Self, Fault> {
        let (part, file) = begin(dir, name)?;
        keys::make_empty(&part)
            .await
            .map_err(Fault::because("the tables of the copy cannot be made"))?;
        Self::beside(source, part, file).await
    }

    async fn beside(source: &Path, part: PathBuf, file: PathBuf) -> Result<Self, Fault> {
        // One file in the end, without a journal beside it.
        let options = SqliteConnectOptions::new()
            .filename(&part)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        let mut connection = options.connect().await?;
        let source = source
            .to_str()
            .ok_or(Fault::plain("the path of a database is not UTF-8"))?;
        sqlx::query("attach database $1 as src")
            .bind(source)
            .execute(&mut connection)
            .await?;
        let versions = "select (select max(version) from main._sqlx_migrations) = (select max(version) from \
            src._sqlx_migrations)";
        let same: bool = sqlx::query_scalar(versions).fetch_one(&mut connection).await?;
        if !same {
            return Err(Fault::plain(
                "the database has other tables than this program knows: run `doorbook migrate` first",
            ));
        }
        Ok(Self { connection, part, file })
    }

    /// Copies every table, the long one in pieces, in the transaction that was begun when the state was pinned.
    async fn take_over(&mut self, identity: &str, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<(), Fault> {
        let query =
            "select name from main.sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'";
        let tables: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut self.connection).await?;
        if !tables.iter().any(|table| table == identity) {
            return Err(Fault::plain("this is another kind of database"));
        }
        for table in tables.iter().filter(|table| *table != LEFT_OUT) {
            if table == "events" {
                self.take_over_events(progress).await?;
                continue;
            }
            self.run(&format!("delete from main.\"{table}\"")).await?;
            let rows = if table == NO_LETTERS.0 { NO_LETTERS.1 } else { "" };
            let insert = format!("insert into main.\"{table}\" select * from src.\"{table}\" {rows}");
            self.run(&insert).await?;
        }
        self.run("commit").await
    }

    async fn take_over_events(&mut self, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<(), Fault> {
        let head = sqlx::query_scalar("select coalesce(max(position), 0) from src.events");
        let head: i64 = head.fetch_one(&mut self.connection).await?;
        let number = |position: i64| u64::try_from(position).unwrap_or(0);
        let mut after = 0;
        while after < head {
            let query = "insert into main.events select * from src.events where position > $1 and position <= $2";
            let upto = after.saturating_add(CHUNK);
            sqlx::query(query)
                .bind(after)
                .bind(upto)
                .execute(&mut self.connection)
                .await?;
            after = upto;
            progress(number(after.min(head)), number(head));
        }
        Ok(())
    }

    async fn run(&mut self, statement: &str) -> Result<(), Fault> {
        self.connection.execute(statement).await?;
        Ok(())
    }

    async fn count(&mut self, table: &str) -> Result<u64, Fault> {
        let query = format!("select count(*) from main.{table}");
        let count: i64 = sqlx::query_scalar(&query).fetch_one(&mut self.connection).await?;
        u64::try_from(count).map_err(Fault::because("a count is negative"))
    }

    /// Gives the copy its name once it is on the disk.
    async fn finish(self) -> Result<PathBuf, Fault> {
        let Self { connection, part, file } = self;
        connection.close().await?;
        let done = File::open(&part)
            .and_then(|part| part.sync_all())
            .and_then(|()| fs::rename(&part, &file));
        done.map_err(Fault::because(UNWRITABLE))?;
        Ok(file)
    }
}

/// Makes an empty file that only its owner can read.
fn begin(dir: &Path, name: &str) -> Result<(PathBuf, PathBuf), Fault> {
    let (part, file) = (dir.join(format!("{name}.part")), dir.join(name));
    if file.exists() {
        return Err(Fault::plain("there is a backup of this very second already: try again"));
    }
    let made = remove(&part).and_then(|()| {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600).open(&part)
    });
    made.map_err(Fault::because(UNWRITABLE))?;
    Ok((part, file))
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}
