use std::collections::HashSet;

use cqrs_es::DomainEvent;
use serde_json::{Value, json};

use super::*;
use crate::given::T0;

mod examples;

use examples::examples;

/// The event as a row of the log: kind of stream, type, version, payload.
fn row(event: &Event) -> (&'static str, String, String, Value) {
    fn columns<E: DomainEvent>(event: &E) -> (String, String, Value) {
        let payload = serde_json::to_value(event).unwrap();
        (event.event_type(), event.event_version(), payload)
    }
    let (event_type, version, payload) = match event {
        Event::SignUp(event) => columns(event),
        Event::User(event) => columns(event),
        Event::Claim(event) => columns(event),
        Event::Session(event) => columns(event),
        Event::LoginAttempts(event) => columns(event),
        Event::Reading(event) => columns(event),
        Event::Projection(event) => columns(event),
    };
    (event.aggregate(), event_type, version, payload)
}

fn reason(aggregate: &str, event_type: &str, version: &str, payload: &str) -> String {
    Event::read(aggregate, event_type, version, payload).unwrap_err().reason
}

const TAKEN: &str = r#"{"taken":{"user_id":"01930000-0000-7000-8000-000000000ada","at":1}}"#;

#[test]
fn event_names_are_frozen() {
    let rows: Vec<_> = examples().iter().map(row).collect();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(rows) });
}

#[test]
fn every_stored_event_is_read_back() {
    for event in examples() {
        let (aggregate, event_type, version, payload) = row(&event);
        let read = Event::read(aggregate, &event_type, &version, &payload.to_string());
        assert_eq!(read.as_ref(), Ok(&event));
        assert_eq!(event.event_type(), event_type);
    }
}

#[test]
fn names_are_dotted_and_each_belongs_to_one_kind_of_stream() {
    let names: HashSet<_> = examples()
        .iter()
        .map(|event| (event.aggregate(), event.event_type()))
        .collect();
    let distinct: HashSet<_> = names.iter().map(|(_, name)| name).collect();
    assert_eq!(distinct.len(), names.len());
    assert_eq!(distinct.len(), types().count());
    assert!(distinct.iter().all(|name| name.split('.').count() == 2));
}

#[test]
fn every_kind_of_stream_has_an_example() {
    let examples: HashSet<_> = examples().iter().map(Event::aggregate).collect();
    assert_eq!(examples, HashSet::from(KINDS));
}

#[test]
fn every_type_has_an_example() {
    let examples: HashSet<_> = examples().iter().map(Event::event_type).collect();
    let types: HashSet<_> = types().collect();
    assert_eq!(types, examples, "each has an example");
}

/// Every field of every event.
fn fields() -> Vec<(String, Value)> {
    let rows = examples().into_iter().map(|event| row(&event).3);
    let payloads = rows.filter_map(|payload| payload.as_object()?.values().next()?.as_object().cloned());
    payloads.flatten().collect()
}

#[test]
fn hashes_and_instants_stand_in_fields_that_are_listed() {
    for (name, value) in fields() {
        let text = value.as_str().unwrap_or_default();
        let hash = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let listed = SECRETS.contains(&name.as_str());
        assert_eq!(listed, hash || text.ends_with(":password"), "{name}: {value}");
        let late = value.as_i64().is_some_and(|number| number >= T0.micros());
        assert_eq!(INSTANTS.contains(&name.as_str()), late, "{name}: {value}");
    }
}

#[test]
fn null_is_as_good_as_an_absent_option() {
    let payload = r#"{"ended":{"reason":"logged_out","by":null,"at":1}}"#;
    let read = Event::read("session", "session.ended", "1.0", payload).unwrap();
    let without = Event::read(
        "session",
        "session.ended",
        "1.0",
        r#"{"ended":{"reason":"logged_out","at":1}}"#,
    );
    assert_eq!(without, Ok(read));
}

#[test]
fn field_of_a_newer_program_is_passed_over() {
    let payload = r#"{"taken":{"user_id":"01930000-0000-7000-8000-000000000ada","at":1,"why":"later"}}"#;
    assert_eq!(
        Event::read("claim", "claim.taken", "1.0", payload),
        Event::read("claim", "claim.taken", "1.0", TAKEN)
    );
}

#[test]
fn unknown_version_is_unreadable() {
    for version in ["", "1", "1.1", "2.0"] {
        assert_eq!(reason("claim", "claim.taken", version, TAKEN), "unknown version");
    }
}

#[test]
fn unknown_kind_of_stream_is_unreadable() {
    for aggregate in ["", "Claim", "invoice"] {
        assert_eq!(reason(aggregate, "claim.taken", "1.0", TAKEN), "unknown kind of stream");
    }
}

#[test]
fn unknown_type_is_unreadable() {
    let lent = TAKEN.replace("taken", "lent");
    let reason = reason("claim", "claim.lent", "1.0", &lent);
    assert!(reason.contains("unknown variant `lent`"), "{reason}");
}

#[test]
fn payload_of_another_type_is_unreadable() {
    assert_eq!(
        reason("claim", "claim.released", "1.0", TAKEN),
        "its payload is of claim.taken"
    );
    assert_eq!(
        reason("claim", "session.ended", "1.0", TAKEN),
        "its payload is of claim.taken"
    );
}

#[test]
fn broken_payload_is_unreadable() {
    for payload in [
        "",
        "{",
        "null",
        "[]",
        r#""taken""#,
        r#"{"taken":{}}"#,
        r#"{"taken":{"user_id":"ada","at":1}}"#,
        r#"{"taken":{"user_id":"01930000-0000-7000-8000-000000000ada","at":"1"}}"#,
        &format!("{TAKEN}{TAKEN}"),
    ] {
        assert!(
            Event::read("claim", "claim.taken", "1.0", payload).is_err(),
            "{payload}"
        );
    }
}

#[test]
fn unreadable_event_says_which_it_is() {
    let error = Event::read("claim", "claim.taken", "9.0", TAKEN).unwrap_err();
    assert_eq!(
        error.to_string(),
        "event claim.taken 9.0 of a claim stream cannot be read: unknown version"
    );
    assert_eq!(
        json!([error.aggregate, error.event_type, error.version]),
        json!(["claim", "claim.taken", "9.0"])
    );
}
