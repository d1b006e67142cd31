//! Appends that wait at the same time are committed together: the disk is synced once for all of them.
//!
//! `SQLite` has one writer. If each append were a transaction, every one would wait for the syncs of those before it, and
//! the disk, not the hashing of passwords, would bound the logins ([ADR 7](../../../docs/adr/0007-appends-are-committed-together.md)).

use std::sync::Arc;

use cqrs_es::persist::{PersistenceError, SerializedEvent};
use sqlx::{Connection as _, QueryBuilder, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::Connections;
use crate::store::row::stored;

/// Appends that are committed together at most.
const BATCH: usize = 256;

/// The one who writes. Ends when nobody holds it any more.
pub(in crate::store) struct Appender {
    queue: mpsc::Sender<Append>,
}

/// The events of one command: all of them are appended, or none.
struct Append {
    events: Vec<SerializedEvent>,
    done: oneshot::Sender<Result<(), PersistenceError>>,
}

impl Appender {
    pub(in crate::store) fn start(writer: Connections) -> Self {
        let (queue, waiting) = mpsc::channel(BATCH);
        tokio::spawn(write(writer, waiting));
        Self { queue }
    }

    /// Appends the events of one command; returns when they are on the disk.
    pub(in crate::store) async fn append(&self, events: Vec<SerializedEvent>) -> Result<(), PersistenceError> {
        let (done, outcome) = oneshot::channel();
        let gone = || PersistenceError::UnknownError("nobody writes the log any more".into());
        self.queue.send(Append { events, done }).await.map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

async fn write(writer: Connections, mut waiting: mpsc::Receiver<Append>) {
    let mut batch = Vec::with_capacity(BATCH);
    while waiting.recv_many(&mut batch, BATCH).await > 0 {
        let outcomes = writer
            .with(async |writer| commit(writer, &batch).await)
            .await
            .map_err(Arc::new);
        for (number, Append { done, .. }) in batch.drain(..).enumerate() {
            let outcome = match &outcomes {
                Ok(taken) if taken.contains(&number) => Err(PersistenceError::OptimisticLockError),
                Ok(_) => Ok(()),
                Err(error) => Err(PersistenceError::ConnectionError(Box::new(Arc::clone(error)))),
            };
            // A caller that went away learns it from the log.
            let _ = done.send(outcome);
        }
    }
}

/// Commits the batch, but for those whose sequences were taken: their places in it are returned.
async fn commit(writer: &mut SqliteConnection, batch: &[Append]) -> sqlx::Result<Vec<usize>> {
    let events = batch.iter().flat_map(|append| &append.events);
    // One statement is a transaction of its own, and one way to the connection's thread instead of three.
    match insert(writer, events).await {
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => commit_each(writer, batch).await,
        outcome => outcome.map(|()| Vec::new()),
    }
}

/// As [`commit`], where sequences of some were taken.
async fn commit_each(writer: &mut SqliteConnection, batch: &[Append]) -> sqlx::Result<Vec<usize>> {
    let mut transaction = writer.begin_with("begin immediate").await?;
    let mut taken = Vec::new();
    for (number, append) in batch.iter().enumerate() {
        match insert(&mut transaction, &append.events).await {
            Ok(()) => {}
            // The statement has undone itself, and only itself.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => taken.push(number),
            Err(error) => return Err(error),
        }
    }
    transaction.commit().await?;
    Ok(taken)
}

async fn insert(writer: &mut SqliteConnection, events: impl IntoIterator<Item = &SerializedEvent>) -> sqlx::Result<()> {
    let mut insert = QueryBuilder::new(
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata) ",
    );
    insert.push_values(events, |mut row, event| {
        row.push_bind(&event.aggregate_type)
            .push_bind(&event.aggregate_id)
            .push_bind(stored(event.sequence))
            .push_bind(&event.event_type)
            .push_bind(&event.event_version)
            .push_bind(event.payload.to_string())
            .push_bind(event.metadata.to_string());
    });
    insert.build().execute(writer).await.map(drop)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::{StoreOptions, sqlite};

    fn append(stream: &str, sequences: &[usize]) -> Append {
        let event = |&sequence| SerializedEvent {
            aggregate_id: stream.to_owned(),
            sequence,
            aggregate_type: "session".to_owned(),
            event_type: "session.refreshed".to_owned(),
            event_version: "1.0".to_owned(),
            payload: json!({}),
            metadata: json!({}),
        };
        Append {
            events: sequences.iter().map(event).collect(),
            done: oneshot::channel().0,
        }
    }

    #[tokio::test]
    async fn of_a_batch_only_those_fail_whose_sequences_are_taken() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("log.db");
        sqlite::Sqlite::migrate(&file).await.unwrap();
        let store = sqlite::Sqlite::open(&file, &StoreOptions::default()).await.unwrap();
        let commit = async |batch: &[Append]| {
            store
                .writer
                .with(async |writer| commit(writer, batch).await)
                .await
                .unwrap()
        };

        let first = [append("a", &[1, 2]), append("b", &[1])];
        assert_eq!(commit(&first).await, [0; 0]);
        let second = [
            append("a", &[3]),
            append("b", &[2, 1]),
            append("c", &[1]),
            append("c", &[1]),
        ];
        assert_eq!(commit(&second).await, [1, 3]);

        let rows = sqlx::query_as("select aggregate_id, sequence from events order by position");
        let rows: Vec<(String, i64)> = store.readers.rows(rows).await.unwrap();
        let rows: Vec<_> = rows
            .iter()
            .map(|(stream, sequence)| (stream.as_str(), *sequence))
            .collect();
        assert_eq!(rows, [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("c", 1)]);
    }
}
