//! What a receiver is told of an event.
//!
//! What is not listed here is not sent: a field of an event that is yet to come, too. So no secret leaves, nothing that is
//! sealed, and nothing that follows from an address of mail or of a network.

use doorbook_domain::{event::INSTANTS, time::Timestamp};
use doorbook_projections::log::Recorded;
use serde::Serialize;
use serde_json::{Map, Value};

/// Fields of events that are sent: ids, instants, reasons, counts and switches.
pub(super) const SENT: [&str; 26] = [
    "absolute_until",
    "address_only",
    "at",
    "by",
    "cause",
    "complete",
    "count",
    "differing",
    "email_verified",
    "from",
    "generation",
    "idle_until",
    "link",
    "method",
    "new_device",
    "operation",
    "provider",
    "purpose",
    "reason",
    "remember",
    "role",
    "rows",
    "run",
    "until",
    "user_id",
    "verify",
];

/// Streams that are named by what they claim: an HMAC of an address, which outlives its owner.
const CLAIMS: [&str; 2] = ["claim", "attempts"];

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: Map<String, Value>,
}

/// The body: a JSON object with `type`, `timestamp` and `data`.
///
/// `owner` is the user that the stream belongs to, where the event itself does not say so.
pub(super) fn of(recorded: &Recorded, owner: Option<&str>) -> serde_json::Result<String> {
    let mut data = Map::new();
    let text = |text: String| Value::String(text);
    data.insert("position".to_owned(), text(recorded.position.to_string()));
    if !CLAIMS.contains(&&*recorded.aggregate) {
        let stream = format!("{}-{}", recorded.aggregate, recorded.stream_id);
        data.insert("stream".to_owned(), text(stream));
        data.insert("sequence".to_owned(), recorded.sequence.into());
    }
    if let Some(owner) = owner {
        data.insert("user_id".to_owned(), text(owner.to_owned()));
    }
    for (name, value) in fields(&recorded.payload)? {
        if SENT.contains(&name.as_str()) {
            let value = shown(&name, value);
            data.insert(name, value);
        }
    }
    serde_json::to_string(&Body {
        kind: &recorded.event_type,
        timestamp: recorded.recorded_at.to_string(),
        data,
    })
}

/// The body of a test.
pub(super) fn test(now: Timestamp) -> String {
    serde_json::json!({"type": "webhook.test", "timestamp": now.to_string(), "data": {}}).to_string()
}

/// What stands in a payload, which is an object with one field: the event.
pub(super) fn fields(payload: &str) -> serde_json::Result<Map<String, Value>> {
    let payload: Map<String, Value> = serde_json::from_str(payload)?;
    let fields = payload.into_iter().next().map(|(_, fields)| fields);
    fields.map_or_else(|| Ok(Map::new()), serde_json::from_value)
}

fn shown(name: &str, value: Value) -> Value {
    match value.as_i64() {
        Some(micros) if INSTANTS.contains(&name) => Value::String(Timestamp::from_micros(micros).to_string()),
        Some(_) | None => value,
    }
}
