//! Many events at once.

use sqlx::{Connection as _, QueryBuilder, SqliteConnection};

use crate::store::{NewEvent, row::stored};

/// Rows of one statement: eight values each, below SQLite's limit of 32,766.
const ROWS: usize = 500;

/// Appends in one transaction, which holds the one connection that writes.
pub(super) async fn import(writer: &mut SqliteConnection, events: &[NewEvent]) -> sqlx::Result<()> {
    let mut transaction = writer.begin_with("begin immediate").await?;
    for chunk in events.chunks(ROWS) {
        let mut insert = QueryBuilder::new(
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
            recorded_at) ",
        );
        insert.push_values(chunk, |mut row, event| {
            row.push_bind(&*event.aggregate)
                .push_bind(&*event.stream_id)
                .push_bind(stored(event.sequence))
                .push_bind(&*event.event_type)
                .push_bind(&*event.version)
                .push_bind(&*event.payload)
                .push_bind(&*event.metadata)
                .push_bind(event.recorded_at.micros());
        });
        insert.build().execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
