//! Events as `CloudEvents` 1.0 in JSON.

use doorbook_domain::event::SECRETS;
use doorbook_projections::log::Recorded;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

/// An event in the JSON format of `CloudEvents` 1.0.
#[derive(Debug, Serialize)]
pub struct CloudEvent {
    specversion: &'static str,
    id: Uuid,
    source: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    /// Its place in the log, padded: `CloudEvents` compare sequences as texts (the extension `sequence`).
    sequence: String,
    streamsequence: String,
    dataversion: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlationid: Option<String>,
    data: Value,
}

/// A payload for people and machines that need no hashes of secrets.
#[must_use]
pub fn hidden(mut payload: Value) -> Value {
    hide(&mut payload);
    payload
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if SECRETS.contains(&name.as_str()) {
                    *value = Value::String("[hidden]".to_owned());
                } else {
                    hide(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What types begin with: a reverse domain name would have to be somebody's.
const TYPE: &str = "doorbook.";

impl CloudEvent {
    /// The event, with `data` in the place of its payload.
    #[must_use]
    pub fn new(event: &Recorded, log: Uuid, data: Value) -> Self {
        let metadata: Value = serde_json::from_str(&event.metadata).unwrap_or_default();
        Self {
            specversion: "1.0",
            id: event.event_id(),
            source: format!("urn:doorbook:log:{log}"),
            kind: format!("{TYPE}{}", event.event_type),
            subject: format!("{}-{}", event.aggregate, event.stream_id),
            time: event.recorded_at.to_string(),
            datacontenttype: "application/json",
            sequence: format!("{:020}", event.position.number()),
            streamsequence: event.sequence.to_string(),
            dataversion: event.version.to_string(),
            correlationid: metadata.get("request_id").and_then(Value::as_str).map(str::to_owned),
            data,
        }
    }
}
