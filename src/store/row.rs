//! A row of `events`, as both databases give it.

use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    fault::Fault,
    log::{Position, Recorded},
};

/// position, kind, stream, sequence, type, version, payload, metadata, microseconds.
pub(super) type Row = (i64, String, String, i64, String, String, String, String, i64);

/// The rows as events.
pub(super) fn recorded(rows: Vec<Row>) -> Result<Vec<Recorded>, Fault> {
    rows.into_iter().map(one).collect()
}

fn one(row: Row) -> Result<Recorded, Fault> {
    let (position, aggregate, stream_id, sequence, event_type, version, payload, metadata, at) = row;
    Ok(Recorded {
        position: Position::new(number(position)?),
        aggregate: aggregate.into_boxed_str(),
        stream_id: stream_id.into_boxed_str(),
        sequence: number(sequence)?,
        event_type: event_type.into_boxed_str(),
        version: version.into_boxed_str(),
        payload: payload.into_boxed_str(),
        metadata: metadata.into_boxed_str(),
        recorded_at: Timestamp::from_micros(at),
    })
}

/// A number that the database holds as signed and that is never negative.
pub(super) fn number(stored: i64) -> Result<u64, Fault> {
    u64::try_from(stored).map_err(Fault::because("the log holds a negative number"))
}

/// A number for the database; beyond its range there is nothing to find.
pub(super) fn stored(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
