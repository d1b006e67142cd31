use std::net::IpAddr;

use doorbook_domain::{email::EmailAddress, time::Timestamp};
use serde_json::{Map, Value, json};

use crate::audit::LoginRecord;

/// The version of the schema that is written.
const VERSION: &str = "1.3.0";

/// A login as an event of OCSF: class Authentication (3002), activity Logon. Instants are milliseconds since 1970.
pub(super) fn event(row: &LoginRecord) -> Value {
    let success = row.outcome == "success";
    let (status_id, status) = if success { (1, "Success") } else { (2, "Failure") };
    let (protocol_id, protocol) = match (row.method.as_str(), row.provider.as_deref()) {
        ("social", Some(_)) => (6, "OAUTH 2.0"),
        _ => (99, "Password"),
    };
    let product = json!({"name": "Doorbook", "vendor_name": "Doorbook", "version": env!("CARGO_PKG_VERSION")});
    let mut event = json!({
        "activity_id": 1,
        "activity_name": "Logon",
        "auth_protocol": protocol,
        "auth_protocol_id": protocol_id,
        "category_name": "Identity & Access Management",
        "category_uid": 3,
        "class_name": "Authentication",
        "class_uid": 3002,
        "is_mfa": false,
        "is_remote": true,
        "logon_type": "Network",
        "logon_type_id": 3,
        "metadata": {"uid": row.id, "version": VERSION, "product": product},
        "service": {"name": "Doorbook"},
        "severity": "Informational",
        "severity_id": 1,
        "status": status,
        "status_id": status_id,
        "time": millis(row.at.0),
        "type_name": "Authentication: Logon",
        "type_uid": 300_201,
        "user": user(row),
    });
    if let Some(event) = event.as_object_mut() {
        circumstances(row, event);
        outcome(row, event);
    }
    event
}

fn millis(at: Timestamp) -> i64 {
    at.micros().div_euclid(1000)
}

/// A user must have a name or an id.
fn user(row: &LoginRecord) -> Value {
    let mut user = Map::new();
    let name = row.email.as_deref().or(row.user_id.is_none().then_some("unknown"));
    put(&mut user, "name", name.map(Value::from));
    let address = row.email.as_deref().filter(|email| EmailAddress::parse(email).is_ok());
    put(&mut user, "email_addr", address.map(Value::from));
    put(&mut user, "full_name", row.name.as_deref().map(Value::from));
    put(&mut user, "uid", row.user_id.map(|id| id.to_string().into()));
    Value::Object(user)
}

fn circumstances(row: &LoginRecord, event: &mut Map<String, Value>) {
    // What was erased is no address.
    let ip = row.ip.as_deref().filter(|ip| ip.parse::<IpAddr>().is_ok());
    let mut location = Map::new();
    put(&mut location, "city", row.city.as_deref().map(Value::from));
    put(&mut location, "country", row.country.as_deref().map(Value::from));
    let endpoint = ip.map(|ip| {
        if location.is_empty() {
            json!({"ip": ip})
        } else {
            json!({"ip": ip, "location": location})
        }
    });
    put(event, "src_endpoint", endpoint);
    let agent = row.user_agent.as_deref();
    put(event, "http_request", agent.map(|agent| json!({"user_agent": agent})));
    if let Some(id) = row.session_id {
        let session = json!({"uid": id, "created_time": millis(row.at.0), "is_remote": true});
        event.insert("session".to_owned(), session);
    }
}

fn outcome(row: &LoginRecord, event: &mut Map<String, Value>) {
    put(event, "status_detail", row.reason.as_deref().map(Value::from));
    put(event, "count", row.failures.map(Value::from));
    let (since, ended) = (row.since.as_ref(), row.ended_at.as_ref());
    let begin = since.map(|since| since.0).or(ended.map(|_| row.at.0));
    let end = since.map(|_| row.at.0).or(ended.map(|ended| ended.0));
    put(event, "start_time", begin.map(|at| millis(at).into()));
    put(event, "end_time", end.map(|at| millis(at).into()));
    let lasted = row.duration_seconds.map(|seconds| seconds.saturating_mul(1000));
    put(event, "duration", lasted.map(Value::from));
    // What the schema has no place for.
    let mut unmapped = Map::new();
    put(&mut unmapped, "provider", row.provider.as_deref().map(Value::from));
    put(&mut unmapped, "end_reason", row.end_reason.as_deref().map(Value::from));
    put(&mut unmapped, "ended_by", row.ended_by.map(|id| id.to_string().into()));
    put(
        event,
        "unmapped",
        (!unmapped.is_empty()).then_some(Value::Object(unmapped)),
    );
}

fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value);
    }
}
