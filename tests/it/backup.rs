//! The drill: a backup that is made under load, a loss, and what comes back. And what does not.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::{Value, json};

use crate::support::{Caller, Database, PASSWORD, Service};

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const CAROL: &str = "carol@example.org";
const DAVE: &str = "dave@example.org";
const LATER: &str = "nine wet pebbles under the bridge";

async fn prepare() -> Service {
    let mut service = Service::prepare(Database::Sqlite).await;
    service.set("SIGNUP__VERIFY_EMAIL", "false");
    service
}

/// The two files of a backup.
async fn back_up(service: &Service, directory: &Path) -> (String, String) {
    let said = service
        .doorbook(&["backup", directory.to_str().unwrap(), "--json"])
        .await;
    let copied: Value = serde_json::from_str(&said).unwrap();
    let path = |name: &str| copied[name].as_str().unwrap().to_owned();
    (path("log"), path("keys"))
}

/// A service on another machine that has nothing but the master key.
async fn elsewhere(service: &Service) -> Service {
    let other = prepare().await;
    fs::create_dir(other.data()).unwrap();
    let key = other.data().join("master.key");
    fs::copy(service.data().join("master.key"), &key).unwrap();
    other
}

/// The cookie of a browser, brought to another origin.
fn with_cookie_of(service: &Service, browser: &Caller) -> Caller {
    let caller = service.anonymous();
    caller.jar().plant("sessionid", &browser.session_cookie().unwrap());
    caller
}

/// People who sign up, change their passwords and log out until told to stop.
async fn busy(service: Arc<Service>, number: usize, done: Arc<AtomicBool>) -> usize {
    let mut rounds = 0;
    while !done.load(Ordering::SeqCst) {
        let caller = service.signed_up(&format!("busy{number}-{rounds}@example.org")).await;
        let change = json!({"current_password": PASSWORD, "new_password": LATER});
        caller.post("/api/password/change", &change).await.expect(204);
        caller.try_log_out().await.unwrap().expect(200);
        rounds += 1;
    }
    rounds
}

fn listed(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn drill_brings_back_who_was_there_and_nobody_who_was_erased() {
    let mut service = prepare().await;
    service.start_again().await;
    let (ada, bob, carol) = (
        service.signed_up(ADA).await,
        service.signed_up(BOB).await,
        service.signed_up(CAROL).await,
    );
    let mut service = Arc::new(service);
    let done = Arc::new(AtomicBool::new(false));
    let crowd: Vec<_> = (0..3)
        .map(|number| tokio::spawn(busy(Arc::clone(&service), number, Arc::clone(&done))))
        .collect();
    let shelf = service.directory().join("shelf");
    let (log, keys) = back_up(&service, &shelf).await;
    done.store(true, Ordering::SeqCst);
    let mut rounds = 0;
    for one in crowd {
        rounds += one.await.unwrap();
    }
    assert!(rounds >= 3, "the service was not busy");
    let names = listed(&shelf);
    assert_eq!(names.len(), 2, "{names:?}");
    let master = fs::read_to_string(service.data().join("master.key")).unwrap();
    let secret = master.lines().nth(1).unwrap().trim();
    for file in [&log, &keys] {
        let bytes = fs::read(file).unwrap();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }

    // After the backup: one is erased, one logs out, one comes.
    carol.delete("/api/me").await.expect(204);
    let signed_out = ada.session_cookie().unwrap();
    ada.try_log_out().await.unwrap().expect(200);
    service.signed_up(DAVE).await;
    Arc::get_mut(&mut service).unwrap().stop().await;

    let mut other = restored(&service, &log, &keys).await;
    other.start_again().await;
    let revived = other.anonymous();
    revived.jar().plant("sessionid", &signed_out);
    assert!(
        !revived.is_signed_in().await,
        "a logout that the backup does not know holds"
    );
    assert!(!with_cookie_of(&other, &bob).is_signed_in().await);
    for (email, status) in [(ADA, 200), (BOB, 200), (CAROL, 401), (DAVE, 401)] {
        let answer = other.anonymous().try_log_in(email, PASSWORD).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{email}: {answer:?}");
    }
    other.doorbook(&["projections", "verify"]).await;
    let users = other.doorbook(&["user", "list", "--json"]).await;
    assert!(users.contains(ADA) && !users.contains("carol"), "{users}");
    assert!(!users.contains("[erased]"), "{users}");
    all_busy_ones_can_log_in(&other, &users).await;
    other.signed_up(CAROL).await;
    other.signed_up(DAVE).await;
    assert!(!other.log().contains("\"ERROR\""), "{}", other.log());
}

/// Log and keys elsewhere, with what was erased after the backup erased again.
async fn restored(service: &Service, log: &str, keys: &str) -> Service {
    let other = elsewhere(service).await;
    let erasures = service.data().join("erasures.ndjson");
    let line = [
        "restore",
        "--log",
        log,
        "--keys",
        keys,
        "--erasures",
        erasures.to_str().unwrap(),
        "--json",
    ];
    let settled: Value = serde_json::from_str(&other.doorbook(&line).await).unwrap();
    assert_eq!(
        (&settled["erased_again"], &settled["differing"]),
        (&json!(1), &json!(0)),
        "{settled}"
    );
    assert!(settled["signed_out"].as_u64().unwrap() >= 3, "{settled}");
    let again = other.output(&line).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("is there already"));
    other
}

