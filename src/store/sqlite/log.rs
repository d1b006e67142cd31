//! Reading the log: the position is the primary key.

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use tokio::sync::watch;
use uuid::Uuid;

use super::Connections;
use crate::store::row::{Row, number, recorded, stored};

pub(in crate::store) struct SqliteLog {
    id: Uuid,
    readers: Connections,
    wake: watch::Sender<u64>,
}

impl SqliteLog {
    pub(in crate::store) async fn open(readers: Connections, wake: watch::Sender<u64>) -> sqlx::Result<Self> {
        let (id,): (String,) = readers.row(sqlx::query_as("select id from log_identity")).await?;
        let id = Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self { id, readers, wake })
    }
}

#[async_trait]
impl EventLog for SqliteLog {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(self.id)
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        let query =
            "select position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            recorded_at from events where position > $1 order by position limit $2";
        let query = sqlx::query_as::<_, Row>(query)
            .bind(stored(after.number()))
            .bind(stored(limit));
        recorded(self.readers.rows(query).await?)
    }

    async fn head(&self) -> Result<Position, Fault> {
        let query = sqlx::query_as("select coalesce(max(position), 0) from events");
        let (head,) = self.readers.row(query).await?;
        Ok(Position::new(number(head)?))
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault> {
        let query = "select position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            recorded_at from events where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 order by sequence";
        let query = sqlx::query_as::<_, Row>(query)
            .bind(aggregate)
            .bind(stream_id)
            .bind(stored(after));
        recorded(self.readers.rows(query).await?)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}
