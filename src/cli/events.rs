//! `doorbook events …`, over any log.

use std::time::Duration;

use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::timeout;

use super::{exit::Failure, output::Output};
use crate::proof::export::hidden;

/// Events read at once.
const PAGE: usize = 500;
/// A lost signal costs a reader this long.
const POLL: Duration = Duration::from_millis(500);

#[derive(Serialize)]
struct Shown {
    position: String,
    id: String,
    recorded_at: String,
    stream: String,
    sequence: u64,
    #[serde(rename = "type")]
    event_type: String,
    version: String,
    payload: Value,
    metadata: Value,
}

impl Shown {
    fn new(event: &Recorded) -> Self {
        let payload = hidden(serde_json::from_str(&event.payload).unwrap_or(Value::Null));
        Self {
            position: event.position.to_string(),
            id: event.event_id().to_string(),
            recorded_at: event.recorded_at.to_string(),
            stream: format!("{}-{}", event.aggregate, event.stream_id),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            version: event.version.to_string(),
            payload,
            metadata: serde_json::from_str(&event.metadata).unwrap_or(Value::Null),
        }
    }
}

/// Prints the latest events, or those behind `after`; at most `lines`, and with `follow` whatever comes then.
///
/// # Errors
///
/// The log cannot be read, or the output cannot be written.
pub async fn tail(
    log: &dyn EventLog,
    after: Option<Position>,
    lines: u32,
    follow: bool,
    output: &Output,
) -> Result<(), Failure> {
    let mut wake = log.wake();
    let mut at = match after {
        Some(position) => position,
        None => Position::new(log.head().await?.number().saturating_sub(lines.into())),
    };
    let mut left = usize::try_from(lines).unwrap_or(usize::MAX);
    loop {
        let limit = if follow { PAGE } else { PAGE.min(left) };
        let events = if limit == 0 {
            Vec::new()
        } else {
            log.read(at, limit).await?
        };
        for event in &events {
            let shown = Shown::new(event);
            output.value(&shown, || line(&shown))?;
            at = event.position;
        }
        left = left.saturating_sub(events.len());
        if events.is_empty() {
            if !follow {
                return Ok(());
            }
            // Woken, or time to look anyway.
            let _ = timeout(POLL, wake.changed()).await;
        }
    }
}

fn line(event: &Shown) -> String {
    format!(
        "{:>10}  {}  {:<36} {} #{}",
        event.position, event.recorded_at, event.event_type, event.stream, event.sequence
    )
}

/// Prints one event in full.
///
/// # Errors
///
/// There is none at this position, the log cannot be read, or the output cannot be written.
pub async fn show(log: &dyn EventLog, position: Position, output: &Output) -> Result<(), Failure> {
    let before = Position::new(position.number().saturating_sub(1));
    let events = log.read(before, 1).await?;
    let Some(event) = events.first().filter(|event| event.position == position) else {
        return Err(Failure::Refused(format!("the log has no event at position {position}")));
    };
    let shown = Shown::new(event);
    let pretty = serde_json::to_string_pretty(&shown).map_err(Fault::because("the event cannot be written"))?;
    output.value(&shown, || pretty)?;
    Ok(())
}
