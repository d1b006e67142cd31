//! Many events at once.

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use sqlx::{Connection, PgConnection, PgPool};

use crate::store::NewEvent;

const COPY: &str = "copy events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
    recorded_at) from stdin";
/// Bytes that are sent at once.
const CHUNK: usize = 1 << 20;

/// Appends in one transaction.
pub(super) async fn import(pool: &PgPool, events: &[NewEvent]) -> Result<(), Fault> {
    let mut connection = pool.acquire().await?;
    let mut transaction = connection.begin().await?;
    copy(&mut transaction, events).await?;
    transaction.commit().await?;
    Ok(())
}

async fn copy(connection: &mut PgConnection, events: &[NewEvent]) -> Result<(), Fault> {
    let mut copy = connection.copy_in_raw(COPY).await?;
    let mut text = String::with_capacity(CHUNK + CHUNK / 4);
    for event in events {
        push_row(&mut text, event);
        if text.len() >= CHUNK {
            copy.send(text.as_bytes()).await?;
            text.clear();
        }
    }
    copy.send(text.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// One line of COPY's text format.
fn push_row(text: &mut String, event: &NewEvent) {
    let (sequence, at) = (event.sequence.to_string(), instant(event.recorded_at));
    let (stream, form) = (
        [&*event.aggregate, &event.stream_id, &sequence],
        [&*event.event_type, &event.version],
    );
    let fields = stream
        .into_iter()
        .chain(form)
        .chain([&*event.payload, &event.metadata, &at]);
    for (index, field) in fields.enumerate() {
        if index > 0 {
            text.push('\t');
        }
        push_escaped(text, field);
    }
    text.push('\n');
}

fn push_escaped(text: &mut String, field: &str) {
    for character in field.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            other => text.push(other),
        }
    }
}

/// RFC 3339 with microseconds, in UTC.
fn instant(at: Timestamp) -> String {
    at.to_string()
}
