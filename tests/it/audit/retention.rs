use std::fs;

use super::*;

on_each_store!(service_forgets_at_its_start_what_it_should_have_forgotten_while_it_stood);

/// The oldest logins of the history that `dev seed` invents: half a year of it.
async fn oldest(auditor: &Caller, before: &str) -> Vec<Value> {
    let path = format!("/api/audit/logins?to={before}&outcome=success&limit=200");
    items(auditor, &path).await
}

fn days_ago(days: u64) -> String {
    let now = doorbook::clock::Clock::system().now();
    now.minus(std::time::Duration::from_hours(24 * days)).to_string()
}

async fn seeded(database: Database) -> Service {
    let mut service = Service::prepare(database).await;
    service.set("HTTP__TRUSTED_PROXIES", "127.0.0.0/8");
    let seed = ["dev", "seed", "--users", "20", "--events", "600", "--seed", "7"];
    service.doorbook(&seed).await;
    service
}

async fn signed_in(service: &Service) -> Caller {
    let caller = service.anonymous();
    caller.log_in(AUDITOR).await;
    caller
}

fn all_erased(rows: &[Value]) -> bool {
    let erased = |row: &Value| row["ip"] == "[erased]" && row["user_agent"] == "[erased]";
    rows.iter().all(erased)
}

async fn service_forgets_at_its_start_what_it_should_have_forgotten_while_it_stood(database: Database) {
    let mut service = seeded(database).await;
    service.start_again().await;
    let auditor = auditor(&service).await;
    // Whole months that are older than 60 days are older than 92 at the latest.
    let (long_ago, lately) = (days_ago(92), days_ago(59));
    let before = oldest(&auditor, &long_ago).await;
    assert!(before.len() > 3, "{before:?}");
    assert!(
        before
            .iter()
            .all(|row| row["ip"].as_str().is_some_and(|ip| ip != "[erased]"))
    );
    let ip = before[0]["ip"].as_str().unwrap().to_owned();
    let by_ip = |to: &str| format!("/api/audit/logins?ip={ip}&to={to}");
    assert!(!items(&auditor, &by_ip(&long_ago)).await.is_empty());
    let recent = format!("/api/audit/logins?from={lately}&limit=200");
    let known = items(&auditor, &recent).await;
    let shelf = service.directory().join("shelf");
    if database == Database::Sqlite {
        service.doorbook(&["backup", shelf.to_str().unwrap()]).await;
    }

    service.stop().await;
    service.set("AUDIT__RETENTION", "60d");
    service.start_again().await;
    let auditor = signed_in(&service).await;
    eventually("old months are forgotten", || async {
        all_erased(&oldest(&auditor, &long_ago).await).then_some(())
    })
    .await;
    let after = oldest(&auditor, &long_ago).await;
    assert_eq!(after.len(), before.len(), "the rows stay");
    assert_eq!(after[0]["email"], before[0]["email"]);
    assert_eq!(items(&auditor, &by_ip(&long_ago)).await, [Value::Null; 0]);
    let still = items(&auditor, &recent).await;
    assert!(still.iter().all(|row| row["ip"] != "[erased]"), "{still:?}");
    assert!(still.len() >= known.len());
    let event = items(
        &auditor,
        &format!("/api/audit/events?type=session.started&to={long_ago}"),
    )
    .await;
    assert_eq!(event[0]["data"]["origin"], "[erased]");
    assert!(event[0]["data"].get("ip_bucket").is_none(), "{}", event[0]);

    service.doorbook(&["projections", "verify"]).await;
    service.doorbook(&["projections", "rebuild", "login_history"]).await;
    service.doorbook(&["projections", "verify"]).await;
    service.doorbook(&["audit", "verify"]).await;
    assert!(all_erased(&oldest(&auditor, &long_ago).await));
    if database == Database::Sqlite {
        older_copy_brings_nothing_back(&mut service, &shelf, &long_ago).await;
    }
}

/// Nor does a service that has no retention any more.
async fn older_copy_brings_nothing_back(service: &mut Service, shelf: &std::path::Path, long_ago: &str) {
    service.stop().await;
    let mut other = Service::prepare(Database::Sqlite).await;
    fs::create_dir(other.data()).unwrap();
    fs::copy(service.data().join("master.key"), other.data().join("master.key")).unwrap();
    let copy = |kind: &str| {
        let mut files = fs::read_dir(shelf).unwrap().map(|entry| entry.unwrap().path());
        let file = files.find(|file| file.file_name().unwrap().to_str().unwrap().starts_with(kind));
        file.unwrap().display().to_string()
    };
    let list = service.data().join("erasures.ndjson").display().to_string();
    let (log, keys) = (copy("log-"), copy("keys-"));
    let line = ["restore", "--log", &log, "--keys", &keys, "--erasures", &list, "--json"];
    let settled: Value = serde_json::from_str(&other.doorbook(&line).await).unwrap();
    assert!(settled["months_forgotten"].as_u64().unwrap() >= 3, "{settled}");
    other.start_again().await;
    let auditor = signed_in(&other).await;
    let rows = oldest(&auditor, long_ago).await;
    assert!(rows.len() > 3 && all_erased(&rows), "{rows:?}");
    assert_eq!(
        fs::read_to_string(other.data().join("erasures.ndjson")).unwrap(),
        fs::read_to_string(list).unwrap()
    );
}
