//! The proof that nobody has altered the log, as auditors and operators meet it.

mod elsewhere;

use std::{
    fs,
    path::{Path, PathBuf},
};

use doorbook::proof::{TreeHash, check};
use reqwest::StatusCode;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, sqlite::SqliteConnectOptions};

use crate::support::{Caller, Database, Service, eventually, random};

on_each_store!(
    auditor_gets_checkpoints_and_proofs_that_hold,
    log_is_as_it_was_signed_after_erasures_and_kills,
    tampering_is_named_on_the_command_line,
);

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

/// One that signs every second event, and at the end.
async fn start(database: Database) -> Service {
    Service::start_with(database, &[("AUDIT__CHECKPOINT_EVENTS", "2")]).await
}

/// Somebody with that role, signed in after it was given.
async fn with_role(service: &Service, email: &str, role: &str) -> Caller {
    service.signed_up(email).await;
    service.doorbook(&["user", "grant", email, role]).await;
    let caller = service.anonymous();
    caller.log_in(email).await;
    caller
}

fn hashes(value: &Value) -> Vec<TreeHash> {
    let texts = value.as_array().unwrap().iter();
    texts.map(|text| text.as_str().unwrap().parse().unwrap()).collect()
}

fn hash(value: &Value) -> TreeHash {
    value.as_str().unwrap().parse().unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_str().unwrap().parse().unwrap()
}

/// Copies of the checkpoints, on another machine.
fn keep(service: &Service) -> PathBuf {
    let elsewhere = service.directory().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    for entry in fs::read_dir(service.data().join("checkpoints")).unwrap() {
        let file = entry.unwrap().path();
        if file.is_file() {
            fs::copy(&file, elsewhere.join(file.file_name().unwrap())).unwrap();
        }
    }
    assert!(fs::read_dir(&elsewhere).unwrap().count() > 0, "nothing was signed");
    elsewhere
}

/// Runs `audit verify` and returns how it ended and what it found.
async fn verify(service: &Service, arguments: &[&str]) -> (i32, Value) {
    let all = [&["audit", "verify", "--json"], arguments].concat();
    let output = service.output(&all).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout);
    (
        output.status.code().unwrap(),
        report.unwrap_or_else(|_| panic!("{said}")),
    )
}

async fn must_be_sound(service: &Service, elsewhere: &Path) {
    let (code, report) = verify(service, &["--against", elsewhere.to_str().unwrap()]).await;
    assert_eq!((code, &report["sound"]), (0, &Value::Bool(true)), "{report}");
    assert!(report["covered"].as_u64().unwrap() > 0, "{report}");
}

async fn auditor_gets_checkpoints_and_proofs_that_hold(database: Database) {
    let service = start(database).await;
    let user = service.signed_up(BOB).await;
    let auditor = with_role(&service, ADA, "auditor").await;
    let paths = [
        "key",
        "checkpoints",
        "checkpoints/latest",
        "proofs/inclusion?position=1",
        "proofs/consistency?from=1",
    ];
    let latest = eventually("something is signed", || async {
        let answer = auditor.get("/api/audit/checkpoints/latest").await;
        let signed = answer.status == StatusCode::OK && number(&answer.json()["size"]) >= 4;
        signed.then(|| answer.json())
    })
    .await;
    for path in paths {
        let path = format!("/api/audit/{path}");
        service.anonymous().get(&path).await.expect(401);
        user.get(&path).await.expect(403);
        auditor.get(&path).await.expect(200);
    }

    proofs_hold(&service, &auditor, &latest).await;
    nonsense_is_refused(&auditor).await;
    pages_hold_every_checkpoint_once(&service, &auditor).await;

    let key = auditor.get("/api/audit/key").await.expect(200).json();
    assert_eq!(
        service.doorbook(&["audit", "key"]).await.trim(),
        key["key"].as_str().unwrap()
    );
    assert!(
        latest["note"]
            .as_str()
            .unwrap()
            .starts_with(latest["origin"].as_str().unwrap())
    );
    let admin = with_role(&service, "eve@example.org", "admin").await;
    admin.get("/api/audit/checkpoints").await.expect(200);
    assert_eq!(service.metric("proof_broken").await, Some(0));
}

