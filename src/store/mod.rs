//! The event stores behind `store.url`, and the log that readers follow.
//!
//! One rule: what [`Store::execute`] has returned is durable, and every reader of [`Store::log`] will meet it once, at one
//! position, each stream in its order.
//!
//! * `url` and `error` are what configuration sees, `schema` keeps program and tables in step.
//! * `command` and `execute` go from a command to committed events, `repository` lends them to cqrs-es.
//! * `sqlite` and `postgres` hold what differs: durability, appends, positions. PostgreSQL needs a sequencer for these.

use std::{sync::Arc, time::Duration};

use cqrs_es::Aggregate;
use doorbook_domain::decide::Decide;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position},
};
use postgres_es::PostgresEventRepository;
use tokio::sync::watch;

pub use command::{Appended, CommandMetadata, Committed, Loaded, NewEvent};
pub use error::{Failure, OpenError};
pub use schema::Migrated;
pub use url::{InvalidStoreUrl, StoreUrl};

mod command;
mod error;
mod execute;
mod postgres;
mod recent;
mod repository;
mod row;
mod schema;
mod sqlite;
#[cfg(test)]
mod tests;
mod url;

use postgres::{Postgres, PostgresLog, Sequencer, Signals};
use recent::Recent;
use repository::{Appender, Repository};
use sqlite::{Sqlite, SqliteLog};

/// How long somebody waits for the position of a committed event, and how often he looks.
const POSITION_PATIENCE: Duration = Duration::from_secs(10);
const POSITION_POLL: Duration = Duration::from_millis(50);

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Connections to the database; on SQLite those that read, beside the one that writes.
    pub connections: u32,
    /// How often PostgreSQL is asked for events of other processes.
    pub poll: Duration,
}

impl Default for StoreOptions {
    /// 16 connections, polling ten times a second.
    fn default() -> Self {
        Self {
            connections: 16,
            poll: Duration::from_millis(100),
        }
    }
}

/// An open event store. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    repository: Repository,
    backend: Backend,
    /// The last event that this process appended.
    latest: parking_lot::Mutex<Option<Place>>,
}

/// Where an event stands in its stream: kind and id of the stream, and sequence.
type Place = (Box<str>, Box<str>, u64);

enum Backend {
    Sqlite(Sqlite),
    Postgres {
        postgres: Box<Postgres>,
        sequencer: parking_lot::Mutex<Option<Sequencer>>,
    },
}

impl Store {
    /// Opens the log. On PostgreSQL a background task begins to number the events, or to wait for its turn.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the database cannot be reached, could lose what it acknowledged, or has not exactly the schema
    /// of this program.
    pub async fn open(url: &StoreUrl, options: StoreOptions) -> Result<Self, OpenError> {
        let (wake, _) = watch::channel(0);
        match url {
            StoreUrl::Sqlite(path) => Self::open_sqlite(Sqlite::open(path, &options).await?, wake).await,
            StoreUrl::Postgres(url) => {
                let postgres = Box::new(Postgres::open(url, &options).await?);
                Self::open_postgres(postgres, &options, wake).await
            }
        }
    }

    /// Creates the log's tables or brings them up to date, and an SQLite file when there is none.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the database cannot be reached, has a newer schema, or refuses.
    pub async fn migrate(url: &StoreUrl) -> Result<Migrated, OpenError> {
        match url {
            StoreUrl::Sqlite(path) => Sqlite::migrate(path).await,
            StoreUrl::Postgres(url) => Postgres::migrate(url).await,
        }
    }

    /// The log, for everybody who reads.
    #[must_use]
    pub fn log(&self) -> Arc<dyn EventLog> {
        Arc::clone(&self.shared.repository.log)
    }

    /// A stream, folded. An empty stream gives the default of the aggregate.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails or an event of the stream cannot be read.
    pub async fn load<A>(&self, id: &str) -> Result<Loaded<A>, Fault>
    where
        A: Aggregate,
        A::Error: Send + Sync + 'static,
    {
        execute::load(&self.shared.repository, id).await
    }

