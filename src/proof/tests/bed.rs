//! A log with its tree on a real database, and somebody who writes into both past the program.

use std::{fs, sync::Arc};

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::Position;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    config::{Config, Database, Sources},
    open::{self, Durable},
    proof::{
        audit::{Finding, Kind, Live, Report, audit},
        leaf,
        notary::Notary,
        shelf::FoundNote,
    },
    sql::own::OwnDatabase,
    store::{NewEvent, Store},
};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum On {
    Sqlite,
    Postgres,
}

pub(super) struct Bed {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) notary: Arc<Notary>,
    pub(super) postgres: Option<OwnDatabase>,
    _directory: TempDir,
    appended: u64,
}

pub(super) fn config(directory: &TempDir, settings: &[(&str, String)]) -> Config {
    let data = (
        "--set",
        "data.dir".to_owned(),
        directory.path().join("data").display().to_string(),
    );
    let settings = settings
        .iter()
        .map(|(key, value)| ("--set", (*key).to_owned(), value.clone()));
    let sources = Sources {
        file: None,
        environment: Vec::new(),
        flags: settings.chain([data]).collect(),
    };
    Config::load(&sources).unwrap()
}

impl Bed {
    pub(super) async fn new(on: On) -> Self {
        Self::with(on, &[]).await
    }

    pub(super) async fn with(on: On, settings: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let postgres = match on {
            On::Sqlite => None,
            On::Postgres => Some(OwnDatabase::create().await),
        };
        let url = postgres
            .iter()
            .map(|database| ("store.url", database.url().to_string()));
        let settings: Vec<_> = settings.iter().cloned().chain(url).collect();
        let config = config(&directory, &settings);
        let Durable { store, keyring } = Durable::open(&config).await.unwrap();
        let notary = open::notary(&config, &store, &keyring).await.unwrap();
        keyring.close().await;
        Self {
            config,
            store,
            notary,
            postgres,
            _directory: directory,
            appended: 0,
        }
    }

    /// Appends that many events and waits until all have their position.
    pub(super) async fn append(&mut self, count: u64) {
        let events: Vec<NewEvent> = (self.appended + 1..=self.appended + count).map(event).collect();
        self.store.import(&events).await.unwrap();
        self.appended += count;
        self.store.written().await.unwrap();
    }

    /// Appends, and signs what is there then.
    pub(super) async fn append_and_sign(&mut self, count: u64) {
        self.append(count).await;
        self.notary.catch_up(&|_, _| {}).await.unwrap();
    }

    /// 60 events and a checkpoint of each 20; copies of these, as somebody else keeps them.
    pub(super) async fn signed(on: On) -> (Self, Vec<FoundNote>) {
        let mut bed = Self::new(on).await;
        for _ in 0..3 {
            bed.append_and_sign(20).await;
        }
        let kept = bed.notary.shelf().all().await.unwrap();
        assert_eq!(kept.len(), 3);
        (bed, kept)
    }

    /// Writes into the log past everything that guards it: one statement on SQLite, another on PostgreSQL.
    pub(super) async fn tamper(&self, sqlite: &[&str], postgres: &[&str]) {
        let Some(database) = &self.postgres else {
            let Database::Sqlite(file) = &self.config.store else {
                panic!("this is no SQLite")
            };
            let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
            for guard in ["events_are_not_updated", "events_are_not_deleted"] {
                connection
                    .execute(format!("drop trigger if exists {guard}").as_str())
                    .await
                    .unwrap();
            }
            for statement in sqlite {
                connection.execute(*statement).await.unwrap();
            }
            return connection.close().await.unwrap();
        };
        let guards = [
            "alter table events disable trigger user",
            "alter table log disable trigger user",
        ];
        for statement in guards.iter().chain(postgres) {
            database.execute(statement).await;
        }
    }

    /// Writes into the tree.
    pub(super) async fn tamper_with_tree(&self, statement: &str) {
        if let Some(database) = &self.postgres {
            let statement = format!("set search_path = doorbook_proof; {statement}");
            return database.execute(&statement).await;
        }
        let Database::Sqlite(file) = self.config.proof_database() else {
            panic!("this is no SQLite")
        };
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    }

    /// Removes the key that signs, as the database of keys has it, and opens the notary anew.
    pub(super) async fn with_another_key(&self) -> Arc<Notary> {
        let Database::Sqlite(file) = &self.config.keys.url else {
            panic!("this is no SQLite")
        };
        let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
        let removed = connection
            .execute("delete from keys where name like '%checkpoints%'")
            .await
            .unwrap();
        assert_eq!(removed.rows_affected(), 1);
        connection.close().await.unwrap();
        let Durable { store, keyring } = Durable::open(&self.config).await.unwrap();
        let notary = open::notary(&self.config, &store, &keyring).await.unwrap();
        keyring.close().await;
        notary
    }

    /// As [`Self::leaves_as_events`], and removes every checkpoint of the store, as somebody would who may write
    /// everything but what is kept elsewhere.
    pub(super) async fn cover_up(&self) {
        self.leaves_as_events().await;
        self.tamper_with_tree("delete from checkpoints").await;
        fs::remove_dir_all(self.notary.shelf().directory()).unwrap();
    }

    /// Makes the stored tree fit the log again.
    pub(super) async fn leaves_as_events(&self) {
        let log = self.store.log();
        let (id, tree) = (log.id().await.unwrap(), self.notary.tree());
        let origin = tree.state().await.unwrap().unwrap().origin;
        tree.begin_anew(id, &origin).await.unwrap();
        let events = log.read(Position::START, 10_000).await.unwrap();
        let leaves: Vec<_> = events.iter().map(leaf::of).collect();
        tree.append(0, &leaves).await.unwrap().unwrap();
    }

    /// Compares the store with what is given, and with what it holds itself.
    pub(super) async fn audit(&self, kept: &[FoundNote]) -> Report {
        let mut notes = kept.to_vec();
        notes.extend(self.notary.shelf().all().await.unwrap());
        let log = self.store.log();
        let live = Live {
            log: &*log,
            tree: self.notary.tree(),
            notes,
            key: &self.notary.key(),
            outside: self.store.outside().await.unwrap(),
        };
        audit(live, &|_, _| {}).await.unwrap()
    }

    /// The first finding. Nothing but the end of the log may be wrong besides.
    pub(super) async fn finding(&self, kept: &[FoundNote]) -> Finding {
        let report = self.audit(kept).await;
        assert!(!report.sound);
        let mut findings = report.findings.clone().into_iter();
        let first = findings.next().unwrap();
        assert!(findings.all(|other| other.kind == Kind::CutOff), "{report:?}");
        first
    }
}

/// Seven streams whose events take turns.
pub(super) fn event(number: u64) -> NewEvent {
    let (stream, sequence) = ((number - 1) % 7, (number - 1) / 7 + 1);
    NewEvent {
        aggregate: "tally".into(),
        stream_id: format!("s{stream}").into(),
        sequence,
        event_type: "tally.added".into(),
        version: "1".into(),
        payload: format!("{{\"number\": {number}}}").into(),
        metadata: format!("{{\"command_id\":\"{}\"}}", Uuid::from_u128(u128::from(number))).into(),
        recorded_at: Timestamp::from_micros(1_795_435_200_000_000 + i64::try_from(number).unwrap()),
    }
}