/// Proofs for the latest checkpoint, each of which leads to its root.
async fn proofs_hold(service: &Service, auditor: &Caller, latest: &Value) {
    let size = number(&latest["size"]);
    for position in [1, 2, size] {
        let path = format!("/api/audit/proofs/inclusion?position={position}&size={size}");
        let proof = auditor.get(&path).await.expect(200).json();
        assert_eq!(proof["root"], latest["root"]);
        let (leaf, root) = (hash(&proof["leaf"]), hash(&proof["root"]));
        assert!(
            check::inclusion(position - 1, size, leaf, &hashes(&proof["path"]), &root),
            "{proof}"
        );
        let shown = service
            .doorbook(&["events", "show", &position.to_string(), "--json"])
            .await;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((&proof["event_id"], &proof["stream"]), (&shown["id"], &shown["stream"]));
    }
    // A proof tells what happened, so asking for it is an event, as every other look into the log.
    let asked = eventually("the questions are in the trail", || async {
        let path = "/api/audit/events?type=audit.read&limit=200";
        let read = auditor.get(path).await.expect(200).json();
        let read = read["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["data"].clone());
        let asked: Vec<Value> = read.filter(|data| data["operation"] == "getInclusionProof").collect();
        (asked.len() == 4).then_some(asked)
    })
    .await;
    assert_eq!(asked[0]["filters"]["position"], size.to_string());
    let path = format!("/api/audit/proofs/consistency?from=3&to={size}");
    let proof = auditor.get(&path).await.expect(200).json();
    let (before, after) = (hash(&proof["from_root"]), hash(&proof["to_root"]));
    assert!(
        check::consistency((3, &before), (size, &after), &hashes(&proof["path"])),
        "{proof}"
    );
    assert_eq!(proof["to_root"], latest["root"]);
}

async fn nonsense_is_refused(auditor: &Caller) {
    auditor
        .get("/api/audit/proofs/inclusion?position=9&size=8")
        .await
        .expect(422);
    auditor
        .get("/api/audit/proofs/consistency?from=9&to=8")
        .await
        .expect(422);
    auditor
        .get("/api/audit/proofs/inclusion?position=1&size=99999999")
        .await
        .expect(404);
    auditor
        .get("/api/audit/proofs/inclusion?position=99999999")
        .await
        .expect(404);
    auditor.get("/api/audit/checkpoints?cursor=x").await.expect(422);
}

async fn pages_hold_every_checkpoint_once(service: &Service, auditor: &Caller) {
    let (mut sizes, mut path) = (Vec::new(), "/api/audit/checkpoints?limit=1".to_owned());
    loop {
        let page = auditor.get(&path).await.expect(200).json();
        sizes.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| number(&item["size"])),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/audit/checkpoints?limit=1&cursor={cursor}");
    }
    assert!(
        sizes.len() >= 2 && sizes.is_sorted_by(|newer, older| newer >= older),
        "{sizes:?}"
    );
    let files = fs::read_dir(service.data().join("checkpoints")).unwrap().count();
    assert!(files >= sizes.len());
}

async fn log_is_as_it_was_signed_after_erasures_and_kills(database: Database) {
    let mut service = start(database).await;
    let ada = service.signed_up(ADA).await;
    service.signed_up(BOB).await;
    ada.delete("/api/me").await.expect(204);
    for round in 0..5 {
        service.signed_up(&format!("carol{round}@example.org")).await;
        tokio::time::sleep(std::time::Duration::from_millis(random(400))).await;
        service.kill();
        service.start_again().await;
    }
    service.stop().await;
    let elsewhere = keep(&service);
    must_be_sound(&service, &elsewhere).await;
    service.start_again().await;
    service.signed_up("dave@example.org").await;
    must_be_sound(&service, &elsewhere).await;
    assert!(!service.log().contains("is not signed"), "{}", service.log());
    service.stop().await;
    service.doorbook(&["audit", "rebuild"]).await;
    must_be_sound(&service, &elsewhere).await;
}

/// Writes into the log past everything that guards it.
async fn tamper(service: &Service, sqlite: &[&str], postgres: &[&str], database: Database) {
    if database == Database::Postgres {
        for statement in postgres {
            service.postgres().execute(statement).await;
        }
        return;
    }
    let file = service.data().join("log.db");
    let mut connection = SqliteConnectOptions::new().filename(file).connect().await.unwrap();
    for statement in sqlite {
        connection.execute(*statement).await.unwrap();
    }
    connection.close().await.unwrap();
}

async fn tampering_is_named_on_the_command_line(database: Database) {
    let mut service = start(database).await;
    service.signed_up(ADA).await;
    service.signed_up(BOB).await;
    service.stop().await;
    let elsewhere = keep(&service);
    let key = service.doorbook(&["audit", "key"]).await.trim().to_owned();
    let against = ["--against", elsewhere.to_str().unwrap(), "--key", &key];
    assert_eq!(verify(&service, &against).await.0, 0);

    tamper(
        &service,
        &["drop trigger events_are_not_updated", "update events set metadata = metadata || ' ' where position = 3"],
        &[
            "alter table events disable trigger user",
            "update events set metadata = (metadata::text || ' ')::json where id = (select event_id from log where position = 3)",
        ],
        database,
    )
    .await;
    let (code, report) = verify(&service, &against).await;
    assert_eq!(code, 3);
    assert_eq!(
        (&report["findings"][0]["kind"], &report["findings"][0]["position"]),
        (&"altered".into(), &3.into())
    );
    let output = service.output(&["audit", "verify"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3));
    assert!(said.contains("event 3 was altered"), "{said}");

    tamper(
        &service,
        &[
            "drop trigger events_are_not_deleted",
            "delete from events where position > 4",
        ],
        &[
            "alter table log disable trigger user",
            "delete from log where position > 4",
            "delete from events where id not in (select event_id from log)",
            "delete from doorbook_proof.tiles",
            "delete from doorbook_proof.checkpoints",
            "update doorbook_proof.tree set size = 0",
        ],
        database,
    )
    .await;
    fs::remove_dir_all(service.data().join("checkpoints")).unwrap();
    let (code, report) = verify(&service, &against).await;
    assert_eq!(code, 3);
    let found = report["findings"].as_array().unwrap();
    let cut_off = found.iter().find(|finding| finding["kind"] == "cut_off").unwrap();
    assert_eq!(cut_off["position"], 5, "{report}");
    let wrong = service.output(&["audit", "verify", "--against", "/nowhere"]).await;
    assert_eq!(wrong.status.code(), Some(2));
}
