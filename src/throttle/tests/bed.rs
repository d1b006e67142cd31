//! Counters of their own for each test, by a clock that stands.

use std::{
    env,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use doorbook_domain::{seal::ClaimId, time::Timestamp};
use doorbook_openapi::app::Refusal;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::{
    clock::Clock,
    config::{Config, Database, Sources, Throttle as Settings},
    ids,
    throttle::{Counted, Throttle},
};

/// Where a test counts. [`Self::clear`] removes it.
pub(super) struct Bed {
    pub(super) clock: Clock,
    database: Database,
    postgres: Option<(String, String)>,
    _directory: TempDir,
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("throttle.db"));
        std::fs::write(directory.path().join("throttle.db"), "").unwrap();
        Self::of(database, None, directory)
    }

    pub(super) async fn postgres() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES")
            .expect("set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases");
        let name = format!("doorbook_throttle_test_{}", ids::uuid_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::query(&format!("create database {name}"))
            .execute(&mut connection)
            .await
            .unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        let directory = tempfile::tempdir().unwrap();
        Self::of(Database::Postgres(url.into()), Some((server, name)), directory)
    }

    fn of(database: Database, postgres: Option<(String, String)>, directory: TempDir) -> Self {
        Self {
            clock: Clock::standing(Timestamp::from_micros(1_795_478_400_000_000)),
            database,
            postgres,
            _directory: directory,
        }
    }

    /// A node that counts by the defaults.
    pub(super) async fn node(&self) -> Throttle {
        self.node_with(&defaults()).await
    }

    pub(super) async fn node_with(&self, settings: &Settings) -> Throttle {
        Throttle::open(settings, &self.database, &[7; 32], self.clock.clone())
            .await
            .unwrap()
    }

    pub(super) fn file(&self) -> Database {
        self.database.clone()
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
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

pub(super) fn defaults() -> Settings {
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        flags: Vec::new(),
    };
    Config::load(&sources).unwrap().throttle
}

/// Runs `test` on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() {
                let bed = $crate::throttle::tests::bed::Bed::sqlite();
                super::$name(&bed).await;
                bed.clear().await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() {
                let bed = $crate::throttle::tests::bed::Bed::postgres().await;
                super::$name(&bed).await;
                bed.clear().await;
            })*
        }
    };
}
pub(super) use on_both;

pub(super) fn claim(name: &str) -> ClaimId {
    ClaimId(format!("email-{name}").into())
}

/// A client in a network of its own.
#[expect(
    clippy::unnecessary_wraps,
    reason = "the throttle takes clients without an address, too"
)]
pub(super) fn client(network: u16) -> Option<IpAddr> {
    Some(Ipv6Addr::new(0x2001, 0xdb8, network, 0, 0, 0, 0, 1).into())
}

/// How long one is told to wait; `None` when let through.
#[track_caller]
pub(super) fn wait<T>(taken: Result<T, Refusal>) -> Option<Duration> {
    match taken {
        Ok(_) => None,
        Err(Refusal::Throttled(wait)) => Some(wait),
        Err(other) => panic!("{other:?}"),
    }
}

/// Lets an attempt count.
#[track_caller]
pub(super) fn fails(counted: &Result<Counted, Refusal>) {
    assert!(counted.is_ok(), "{counted:?}");
}
