//! The log as cqrs-es reads and appends to it.

use std::sync::Arc;

use cqrs_es::{
    Aggregate,
    persist::{PersistedEventRepository, PersistenceError, ReplayStream, SerializedEvent, SerializedSnapshot},
};
use doorbook_projections::log::{EventLog, Recorded};
use postgres_es::PostgresEventRepository;
use serde_json::Value;

use super::sqlite;

/// Appends through postgres-es, or together with others on `SQLite`. Reads through [`EventLog`], since postgres-es panics
/// on a payload that is no JSON.
#[derive(Clone)]
pub(super) struct Repository {
    pub(super) log: Arc<dyn EventLog>,
    pub(super) appender: Arc<Appender>,
    /// Called after each append.
    pub(super) notify: Arc<dyn Fn() + Send + Sync>,
}

pub(super) enum Appender {
    Sqlite(sqlite::Appender),
    Postgres(PostgresEventRepository),
}

impl PersistedEventRepository for Repository {
    async fn get_events<A: Aggregate>(&self, aggregate_id: &str) -> Result<Vec<SerializedEvent>, PersistenceError> {
        self.get_last_events::<A>(aggregate_id, 0).await
    }

    async fn get_last_events<A: Aggregate>(
        &self,
        aggregate_id: &str,
        last_sequence: usize,
    ) -> Result<Vec<SerializedEvent>, PersistenceError> {
        let after = u64::try_from(last_sequence).unwrap_or(u64::MAX);
        let events = self.log.stream(A::TYPE, aggregate_id, after).await;
        let events = events.map_err(|fault| PersistenceError::UnknownError(Box::new(fault)))?;
        events.into_iter().map(serialized).collect()
    }

    async fn get_snapshot<A: Aggregate>(&self, _: &str) -> Result<Option<SerializedSnapshot>, PersistenceError> {
        Ok(None)
    }

    async fn persist<A: Aggregate>(
        &self,
        events: &[SerializedEvent],
        snapshot_update: Option<(String, Value, usize)>,
    ) -> Result<(), PersistenceError> {
        if snapshot_update.is_some() {
            return Err(unsupported());
        }
        let persisted = match &*self.appender {
            Appender::Sqlite(appender) => appender.append(events.to_vec()).await,
            Appender::Postgres(repository) => repository.persist::<A>(events, None).await,
        };
        persisted?;
        (self.notify)();
        Ok(())
    }

    async fn stream_events<A: Aggregate>(&self, _: &str) -> Result<ReplayStream, PersistenceError> {
        Err(unsupported())
    }

    async fn stream_all_events<A: Aggregate>(&self) -> Result<ReplayStream, PersistenceError> {
        Err(unsupported())
    }
}

fn serialized(recorded: Recorded) -> Result<SerializedEvent, PersistenceError> {
    let sequence = usize::try_from(recorded.sequence);
    Ok(SerializedEvent {
        aggregate_id: recorded.stream_id.into_string(),
        sequence: sequence.map_err(|error| PersistenceError::UnknownError(Box::new(error)))?,
        aggregate_type: recorded.aggregate.into_string(),
        event_type: recorded.event_type.into_string(),
        event_version: recorded.version.into_string(),
        payload: serde_json::from_str(&recorded.payload)?,
        metadata: serde_json::from_str(&recorded.metadata)?,
    })
}

fn unsupported() -> PersistenceError {
    PersistenceError::UnknownError("Doorbook keeps no snapshots and replays through its log reader".into())
}
