//! One `serve` at a time on one store. The session directory of a second one could not know at once what the first ended.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

/// Names the lock among the advisory locks of a PostgreSQL database: "doorserv" in ASCII. The sequencer has its own.
const ADVISORY: i64 = i64::from_be_bytes(*b"doorserv");
/// The backend of a service that was just killed holds the lock for a moment longer: it is asked for again for 3 s.
const ATTEMPTS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);
/// How often the connection that holds the lock is seen to be alive.
const KEEP_ALIVE: Duration = Duration::from_secs(2);

/// Why the lock was not had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another service runs on the directory.
    #[error("data.dir: {} is in use by a running `doorbook serve`; stop it, or choose another directory (`--data-dir`)", .0.display())]
    DirectoryInUse(PathBuf),
    /// Another service runs on the database.
    #[error(
        "store.url: another `doorbook serve` runs on this PostgreSQL database; stop it first (several nodes are not supported yet)"
    )]
    DatabaseInUse,
    /// The lock file cannot be made.
    #[error("data.dir: {path} cannot be written: {source}; choose a directory that this user may write")]
    Unwritable {
        /// The file of the lock.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The database cannot be asked.
    #[error("store.url: the database cannot be asked for the lock: {0}")]
    Unreachable(#[from] sqlx::Error),
}

/// Holds the data directory until it is dropped or the process dies.
#[derive(Debug)]
pub struct DirectoryLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl DirectoryLock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// [`LockError::DirectoryInUse`] when another process has it, [`LockError::Unwritable`] when there is no place for it.
    pub fn take(directory: &Path) -> Result<Self, LockError> {
        let path = directory.join("serve.lock");
        let unwritable = |source| LockError::Unwritable {
            path: path.display().to_string(),
            source,
        };
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        // Whoever can open the file can take the lock, and keep the service from starting.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(unwritable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(LockError::DirectoryInUse(directory.to_owned())),
            Err(TryLockError::Error(error)) => Err(unwritable(error)),
        }
    }

    /// Whether some process holds the directory now.
    #[must_use]
    pub fn is_held(directory: &Path) -> bool {
        matches!(Self::take(directory), Err(LockError::DirectoryInUse(_)))
    }
}

/// Holds a PostgreSQL database while its connection lives.
pub struct DatabaseLock {
    url: String,
    connection: PgConnection,
}

impl DatabaseLock {
    /// Takes the lock.
    ///
    /// # Errors
    ///
    /// [`LockError::DatabaseInUse`] when another process has it, [`LockError::Unreachable`] when the database does not answer.
    pub async fn take(url: &str) -> Result<Self, LockError> {
        let mut connection = PgConnection::connect(url).await?;
        for _ in 0..ATTEMPTS {
            let ask = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(ADVISORY);
            if ask.fetch_one(&mut connection).await? {
                let url = url.to_owned();
                return Ok(Self { url, connection });
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(LockError::DatabaseInUse)
    }

    /// Keeps the connection alive until cancelled, and takes the lock anew after a break.
    ///
    /// # Errors
    ///
    /// [`LockError::DatabaseInUse`] when another process took it meanwhile: this one must stop at once.
    pub async fn keep(mut self, cancel: CancellationToken) -> Result<(), LockError> {
        while cancel
            .run_until_cancelled(tokio::time::sleep(KEEP_ALIVE))
            .await
            .is_some()
        {
            if self.connection.ping().await.is_ok() {
                continue;
            }
            match Self::take(&self.url).await {
                Ok(lock) => self = lock,
                Err(LockError::DatabaseInUse) => return Err(LockError::DatabaseInUse),
                Err(error) => tracing::error!(%error, "the lock of the store is lost; trying to take it anew"),
            }
        }
        self.connection.close().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_holder_of_a_directory_is_refused_until_the_first_lets_go() {
        let directory = tempfile::tempdir().unwrap();
        let first = DirectoryLock::take(directory.path()).unwrap();
        assert!(matches!(
            DirectoryLock::take(directory.path()),
            Err(LockError::DirectoryInUse(_))
        ));
        assert!(DirectoryLock::is_held(directory.path()));
        drop(first);
        assert!(!DirectoryLock::is_held(directory.path()));
    }
}