/// Log and keys are of one moment: whoever is in the log has a password that can be checked.
async fn all_busy_ones_can_log_in(service: &Service, users: &str) {
    for line in users.lines().filter(|line| line.contains("busy")) {
        let user: Value = serde_json::from_str(line).unwrap();
        let email = user["email"].as_str().unwrap();
        let mut statuses = Vec::new();
        for password in [PASSWORD, LATER] {
            let answer = service.anonymous().try_log_in(email, password).await.unwrap();
            statuses.push(answer.status.as_u16());
        }
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 401], "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restore_refuses_what_is_no_backup_and_leaves_nothing() {
    let mut service = prepare().await;
    service.start_again().await;
    service.signed_up(ADA).await;
    let shelf = service.directory().join("shelf");
    let (log, keys) = back_up(&service, &shelf).await;

    let other = prepare().await;
    fs::create_dir(other.data()).unwrap();
    let refused = async |line: &[&str], reason: &str| {
        let output = other.output(line).await;
        assert_ne!(output.status.code(), Some(0));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(reason), "{said}");
    };
    refused(&["restore", "--log", &log, "--keys", &keys], "put the master key").await;
    fs::copy(service.data().join("master.key"), other.data().join("master.key")).unwrap();
    refused(&["restore", "--log", &keys, "--keys", &keys], "--log: ").await;
    refused(&["restore", "--log", &log, "--keys", &log], "--keys: ").await;
    refused(&["restore", "--log", &log], "--keys").await;
    refused(
        &["restore", "--log", &log, "--keys", &keys, "--erasures", "nowhere"],
        "there is no file",
    )
    .await;
    assert!(!other.data().join("log.db").exists());
    let running = service.output(&["restore", "--in-place"]).await;
    assert_eq!(running.status.code(), Some(75), "not beside a service");
}

