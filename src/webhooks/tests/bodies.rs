use std::collections::BTreeSet;

use doorbook_domain::{
    event::{SECRETS, types},
    time::Timestamp,
};
use doorbook_projections::log::{Position, Recorded};
use serde_json::Value;

use crate::webhooks::body::{self, SENT};

/// Every event, with its optional fields.
const EXAMPLES: &str =
    include_str!("../../../domain/src/event/snapshots/doorbook_domain__event__tests__event_names_are_frozen.snap");

/// Fields that stay here: sealed, or a hash, or made from an address, or of use to nobody else. A new field belongs here or
/// among those that are sent.
const KEPT: [&str; 15] = [
    "by_password",
    "claim",
    "email",
    "epoch",
    "filters",
    "idle_ms",
    "ip_bucket",
    "label",
    "name",
    "origin",
    "password",
    "request",
    "secret",
    "stream",
    "subject",
];

/// Kind of stream, type, version, payload.
type Row = (Box<str>, Box<str>, Box<str>, Value);

fn examples() -> Vec<Recorded> {
    let (_, rows) = EXAMPLES.rsplit_once("---\n").unwrap();
    let rows: Vec<Row> = serde_json::from_str(rows).unwrap();
    let recorded = |(aggregate, event_type, version, payload): Row| Recorded {
        position: Position::new(42),
        stream_id: if matches!(&*aggregate, "claim" | "attempts") {
            format!("email-{}", "a".repeat(64)).into()
        } else {
            "01930000-0000-7000-8000-000000000001".into()
        },
        aggregate,
        sequence: 7,
        event_type,
        version,
        payload: payload.to_string().into(),
        metadata: r#"{"actor":"user-ada"}"#.into(),
        recorded_at: Timestamp::from_micros(1_767_323_045_000_000),
    };
    rows.into_iter().map(recorded).collect()
}

#[test]
fn every_field_of_every_event_is_sent_or_kept() {
    let mut seen = BTreeSet::new();
    for example in examples() {
        for (name, _) in body::fields(&example.payload).unwrap() {
            assert_ne!(
                SENT.contains(&name.as_str()),
                KEPT.contains(&name.as_str()),
                "`{name}` of {} is to be sent, or to be kept",
                example.event_type
            );
            seen.insert(name);
        }
    }
    let listed: BTreeSet<String> = SENT.iter().chain(&KEPT).map(|&name| name.to_owned()).collect();
    assert_eq!(seen, listed);
    assert!(SENT.iter().all(|name| !SECRETS.contains(name)));
}

#[test]
fn no_body_holds_a_secret_a_sealed_value_or_a_claim() {
    let examples = examples();
    assert!(examples.len() >= types().count());
    for example in examples {
        let body = body::of(&example, None).unwrap();
        for kept in ["user-ada", "email-", "abab", "cdcd", "ip_bucket"] {
            assert!(!body.contains(kept), "{body}");
        }
    }
}

#[test]
fn bodies_are_those_of_the_snapshot() {
    let bodies: Vec<Value> = examples()
        .iter()
        .map(|example| serde_json::from_str(&body::of(example, None).unwrap()).unwrap())
        .collect();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!(bodies) });
}

#[test]
fn field_of_a_newer_program_stays_here() {
    let payload = r#"{"taken":{"user_id":"01930000-0000-7000-8000-000000000ada","phone":"+49 30 1234","at":1}}"#;
    let mut example = examples().remove(0);
    example.payload = payload.into();
    let body = body::of(&example, Some("01930000-0000-7000-8000-000000000b0b")).unwrap();
    assert!(!body.contains("phone") && body.contains("0ada"), "{body}");
    for broken in ["", "[]", r#"{"taken":7}"#] {
        example.payload = broken.into();
        body::of(&example, None).unwrap_err();
    }
}
