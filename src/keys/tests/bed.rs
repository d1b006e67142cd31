//! A key database of its own for each test, on either engine.

use std::path::{Path, PathBuf};

use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_projections::keyring::Place;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    clock::Clock,
    config::Database,
    keys::{KeyName, Keyring, KeysError, MasterKey},
    sql::own::OwnDatabase,
};

/// 2026-11-24T00:00:00Z.
pub(super) const NOVEMBER: Timestamp = Timestamp::from_micros(1_795_478_400_000_000);

pub(super) const PLACE: Place<'static> = Place {
    stream: "user-1",
    event_type: "user.registered",
    field: "email",
};

/// The user whose id is `number`.
pub(super) fn user(number: u128) -> KeyName {
    KeyName::user(UserId(Uuid::from_u128(number)))
}

/// Where a test keeps its keys; gone with this.
pub(super) struct Bed {
    pub(super) directory: TempDir,
    pub(super) database: Database,
    _postgres: Option<OwnDatabase>,
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("keys.db"));
        Self {
            directory,
            database,
            _postgres: None,
        }
    }

    pub(super) async fn postgres() -> Self {
        let postgres = OwnDatabase::create().await;
        Self {
            directory: tempfile::tempdir().unwrap(),
            database: Database::Postgres(postgres.url().into()),
            _postgres: Some(postgres),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        self.directory.path().join("master.key")
    }

    pub(super) async fn open(&self, fresh: bool) -> Result<Keyring, KeysError> {
        let master = MasterKey::load_or_make(&self.file(), fresh)?;
        Keyring::open(&self.database, &master, fresh, Clock::system()).await
    }

    /// First start.
    pub(super) async fn keyring(&self) -> Keyring {
        self.open(true).await.unwrap()
    }

    /// Another start.
    pub(super) async fn again(&self) -> Keyring {
        self.open(false).await.unwrap()
    }
}

/// Runs `test` on both databases.
macro_rules! on_both {
    ($($name:ident: $test:expr;)*) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let bed = Bed::sqlite();
                $test(&bed).await;
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let bed = Bed::postgres().await;
                $test(&bed).await;
            })*
        }
    };
}
pub(super) use on_both;

/// How often `needle` occurs in any file of the directory.
pub(super) fn occurrences(directory: &Path, needle: &[u8]) -> usize {
    std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .map(|bytes| memchr_count(&bytes, needle))
        .sum()
}

fn memchr_count(bytes: &[u8], needle: &[u8]) -> usize {
    let first = needle[0];
    (0..bytes.len().saturating_sub(needle.len() - 1))
        .filter(|&at| bytes[at] == first && bytes[at..].starts_with(needle))
        .count()
}
