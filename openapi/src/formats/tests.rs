use doorbook_domain::time::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::{audit::Client, scalar::Instant};

const FORMULA: &str = "=cmd|'/C calc'!A1";
const HOSTILE: &str = "=cmd|'/C calc'!A1\r\n\"quoted\",\u{202e}=1+1;@SUM(A1)\t+2\0";

fn at(seconds: i64) -> Instant {
    Instant(Timestamp::from_micros(1_795_435_200_000_000 + seconds * 1_000_000))
}

fn success() -> LoginRecord {
    let session = Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001);
    LoginRecord {
        id: format!("session-{session}"),
        at: at(0),
        outcome: "success".to_owned(),
        reason: None,
        failures: None,
        since: None,
        method: "social".to_owned(),
        provider: Some("github".to_owned()),
        user_id: Some(Uuid::from_u128(7)),
        email: Some("ada@example.org".to_owned()),
        name: Some(FORMULA.to_owned()),
        ip: Some("2001:db8::1".to_owned()),
        city: Some(FORMULA.to_owned()),
        country: Some("SE".to_owned()),
        user_agent: Some(HOSTILE.to_owned()),
        client: Some(Client {
            kind: "pc".to_owned(),
            browser: Some("Firefox".to_owned()),
            version: None,
            os: Some("Linux".to_owned()),
        }),
        session_id: Some(session),
        ended_at: Some(at(90)),
        end_reason: Some("logged_out".to_owned()),
        ended_by: Some(Uuid::from_u128(7)),
        duration_seconds: Some(90),
    }
}

fn failure() -> LoginRecord {
    LoginRecord {
        id: "attempts-email-00#3".to_owned(),
        outcome: "failure".to_owned(),
        reason: Some("several".to_owned()),
        failures: Some(40),
        since: Some(at(-60)),
        method: "password".to_owned(),
        provider: None,
        user_id: None,
        email: None,
        name: None,
        ip: Some("[erased]".to_owned()),
        city: None,
        country: None,
        client: None,
        session_id: None,
        ended_at: None,
        end_reason: None,
        ended_by: None,
        duration_seconds: None,
        ..success()
    }
}

fn cell(text: &str) -> String {
    let mut out = Vec::new();
    csv::cell(text, &mut out);
    String::from_utf8(out).unwrap()
}

/// Reads RFC 4180 back.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (quoted, character) {
            (true, '"') if characters.peek() == Some(&'"') => cell.extend(characters.next()),
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {
                assert_eq!(characters.next(), Some('\n'), "a line ends with CRLF");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, other) => cell.push(other),
        }
    }
    assert!(row.is_empty() && !quoted, "the last line ends, too");
    rows
}

#[test]
fn formula_is_inert_wherever_a_spreadsheet_could_see_the_start_of_a_cell() {
    assert_eq!(cell(FORMULA), "\"'=cmd|'/C calc'!A1\"");
    for (hostile, inert) in [
        ("+1", "\"'+1\""),
        ("-1", "\"'-1\""),
        ("@SUM(A1)", "\"'@SUM(A1)\""),
        ("\t=1", "\"'\t'=1\""),
        ("\r=1", "\"'\r'=1\""),
        ("  =1", "\"  '=1\""),
        ("\u{202e}=1", "\"\u{202e}'=1\""),
        ("＝1", "\"'＝1\""),
        ("a,=1", "\"a,'=1\""),
        ("a;=1", "\"a;'=1\""),
        ("a\";=1", "\"a\"\";'=1\""),
        ("a\"=1", "\"a\"\"'=1\""),
        ("a\n=1", "\"a\n'=1\""),
    ] {
        assert_eq!(cell(hostile), inert);
    }
    assert_eq!(cell("ada@example.org a-b 1+1=2"), "\"ada@example.org a-b 1+1=2\"");
}