    /// Loads the stream, decides, and appends the events in one transaction; anew when another writer was faster. Dropping
    /// the future leaves either all events of the command or none, but nobody learns which.
    ///
    /// # Errors
    ///
    /// [`Failure::Refused`] by the aggregate's rule, [`Failure::Conflict`] when others were faster each time,
    /// [`Failure::Broken`] when the database fails or the stream cannot be read.
    pub async fn execute<A>(
        &self,
        id: &str,
        command: A::Command,
        metadata: &CommandMetadata,
    ) -> Result<Committed<A, A::Event>, Failure<A::Error>>
    where
        A: Decide,
        A::Command: Clone,
        A::Error: Send + Sync + 'static,
    {
        let committed = self.execute_aside::<A>(id, command, metadata).await?;
        self.remember(id, &committed);
        Ok(committed)
    }

    /// As [`Store::execute`], of a stream whose id was made for this command: nothing is loaded.
    ///
    /// # Errors
    ///
    /// As [`Store::execute`]; [`Failure::Conflict`] when there is such a stream.
    pub async fn begin<A>(
        &self,
        id: &str,
        command: A::Command,
        metadata: &CommandMetadata,
    ) -> Result<Committed<A, A::Event>, Failure<A::Error>>
    where
        A: Decide,
        A::Error: Send + Sync + 'static,
    {
        let committed = execute::begin::<A>(&self.shared.repository, id, command, metadata).await?;
        self.remember(id, &committed);
        Ok(committed)
    }

    /// What was appended last: see [`Store::written`].
    fn remember<A: Aggregate>(&self, id: &str, committed: &Committed<A, A::Event>) {
        if !committed.events.is_empty() {
            *self.shared.latest.lock() = Some((A::TYPE.into(), id.into(), committed.sequence));
        }
    }

    /// As [`Store::execute`], for what no list has to show at once: [`Store::written`] does not wait for it.
    ///
    /// # Errors
    ///
    /// As [`Store::execute`].
    pub async fn execute_aside<A>(
        &self,
        id: &str,
        command: A::Command,
        metadata: &CommandMetadata,
    ) -> Result<Committed<A, A::Event>, Failure<A::Error>>
    where
        A: Decide,
        A::Command: Clone,
        A::Error: Send + Sync + 'static,
    {
        execute::execute::<A>(&self.shared.repository, id, command, metadata).await
    }

    /// A position behind everything that this process has appended so far: who reads up to it reads its own writes.
    ///
    /// # Errors
    ///
    /// [`Fault`] as of [`Store::position_of`], and when the log cannot be read.
    pub async fn written(&self) -> Result<Position, Fault> {
        let head = self.log().head().await?;
        let latest = self.shared.latest.lock().clone();
        match latest {
            // What is numbered is numbered in the order in which it became visible, so earlier events stand before.
            Some((aggregate, id, sequence)) => Ok(self.position_of(&aggregate, &id, sequence).await?.max(head)),
            None => Ok(head),
        }
    }

