//! Reading the log: positions are in `log`, events in `events`.

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use crate::store::row::{Row, number, recorded, stored};

pub(in crate::store) struct PostgresLog {
    id: Uuid,
    pool: PgPool,
    wake: watch::Sender<u64>,
}

impl PostgresLog {
    pub(in crate::store) async fn open(pool: PgPool, wake: watch::Sender<u64>) -> sqlx::Result<Self> {
        let id: String = sqlx::query_scalar("select id::text from log_identity")
            .fetch_one(&pool)
            .await?;
        let id = Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Self { id, pool, wake })
    }
}

/// Ids of events that follow each other in the log lie close together, so they are read in one walk along their index. That
/// each statement is planned for its values (`plan_cache_mode`) keeps the planner at it.
const READ: &str = "
    with l as materialized (select position, event_id from log where position > $1 order by position limit $2)
    select position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text,
           (date_part('epoch', recorded_at) * 1000000)::bigint
    from l join events on id = event_id
    where id between (select min(event_id) from l) and (select max(event_id) from l) order by position";

const STREAM: &str = "
    select coalesce((select position from log where event_id = e.id), 0), aggregate_type, aggregate_id, sequence,
           event_type, event_version, payload::text, metadata::text, (date_part('epoch', recorded_at) * 1000000)::bigint
    from events e where aggregate_type = $1 and aggregate_id = $2 and sequence > $3 order by sequence";

#[async_trait]
impl EventLog for PostgresLog {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(self.id)
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        let query = sqlx::query_as::<_, Row>(READ)
            .bind(stored(after.number()))
            .bind(stored(limit));
        recorded(query.fetch_all(&self.pool).await?)
    }

    async fn head(&self) -> Result<Position, Fault> {
        let query = sqlx::query_scalar("select coalesce(max(position), 0) from log");
        Ok(Position::new(number(query.fetch_one(&self.pool).await?)?))
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault> {
        let query = sqlx::query_as::<_, Row>(STREAM)
            .bind(aggregate)
            .bind(stream_id)
            .bind(stored(after));
        recorded(query.fetch_all(&self.pool).await?)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}