/// Waits until one follower has seen more than the backup has.
async fn followers_are_ahead(service: &Service) {
    crate::support::eventually("a follower is ahead of the backup", || async {
        let text = reqwest::get(format!("{}/metrics", service.admin_origin()))
            .await
            .unwrap();
        let text = text.text().await.unwrap();
        text.contains("process_lag_events{process=\"shredder\"} 0")
            .then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn older_log_beside_newer_keys_stops_the_start_until_it_is_settled() {
    let mut service = prepare().await;
    service.start_again().await;
    let ada = service.signed_up(ADA).await;
    let (log, _) = back_up(&service, &service.directory().join("shelf")).await;
    service.signed_up(BOB).await;
    let change = json!({"current_password": PASSWORD, "new_password": LATER});
    service
        .signed_up(DAVE)
        .await
        .post("/api/password/change", &change)
        .await
        .expect(204);
    followers_are_ahead(&service).await;
    service.stop().await;

    let data = service.data();
    for ending in ["-wal", "-shm"] {
        drop(fs::remove_file(data.join(format!("log.db{ending}"))));
    }
    fs::copy(log, data.join("log.db")).unwrap();
    let refused = service.output(&["user", "list"]).await;
    assert_eq!(refused.status.code(), Some(78));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("restore --in-place"), "{said}");

    let said = service.doorbook(&["restore", "--in-place"]).await;
    assert!(said.contains("users were signed out"), "{said}");
    service.start_again().await;
    assert!(!ada.is_signed_in().await);
    service.anonymous().log_in(ADA).await;
    service.signed_up(BOB).await;
    service.doorbook(&["projections", "verify"]).await;
}

/// Runs a tool of PostgreSQL's on the database.
fn run(tool: &str, arguments: &[&str], service: &Service) {
    let url = service.postgres().url();
    let output = std::process::Command::new(tool)
        .args(arguments)
        .arg(url.as_str())
        .output();
    let output = output.unwrap_or_else(|error| panic!("{tool} of PostgreSQL is not on PATH: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool}: {said}");
}

/// What the guide says for PostgreSQL: the log comes back by its own tools, the rest is settled in place.
#[tokio::test(flavor = "multi_thread")]
async fn log_that_postgres_restored_is_settled_in_place() {
    let mut service = Service::start(Database::Postgres).await;
    let (ada, carol) = (service.signed_up(ADA).await, service.signed_up(CAROL).await);
    let dump = service.directory().join("log.sql");
    let dump = dump.to_str().unwrap();
    run(
        "pg_dump",
        &["--schema=public", "--clean", "--if-exists", "--file", dump],
        &service,
    );
    carol.delete("/api/me").await.expect(204);
    let signed_out = ada.session_cookie().unwrap();
    ada.try_log_out().await.unwrap().expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": LATER});
    let dave = service.signed_up(DAVE).await;
    dave.post("/api/password/change", &change).await.expect(204);
    followers_are_ahead(&service).await;
    service.stop().await;
    run("psql", &["--quiet", "--set=ON_ERROR_STOP=1", "--file", dump], &service);

    let refused = service.output(&["user", "list"]).await;
    assert_eq!(refused.status.code(), Some(78));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("restore --in-place"), "{said}");
    let erasures = service.data().join("erasures.ndjson");
    let line = [
        "restore",
        "--in-place",
        "--erasures",
        erasures.to_str().unwrap(),
        "--json",
    ];
    let settled: Value = serde_json::from_str(&service.doorbook(&line).await).unwrap();
    assert_eq!(
        (&settled["erased_again"], &settled["differing"]),
        (&json!(1), &json!(0)),
        "{settled}"
    );
    service.start_again().await;
    let revived = service.anonymous();
    revived.jar().plant("sessionid", &signed_out);
    assert!(
        !revived.is_signed_in().await,
        "a logout that the log does not know holds"
    );
    for (email, status) in [(ADA, 200), (CAROL, 401), (DAVE, 401)] {
        let answer = service.anonymous().try_log_in(email, PASSWORD).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{email}: {answer:?}");
    }
    service.signed_up(CAROL).await;
    service.signed_up(DAVE).await;
    service.doorbook(&["projections", "verify"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn master_key_is_rotated_while_no_service_runs() {
    let mut service = prepare().await;
    service.start_again().await;
    let ada = service.signed_up(ADA).await;
    let before = fs::read(service.data().join("master.key")).unwrap();
    let refused = service.output(&["keys", "rotate"]).await;
    assert_eq!(refused.status.code(), Some(75), "not beside a service");
    service.stop().await;
    service.doorbook(&["keys", "rotate"]).await;
    assert_ne!(fs::read(service.data().join("master.key")).unwrap(), before);
    service.start_again().await;
    assert!(ada.is_signed_in().await);
    assert_eq!(ada.get("/api/me").await.expect(200).json()["email"], ADA);
    service.anonymous().log_in(ADA).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erased_is_erased_again_though_only_the_keys_know_of_it() {
    let mut service = prepare().await;
    service.start_again().await;
    let carol = service.signed_up(CAROL).await;
    let (log, keys) = back_up(&service, &service.directory().join("shelf")).await;
    carol.delete("/api/me").await.expect(204);
    service.stop().await;

    // Without the list she is back, and the operator is told so.
    let careless = elsewhere(&service).await;
    let output = careless.output(&["restore", "--log", &log, "--keys", &keys]).await;
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("no list of erasures"));
    assert!(careless.doorbook(&["user", "list"]).await.contains(CAROL));

    // The list is applied later, in place, and kept with what comes after.
    let erasures = service.data().join("erasures.ndjson");
    let line = ["restore", "--in-place", "--erasures", erasures.to_str().unwrap()];
    careless.doorbook(&line).await;
    assert!(!careless.doorbook(&["user", "list"]).await.contains(CAROL));
    let list = fs::read_to_string(careless.data().join("erasures.ndjson")).unwrap();
    assert_eq!(list.lines().count(), 1, "{list}");
}