    /// Whether nothing has happened yet.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn is_empty(&self) -> Result<bool, Fault> {
        match &self.shared.backend {
            Backend::Sqlite(sqlite) => sqlite.is_empty().await,
            Backend::Postgres { postgres, .. } => postgres.is_empty().await,
        }
    }

    /// Events that count in their streams and that no reader of the log will ever meet, at most 100: `<stream>#<sequence>`.
    /// There are none, unless somebody wrote into the tables past this program.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn outside(&self) -> Result<Vec<String>, Fault> {
        match &self.shared.backend {
            Backend::Sqlite(sqlite) => sqlite.outside().await,
            Backend::Postgres { postgres, .. } => postgres.outside().await,
        }
    }

    /// Appends streams, or a made-up history, in one transaction. Decides nothing: the caller answers for the streams.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails or a sequence is taken; nothing is appended then.
    pub async fn import(&self, events: &[NewEvent]) -> Result<(), Fault> {
        match &self.shared.backend {
            Backend::Sqlite(sqlite) => sqlite.import(events).await?,
            Backend::Postgres { postgres, .. } => postgres.import(events).await?,
        }
        if let Some(last) = events.last() {
            let (aggregate, id) = (last.aggregate.clone(), last.stream_id.clone());
            *self.shared.latest.lock() = Some((aggregate, id, last.sequence));
        }
        (self.shared.repository.notify)();
        Ok(())
    }

    /// The position of a committed event. On PostgreSQL this waits until it has one, some milliseconds as a rule.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails, there is no such event, or it has no position after ten seconds.
    pub async fn position_of(&self, aggregate: &str, id: &str, sequence: u64) -> Result<Position, Fault> {
        let wait = self.wait_for_position(aggregate, id, sequence);
        let late = |_| Fault::plain("an event got no position: no process numbers the events");
        tokio::time::timeout(POSITION_PATIENCE, wait).await.map_err(late)?
    }

    async fn wait_for_position(&self, aggregate: &str, id: &str, sequence: u64) -> Result<Position, Fault> {
        let log = &self.shared.repository.log;
        let mut wake = log.wake();
        loop {
            wake.borrow_and_update();
            let events = log.stream(aggregate, id, sequence.saturating_sub(1)).await?;
            let event = events.first().filter(|event| event.sequence == sequence);
            let position = event.ok_or(Fault::plain("there is no such event"))?.position;
            if position > Position::START {
                return Ok(position);
            }
            // A closed or silent signal is no matter: the loop looks again.
            let _ = tokio::time::timeout(POSITION_POLL, wake.changed()).await;
        }
    }

    /// Ends the background work and closes the connections, for all clones.
    pub async fn close(self) {
        match &self.shared.backend {
            Backend::Sqlite(sqlite) => sqlite.close().await,
            Backend::Postgres { postgres, sequencer } => {
                let running = sequencer.lock().take();
                if let Some(sequencer) = running {
                    sequencer.stop().await;
                }
                postgres.close().await;
            }
        }
    }

    async fn open_sqlite(sqlite: Sqlite, wake: watch::Sender<u64>) -> Result<Self, OpenError> {
        let log = Recent::over(SqliteLog::open(sqlite.readers.clone(), wake.clone()).await?);
        let appender = Appender::Sqlite(sqlite::Appender::start(sqlite.writer.clone()));
        let notify = Arc::new(move || wake.send_modify(|count| *count = count.wrapping_add(1)));
        Ok(Self::assemble(Arc::new(log), appender, notify, Backend::Sqlite(sqlite)))
    }

    async fn open_postgres(
        postgres: Box<Postgres>,
        options: &StoreOptions,
        wake: watch::Sender<u64>,
    ) -> Result<Self, OpenError> {
        let log = Recent::over(PostgresLog::open(postgres.pool.clone(), wake.clone()).await?);
        let appender = Appender::Postgres(PostgresEventRepository::new(postgres.pool.clone()));
        let signals = Arc::new(Signals::new(wake));
        let sequencer = Sequencer::start(postgres.options.clone(), Arc::clone(&signals), options.poll);
        let notify = Arc::new(move || signals.appended.notify_one());
        let sequencer = parking_lot::Mutex::new(Some(sequencer));
        Ok(Self::assemble(
            Arc::new(log),
            appender,
            notify,
            Backend::Postgres { postgres, sequencer },
        ))
    }

    fn assemble(
        log: Arc<dyn EventLog>,
        appender: Appender,
        notify: Arc<dyn Fn() + Send + Sync>,
        backend: Backend,
    ) -> Self {
        let repository = Repository {
            log,
            appender: Arc::new(appender),
            notify,
        };
        Self {
            shared: Arc::new(Shared {
                repository,
                backend,
                latest: parking_lot::Mutex::new(None),
            }),
        }
    }
}
