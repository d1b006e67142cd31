//! Exports, and what becomes of them far from the store. And what a leaf is made of.

use std::fmt::Write as _;

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::{Position, Recorded};
use serde_json::{Value, json};

use super::bed::{Bed, On};
use crate::proof::{
    audit::{Finding, Kind, Report, audit_export},
    export::{Form, Line, Wanted, write},
    leaf,
    note::NoteKey,
    shelf::FoundNote,
};

async fn export(bed: &Bed, form: Form, from: u64, to: u64) -> String {
    let (mut text, log) = (String::new(), bed.store.log());
    let mut line = |line: &str| {
        writeln!(text, "{line}").unwrap();
        Ok(())
    };
    let wanted = Wanted { form, from, to };
    write(&*log, bed.notary.tree(), wanted, &mut line, &|_, _| {})
        .await
        .unwrap();
    text
}

fn verify(export: &str, notes: &[FoundNote], key: &NoteKey) -> Report {
    audit_export(&mut export.as_bytes(), notes.to_vec(), key, &|_| {}).unwrap()
}

fn finding(export: &str, notes: &[FoundNote], key: &NoteKey) -> Finding {
    let report = verify(export, notes, key);
    assert!(!report.sound && !report.findings.is_empty());
    report.findings.into_iter().next().unwrap()
}

