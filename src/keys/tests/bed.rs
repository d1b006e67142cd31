//! A key database of its own for each test, on either engine.

use std::{
    env,
    path::{Path, PathBuf},
};

use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_projections::keyring::Place;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    clock::Clock,
    config::Database,
    ids,
    keys::{KeyName, Keyring, KeysError, MasterKey},
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

/// Where a test keeps its keys. [`Self::drop`] removes it.
pub(super) struct Bed {
    pub(super) directory: TempDir,
    pub(super) database: Database,
    pub(super) postgres: Option<(String, String)>,
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("keys.db"));
        Self {
            directory,
            database,
            postgres: None,
        }
    }

    pub(super) async fn postgres() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES")
            .expect("set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases");
        let name = format!("doorbook_keys_test_{}", ids::uuid_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::query(&format!("create database {name}"))
            .execute(&mut connection)
            .await
            .unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Self {
            directory: tempfile::tempdir().unwrap(),
            database: Database::Postgres(url.into()),
            postgres: Some((server, name)),
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

    /// Drops the database that the test made.
    pub(super) async fn clear(self) {
        let Some((server, name)) = &self.postgres else { return };
        let mut connection = PgConnection::connect(server).await.unwrap();
        sqlx::query(&format!("drop database {name} with (force)"))
            .execute(&mut connection)
            .await
            .unwrap();
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
                bed.clear().await;
            })*
        }
        mod postgres {
            use super::*;
            $(#[tokio::test] async fn $name() {
                let bed = Bed::postgres().await;
                $test(&bed).await;
                bed.clear().await;
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
