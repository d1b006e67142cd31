//! Counters of their own for each test, by a clock that stands.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use doorbook_domain::{seal::ClaimId, time::Timestamp};
use doorbook_openapi::app::Refusal;
use tempfile::TempDir;

use crate::{
    clock::Clock,
    config::{Config, Database, Sources, Throttle as Settings},
    sql::own::OwnDatabase,
    throttle::{Counted, Throttle},
};

/// Where a test counts; gone with this.
pub(super) struct Bed {
    pub(super) clock: Clock,
    database: Database,
    _postgres: Option<OwnDatabase>,
    _directory: TempDir,
}

impl Bed {
    pub(super) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::Sqlite(directory.path().join("throttle.db"));
        Self::of(database, None, directory)
    }

    pub(super) async fn postgres() -> Self {
        let postgres = OwnDatabase::create().await;
        let directory = tempfile::tempdir().unwrap();
        Self::of(Database::Postgres(postgres.url().into()), Some(postgres), directory)
    }

    fn of(database: Database, postgres: Option<OwnDatabase>, directory: TempDir) -> Self {
        Self {
            clock: Clock::standing(Timestamp::from_micros(1_795_478_400_000_000)),
            database,
            _postgres: postgres,
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
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)] async fn $name() {
                let bed = $crate::throttle::tests::bed::Bed::postgres().await;
                super::$name(&bed).await;
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