/// A line of an event, changed; its leaf, too, where that is wanted.
fn altered(line: &str, with_leaf: bool, change: impl Fn(&mut Value)) -> String {
    let mut value: Value = serde_json::from_str(line).unwrap();
    change(&mut value);
    if with_leaf {
        let Line::Event(line) = serde_json::from_value(value.clone()).unwrap() else {
            panic!("this is no event")
        };
        let (event, _) = line.event().unwrap();
        value["leaf"] = json!(leaf::of(&event));
    }
    value.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_of_everything_and_of_a_part_fits_the_checkpoints() {
    for on in [On::Sqlite, On::Postgres] {
        let (mut bed, kept) = Bed::signed(on).await;
        let key = bed.notary.key();
        for (from, to, compared) in [
            (1, 60, 3),
            (1, u64::MAX, 3),
            (15, 45, 3),
            (33, 33, 1),
            (41, 50, 1),
            (61, 70, 0),
        ] {
            let report = verify(&export(&bed, Form::Ndjson, from, to).await, &kept, &key);
            assert!(report.sound, "{from} to {to}: {report:?}");
            assert_eq!(report.checkpoints, compared, "{from} to {to}: {report:?}");
            assert_eq!(report.checkpoints + report.not_compared, 3);
        }
        bed.append(4).await;
        let report = verify(&export(&bed, Form::Ndjson, 50, 64).await, &kept, &key);
        assert!(report.sound, "{report:?}");
        assert_eq!(
            (report.events, report.covered),
            (64, 60),
            "what no checkpoint covers is said not to be covered"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_that_was_tampered_with_is_noticed_and_the_event_is_named() {
    let (bed, kept) = Bed::signed(On::Sqlite).await;
    let (key, text) = (bed.notary.key(), export(&bed, Form::Ndjson, 1, 60).await);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 62);
    // Event 33 is line 33, counted from 0 at the head.
    let with = |change: &dyn Fn(&mut Vec<String>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        finding(&(lines.join("\n") + "\n"), &kept, &key)
    };
    let payload = |value: &mut Value| value["payload"] = json!("{}");
    let named = |finding: Finding| (finding.kind, finding.position);
    let interval = |finding: Finding| (finding.kind, finding.after, finding.until);

    let one = with(&|lines| lines[33] = altered(&lines[33], false, payload));
    assert_eq!(named(one), (Kind::Altered, Some(33)));
    let one = with(&|lines| lines[33] = altered(&lines[33], true, payload));
    assert_eq!(interval(one), (Kind::Interval, Some(20), Some(40)));
    let one = with(&|lines| lines[33] = altered(&lines[33], false, |value| value["id"] = lines_id(&lines[34])));
    assert_eq!(named(one), (Kind::Altered, Some(33)));
    let one = with(&|lines| drop(lines.remove(33)));
    assert_eq!(named(one), (Kind::Removed, Some(33)));
    let one = with(&|lines| lines.insert(33, lines[40].clone()));
    assert_eq!(named(one).1, Some(33));
    let one = with(&|lines| lines.swap(33, 35));
    assert_eq!(named(one), (Kind::Reordered, Some(33)));
    let one = with(&|lines| lines.truncate(50));
    assert_eq!(named(one), (Kind::CutOff, Some(50)));
    let one = with(&|lines| drop(lines.drain(50..61)));
    assert_eq!(named(one), (Kind::CutOff, Some(50)));
    let one = with(&|lines| lines.push("{}".to_owned()));
    assert_eq!(one.kind, Kind::Inserted);
    let one = with(&|lines| drop(lines.remove(0)));
    assert_eq!(one.kind, Kind::Altered);
    // A field twice: two readers could see two things.
    let one = with(&|lines| lines[33] = lines[33].replace("{\"position\"", "{\"sequence\":9,\"position\""));
    assert_eq!(named(one), (Kind::Altered, Some(33)));
}

fn lines_id(line: &str) -> Value {
    serde_json::from_str::<Value>(line).unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn part_of_an_export_whose_surroundings_were_made_up_fits_no_checkpoint() {
    let (bed, kept) = Bed::signed(On::Sqlite).await;
    let (key, text) = (bed.notary.key(), export(&bed, Form::Ndjson, 25, 45).await);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let head = lines[0].clone();
    lines[0] = altered(&head, false, |value| {
        value["export"]["before"][0] = value["export"]["before"][1].clone();
    });
    assert_eq!(finding(&(lines.join("\n") + "\n"), &kept, &key).kind, Kind::Interval);
    lines[0] = altered(&head, false, |value| value["export"]["before"] = json!([]));
    assert_eq!(finding(&(lines.join("\n") + "\n"), &kept, &key).kind, Kind::Altered);
    lines[0] = head;
    let last = lines.len() - 1;
    lines[last] = altered(&lines[last], false, |value| {
        value["end"]["after"][0] = json!(bed_hash());
    });
    assert_eq!(finding(&(lines.join("\n") + "\n"), &kept, &key).kind, Kind::Interval);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn export_that_begins_at_the_end_of_all_numbers_is_none() {
    let (bed, kept) = Bed::signed(On::Sqlite).await;
    let (key, text) = (bed.notary.key(), export(&bed, Form::Ndjson, 25, 45).await);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[0] = altered(&lines[0], false, |value| {
        value["export"]["from"] = json!(u64::MAX);
        value["export"]["before"] = json!(vec![bed_hash(); 63]);
    });
    assert_eq!(finding(&(lines.join("\n") + "\n"), &kept, &key).kind, Kind::Altered);
}

fn bed_hash() -> crate::proof::TreeHash {
    crate::proof::TreeHash::leaf(b"made up")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_events_have_their_form_and_hide_secrets() {
    let (bed, _) = Bed::signed(On::Sqlite).await;
    let change =
        "update events set payload = '{\"a\":[{\"secret\":\"s3\"}],\"password\":\"p4\",\"n\":1}' where position = 2";
    bed.tamper(&[change], &[]).await;
    let text = export(&bed, Form::Cloudevents, 2, 3).await;
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let first = &lines[0];
    assert_eq!(first["specversion"], "1.0");
    assert_eq!(first["type"], "doorbook.tally.added");
    assert_eq!(first["subject"], "tally-s1");
    assert_eq!(first["sequence"], "00000000000000000002");
    assert_eq!(first["time"], "2026-11-23T12:00:00.000002Z");
    assert_eq!(
        first["data"],
        json!({"a": [{"secret": "[hidden]"}], "password": "[hidden]", "n": 1})
    );
    let log = bed.store.log().id().await.unwrap();
    assert_eq!(first["source"], format!("urn:doorbook:log:{log}"));
    // CloudEvents 1.0: names of attributes are small letters and digits.
    let fits = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    assert!(first.as_object().unwrap().keys().all(fits), "{first}");
}

fn sample() -> Recorded {
    Recorded {
        position: Position::new(1),
        aggregate: "user".into(),
        stream_id: "a".into(),
        sequence: 2,
        event_type: "user.registered".into(),
        version: "1".into(),
        payload: "{}".into(),
        metadata: "{ }".into(),
        recorded_at: Timestamp::from_micros(3),
    }
}

#[test]
fn leaf_has_the_bytes_that_the_document_says() {
    let mut expected = b"doorbook event 1\n".to_vec();
    let mut push = |number: u64, text: &str| {
        expected.extend_from_slice(&number.to_be_bytes());
        expected.extend_from_slice(text.as_bytes());
    };
    push(1, "");
    push(4, "user");
    push(1, "a");
    push(2, "");
    push(15, "user.registered");
    push(1, "1");
    push(2, "{}");
    push(3, "{ }");
    push(3, "");
    assert_eq!(leaf::encode(&sample(), Position::new(1)), expected);
}

#[test]
fn every_field_of_an_event_changes_its_leaf() {
    let changes: [fn(&mut Recorded); 10] = [
        |event| event.position = Position::new(2),
        |event| event.aggregate = "use".into(),
        |event| event.stream_id = "b".into(),
        |event| event.sequence = 3,
        |event| event.event_type = "user.register".into(),
        |event| event.version = "2".into(),
        |event| event.payload = "{} ".into(),
        |event| event.metadata = "{}".into(),
        |event| event.recorded_at = Timestamp::from_micros(-3),
        |event| (event.aggregate, event.stream_id) = ("usera".into(), "".into()),
    ];
    let leaf = leaf::of(&sample());
    for (number, change) in changes.into_iter().enumerate() {
        let mut event = sample();
        change(&mut event);
        assert_ne!(leaf::of(&event), leaf, "{number}");
    }
}
