//! Databases that live as long as a test.

use std::{env, sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::{EventLog, Position, Recorded};
use sqlx::{
    ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::tally::{Tally, TallyCommand, TallyEvent, TooLarge};
use crate::store::{CommandMetadata, Committed, Failure, Store, StoreOptions, StoreUrl};

pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// An empty database of its own; dropped with this.
pub(super) struct Database {
    server: PgConnectOptions,
    pub(super) name: String,
}

impl Database {
    pub(super) async fn create() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES").expect(
            "set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL superuser, such as postgres://postgres@127.0.0.1/postgres",
        );
        let server: PgConnectOptions = server
            .parse()
            .expect("DOORBOOK_TEST_POSTGRES must be a postgres:// URL");
        let name = format!("doorbook_test_{:032x}", rand::random::<u128>());
        let database = Self { server, name };
        database.on_server(&format!("create database {}", database.name)).await;
        database
    }

    pub(super) fn options(&self) -> PgConnectOptions {
        self.server.clone().database(&self.name)
    }

    pub(super) fn url(&self) -> StoreUrl {
        StoreUrl::Postgres(Box::new(self.options()))
    }

    /// For `psql` and `pg_dump`, with the password: they cannot be asked. The query holds what only sqlx knows.
    pub(super) fn conninfo(&self) -> String {
        let mut url = self.options().to_url_lossy();
        url.set_query(None);
        url.to_string()
    }

    pub(super) async fn connect(&self) -> PgConnection {
        self.options().connect().await.unwrap()
    }

    /// How many events have a higher position than one with a higher id.
    pub(super) async fn inversions(&self) -> i64 {
        let query = "select count(*) from
            (select event_id, max(event_id) over (order by position) as highest from log) l where event_id < highest";
        sqlx::query_scalar(query)
            .fetch_one(&mut self.connect().await)
            .await
            .unwrap()
    }

    pub(super) async fn on_server(&self, sql: &str) {
        let mut connection = self.server.connect().await.unwrap();
        connection.execute(sql).await.unwrap();
        connection.close().await.unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = server.connect().await.unwrap();
                let sql = format!("drop database if exists {name} with (force)");
                connection.execute(&*sql).await.unwrap();
            });
        });
        dropping
            .join()
            .unwrap_or_else(|_| println!("{} is left over", self.name));
    }
}

enum Place {
    Sqlite(TempDir),
    Postgres(Box<Database>),
}

/// A log on either store, migrated and open.
pub(super) struct Fixture {
    pub(super) store: Store,
    pub(super) url: StoreUrl,
    place: Place,
}

impl Fixture {
    pub(super) async fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = StoreUrl::Sqlite(directory.path().join("log.db"));
        Self::migrated(Place::Sqlite(directory), url).await
    }

    pub(super) async fn postgres() -> Self {
        let database = Database::create().await;
        let url = database.url();
        Self::migrated(Place::Postgres(Box::new(database)), url).await
    }

    async fn migrated(place: Place, url: StoreUrl) -> Self {
        Store::migrate(&url).await.unwrap();
        let store = open(&url).await;
        Self { store, url, place }
    }

    pub(super) fn log(&self) -> Arc<dyn EventLog> {
        self.store.log()
    }

    pub(super) fn database(&self) -> &Database {
        match &self.place {
            Place::Postgres(database) => database,
            Place::Sqlite(_) => panic!("this is no PostgreSQL"),
        }
    }

    /// Runs SQL beside the store.
    pub(super) async fn sql(&self, sql: &str) -> Result<(), sqlx::Error> {
        match &self.place {
            Place::Sqlite(directory) => {
                let options = SqliteConnectOptions::new().filename(directory.path().join("log.db"));
                options.connect().await?.execute(sql).await.map(drop)
            }
            Place::Postgres(database) => database.connect().await.execute(sql).await.map(drop),
        }
    }
}

pub(super) async fn open(url: &StoreUrl) -> Store {
    let options = StoreOptions {
        connections: 8,
        ..StoreOptions::default()
    };
    Store::open(url, options).await.unwrap()
}

pub(super) fn metadata(number: u128) -> CommandMetadata {
    CommandMetadata {
        command_id: Uuid::from_u128(number),
        actor: "system".to_owned(),
        request_id: None,
        causation: None,
        at: Timestamp::from_micros(1_000),
    }
}

pub(super) async fn add(
    store: &Store,
    id: &str,
    numbers: &[u32],
) -> Result<Committed<Tally, TallyEvent>, Failure<TooLarge>> {
    store
        .execute::<Tally>(id, TallyCommand::Add(numbers.to_vec()), &metadata(1))
        .await
}

/// Follows the log until it has read `count` events after `position`.
pub(super) async fn follow(log: &dyn EventLog, mut position: Position, count: usize) -> Vec<Recorded> {
    let deadline = Instant::now() + PATIENCE;
    let mut wake = log.wake();
    let mut events = Vec::new();
    while events.len() < count {
        wake.borrow_and_update();
        let batch = log.read(position, 500).await.unwrap();
        if let Some(last) = batch.last() {
            position = last.position;
            events.extend(batch);
            continue;
        }
        assert!(Instant::now() < deadline, "{} of {count} events came", events.len());
        let _ = timeout(Duration::from_millis(20), wake.changed()).await;
    }
    events
}

/// The streams and sequences, in the order of the log.
pub(super) fn order(events: &[Recorded]) -> Vec<(&str, u64)> {
    events.iter().map(|event| (&*event.stream_id, event.sequence)).collect()
}