#[test]
fn csv_keeps_every_row_in_its_columns() {
    let rows = Format::Csv.rows(&[success(), failure()]).unwrap();
    let text = [Format::Csv.head().as_ref(), rows.as_ref()].concat();
    let table = cells(str::from_utf8(&text).unwrap());
    assert_eq!(table.len(), 3);
    assert!(table.iter().all(|row| row.len() == table[0].len()), "{table:?}");
    let column = |name: &str| table[0].iter().position(|known| known == name).unwrap();
    assert_eq!(table[1][column("name")], format!("'{FORMULA}"));
    assert_eq!(table[1][column("city")], format!("'{FORMULA}"));
    assert_eq!(
        (&*table[1][column("country")], &*table[2][column("country")]),
        ("SE", "")
    );
    assert_eq!(table[1][column("duration_seconds")], "90");
    assert_eq!(table[2][column("failures")], "40");
    assert!(!text.starts_with("\u{feff}".as_bytes()), "there is no byte order mark");
}

#[test]
fn ndjson_loses_nothing() {
    let lines = Format::Ndjson.rows(&[success(), failure()]).unwrap();
    let lines: Vec<&str> = str::from_utf8(&lines).unwrap().lines().collect();
    assert_eq!(lines.len(), 2);
    let read: Value = serde_json::from_str(lines[0]).unwrap();
    assert_eq!(read["user_agent"], HOSTILE);
    assert_eq!(read["name"], FORMULA);
    assert_eq!(read["ended_at"], "2026-11-23T12:01:30.000000Z");
}

/// What the schema publishes of the class, as far as it is used: <https://schema.ocsf.io/1.3.0/classes/authentication>.
fn schema() -> Value {
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let location = json!({"type": "object", "properties": {"city": text, "country": {"type": "string", "pattern": "^[A-Z]{2}$"}},
        "additionalProperties": false});
    let endpoint = json!({"type": "object", "properties": {"ip": {"type": "string", "pattern": "^[0-9a-f.:]+$"}, "location": location},
        "additionalProperties": false});
    let product = json!({"type": "object", "required": ["vendor_name"], "additionalProperties": false,
        "properties": {"name": text, "vendor_name": text, "version": text}});
    let metadata = json!({"type": "object", "required": ["product", "version"], "additionalProperties": false,
        "properties": {"product": product, "version": {"const": "1.3.0"}, "uid": text}});
    let user = json!({"type": "object", "minProperties": 1, "anyOf": [{"required": ["name"]}, {"required": ["uid"]}],
        "additionalProperties": false,
        "properties": {"name": text, "email_addr": text, "full_name": text, "uid": text}});
    let session = json!({"type": "object", "additionalProperties": false,
        "properties": {"uid": text, "created_time": number, "is_remote": {"type": "boolean"}}});
    json!({
        "type": "object",
        "required": ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid", "user", "service"],
        "additionalProperties": false,
        "properties": {
            "activity_id": {"const": 1}, "activity_name": {"const": "Logon"},
            "auth_protocol": text, "auth_protocol_id": {"enum": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99]},
            "category_name": {"const": "Identity & Access Management"}, "category_uid": {"const": 3},
            "class_name": {"const": "Authentication"}, "class_uid": {"const": 3002},
            "count": number, "duration": number, "start_time": number, "end_time": number, "time": number,
            "http_request": {"type": "object", "properties": {"user_agent": text}, "additionalProperties": false},
            "is_mfa": {"type": "boolean"}, "is_remote": {"type": "boolean"},
            "logon_type": {"const": "Network"}, "logon_type_id": {"const": 3},
            "metadata": metadata,
            "service": {"type": "object", "properties": {"name": text}, "additionalProperties": false},
            "session": session,
            "severity": {"const": "Informational"}, "severity_id": {"const": 1},
            "src_endpoint": endpoint,
            "status": {"enum": ["Success", "Failure"]}, "status_id": {"enum": [1, 2]}, "status_detail": text,
            "type_name": {"const": "Authentication: Logon"}, "type_uid": {"const": 300_201},
            "unmapped": {"type": "object"},
            "user": user
        }
    })
}

#[test]
fn ocsf_events_have_the_published_attributes_and_no_others() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    for row in [success(), failure()] {
        let event = ocsf::event(&row);
        let errors: Vec<String> = schema.iter_errors(&event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {event}");
    }
    assert_eq!(ocsf::event(&success())["src_endpoint"]["location"]["country"], "SE");
    let event = ocsf::event(&failure());
    assert!(event.get("src_endpoint").is_none(), "what was erased is no address");
    assert_eq!(event["time"], 1_795_435_200_000_i64);
    assert_eq!(
        (&event["start_time"], &event["count"]),
        (&json!(1_795_435_140_000_i64), &json!(40))
    );
}
