use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use crate::{db::Db, fault::Fault};

const READERS: u32 = 4;
/// A file, and what SQLite puts beside it.
const ENDINGS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Bytes of a page. Rows of several hundred bytes lie in the inner nodes of their table, too: smaller pages make it deep.
const PAGE: u32 = 8192;
const BUSY: Duration = Duration::from_secs(10);

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speed {
    /// A crash may lose the last commits, never more.
    Live,
    /// A crash may lose the file: it is being built, and nobody reads it.
    Load,
}

fn path(dir: &Path, name: &str, number: u64) -> PathBuf {
    dir.join(format!("{name}.g{number}.db"))
}

pub(super) async fn catalog(dir: &Path) -> Result<Db, Fault> {
    std::fs::create_dir_all(dir).map_err(Fault::because("cannot make the directory of the read models"))?;
    let db = connect(&dir.join("read.db"), true, Speed::Live).await?;
    for sql in [
        "create table if not exists generations (
            projection text primary key, current bigint not null, previous bigint not null, allocated bigint not null)",
        "create table if not exists paused (projection text primary key, since bigint not null)",
        "create table if not exists runs (
            projection text, number bigint, id text not null, kind text not null, scope text, actor text not null,
            state text not null, phase text not null, done bigint not null, total bigint not null,
            wanted bigint not null, started_at bigint not null, seen_at bigint not null, ended_at bigint,
            outcome text, error text, primary key (projection, number))",
    ] {
        db.execute(sql, Vec::new()).await?;
    }
    Ok(db)
}

/// Makes an empty file that only its owner can read, unless it is there; one of before, and what SQLite has put beside it,
/// is taken from others. SQLite gives the files beside it the same mode.
///
/// A file that is there is not opened: closing it would end the locks that this process's connections hold on it (POSIX
/// advisory locks; "How To Corrupt An SQLite Database File", section 2.2).
fn private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(file);
    match made {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for path in ENDINGS.map(|ending| beside(file, ending)) {
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

async fn connect(file: &Path, create: bool, speed: Speed) -> Result<Db, Fault> {
    if create || file.exists() {
        private(file).map_err(Fault::because("cannot make the file of a read model"))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(create)
        .busy_timeout(BUSY);
    let options = match speed {
        Speed::Live => options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            // What a statement may have to undo, which would be a file for each transaction.
            .pragma("temp_store", "memory"),
        Speed::Load => options
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .page_size(PAGE)
            .pragma("cache_size", "-4000")
            // As <https://www.sqlite.org/lang_analyze.html> advises: statistics need not see every row. They are averages then,
            // without samples of single values; the queries here walk an index by equality and do not need them.
            .pragma("analysis_limit", "1000")
            .pragma("locking_mode", "exclusive"),
    };
    // The writer opens first, so that the journal's mode is settled before anybody reads.
    let writer = SqlitePoolOptions::new()
        .test_before_acquire(false)
        .max_connections(1)
        .connect_with(options.clone())
        .await?;
    let readers = match speed {
        Speed::Live => SqlitePoolOptions::new()
            .test_before_acquire(false)
            .max_connections(READERS)
            .connect_lazy_with(options),
        Speed::Load => writer.clone(),
    };
    Ok(Db::Sqlite { readers, writer })
}

pub(super) async fn open(dir: &Path, name: &str, number: u64, speed: Speed) -> Result<Option<Db>, Fault> {
    let file = path(dir, name, number);
    if !file.exists() {
        return Ok(None);
    }
    connect(&file, false, speed).await.map(Some)
}

pub(super) async fn create(dir: &Path, name: &str, number: u64) -> Result<Db, Fault> {
    remove(dir, name, number)?;
    connect(&path(dir, name, number), true, Speed::Load).await
}

/// Waits until a closed file and its name are on the disk.
pub(super) async fn sync(dir: &Path, name: &str, number: u64) -> Result<(), Fault> {
    let (file, dir) = (path(dir, name, number), dir.to_owned());
    let synced = tokio::task::spawn_blocking(move || {
        File::open(file)?.sync_all()?;
        File::open(dir)?.sync_all()
    });
    let synced = synced.await.map_err(Fault::because("cannot sync a read model"))?;
    synced.map_err(Fault::because("cannot sync a read model"))
}

/// The numbers of the generations that have a file.
pub(super) fn generations(dir: &Path, name: &str) -> Result<Vec<u64>, Fault> {
    let failed = "cannot list the directory of the read models";
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(Fault::because(failed))? {
        let file = entry.map_err(Fault::because(failed))?.file_name();
        let number: Option<u64> = file.to_str().and_then(|file| {
            let rest = file.strip_prefix(name)?.strip_prefix(".g")?;
            rest.strip_suffix(".db")?.parse().ok()
        });
        numbers.extend(number);
    }
    Ok(numbers)
}

pub(super) fn remove(dir: &Path, name: &str, number: u64) -> Result<(), Fault> {
    let file = path(dir, name, number);
    for ending in ENDINGS {
        match std::fs::remove_file(beside(&file, ending)) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Fault::new("cannot remove an old read model", error)),
        }
    }
    Ok(())
}

pub(super) fn lock(dir: &Path, name: &str) -> Result<Option<File>, Fault> {
    let failed = "cannot lock a read model for building";
    let file = dir.join(format!("{name}.lock"));
    private(&file).map_err(Fault::because(failed))?;
    let file = OpenOptions::new()
        .write(true)
        .open(file)
        .map_err(Fault::because(failed))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Fault::new(failed, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn file_that_is_loaded_has_large_pages_and_keeps_them() {
        let dir = tempfile::tempdir().unwrap();
        let loading = create(dir.path(), "sessions", 1).await.unwrap();
        loading.execute("create table some (a)", Vec::new()).await.unwrap();
        loading.close().await;
        let live = open(dir.path(), "sessions", 1, Speed::Live).await.unwrap().unwrap();
        let row = live.find("pragma page_size", Vec::new()).await.unwrap().unwrap();
        let size: u32 = row.count("page_size").unwrap();
        assert_eq!(size, PAGE);
        live.close().await;
    }
}
