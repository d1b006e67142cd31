//! Events that nobody can read.

use reqwest::Method;
use serde_json::json;
use sqlx::{Connection as _, Executor as _, SqliteConnection};

use super::{BASE, admin, begin, ended, events, projection};
use crate::support::{Caller, Database, Service, eventually};

on_each_store!(poison_parks_its_stream_only_until_it_can_be_read,);

/// Changes the log by hand.
async fn by_hand(service: &Service, database: Database, sql: &str) {
    match database {
        Database::Postgres => service.postgres().execute(sql).await,
        Database::Sqlite => {
            let file = service.data().join("log.db");
            let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
                .await
                .unwrap();
            connection.execute(sql).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

const KINDS: [&str; 4] = ["unknown-type", "broken-json", "missing-key", "wrong-version"];

/// An event that nobody can read, at the end of a stream that nobody else writes.
fn poison(kind: &str, database: Database) -> String {
    let (event_type, version, payload) = match kind {
        "unknown-type" => ("session.teleported", "1.0", r#"{"teleported":{"at":1}}"#),
        // PostgreSQL takes no broken JSON, but half a character.
        "broken-json" if database == Database::Postgres => {
            ("session.ended", "1.0", r#"{"ended":{"reason":"\ud800","at":1}}"#)
        }
        "broken-json" => ("session.refreshed", "1.0", r#"{"refreshed":{"idle_until":1,"at":1}"#),
        "missing-key" => ("session.refreshed", "1.0", r#"{"refreshed":{"at":1}}"#),
        _ => ("session.refreshed", "9.0", r#"{"refreshed":{"idle_until":1,"at":1}}"#),
    };
    format!(
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         values ('session', '{kind}', 1, '{event_type}', '{version}', '{payload}',
                 '{{\"command_id\":\"01930000-0000-7000-8000-0000000000{:02x}\"}}')",
        kind.len()
    )
}

async fn poison_parks_its_stream_only_until_it_can_be_read(database: Database) {
    let service = Service::start(database).await;
    let admin = admin(&service).await;
    for kind in KINDS {
        by_hand(&service, database, &poison(kind, database)).await;
    }
    let parked = format!("{BASE}/sessions/parked");
    let shown = eventually("every stream is parked", || async {
        let page = admin.get(&parked).await.expect(200).json();
        (page["items"].as_array().unwrap().len() == KINDS.len()).then_some(page)
    })
    .await;
    for (item, reason) in shown["items"].as_array().unwrap().iter().zip([
        "cannot be read",
        "missing field",
        "unknown variant",
        "unknown version",
    ]) {
        assert!(item["reason"].as_str().unwrap().contains(reason), "{item}");
    }
    let bob = service.signed_up("bob@example.org").await;
    assert_eq!(
        bob.get("/api/sessions").await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let listed = projection(&admin, "sessions").await;
    assert_eq!(
        (&listed["parked_count"], &listed["state"]),
        (&json!(4), &json!("serving"))
    );
    let said = service.doorbook(&["projections", "parked", "sessions"]).await;
    assert!(
        KINDS.iter().all(|kind| said.contains(&format!("session-{kind}"))),
        "{said}"
    );

    ended(&admin, &begin(&admin, "sessions/rebuild").await).await;
    let again = admin.get(&parked).await.json();
    assert_eq!(
        again["items"].as_array().unwrap().len(),
        KINDS.len(),
        "a rebuild parks them, too"
    );
    streams_are_retried(&service, &admin, &parked, database).await;
    let page = admin.get(&parked).await.json();
    assert_eq!(page["items"], json!([]));
    service.doorbook(&["projections", "verify"]).await;
    assert_eq!(events(&service, "projection.retried").await.len(), 1 + 1 + 1 + 2 + 4);
}

/// Heals the events, and has their streams read again: one of them over HTTP, twice.
async fn streams_are_retried(service: &Service, admin: &Caller, parked: &str, database: Database) {
    let retry = |kind: &str| format!("{parked}/session-{kind}/retry");
    let early = admin.change(Method::POST, &retry(KINDS[0]), None).await.unwrap();
    let detail = early.expect_problem(409, "still-unreadable").json()["detail"].clone();
    assert!(detail.as_str().unwrap().contains("unknown variant"), "{detail}");

    let heal = "update events set event_type = 'session.refreshed', event_version = '1.0',
         payload = '{\"refreshed\":{\"idle_until\":1,\"at\":1}}' where aggregate_type = 'session'
         and aggregate_id in ('unknown-type', 'broken-json', 'missing-key', 'wrong-version')";
    let guard = match database {
        Database::Sqlite => "drop trigger events_are_not_updated",
        Database::Postgres => "alter table events disable trigger user",
    };
    by_hand(service, database, guard).await;
    by_hand(service, database, heal).await;
    admin
        .change(Method::POST, &retry(KINDS[0]), None)
        .await
        .unwrap()
        .expect(204);
    admin
        .change(Method::POST, &retry(KINDS[0]), None)
        .await
        .unwrap()
        .expect_problem(404, "not-found");
    service
        .doorbook(&["projections", "retry", "sessions", "session-missing-key"])
        .await;
    service.doorbook(&["projections", "retry", "sessions", "--all"]).await;
    service
        .doorbook(&["projections", "retry", "login_history", "--all"])
        .await;
}
