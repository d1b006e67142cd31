//! Commands over a seeded log.

use std::io;

use clap::Parser as _;
use doorbook_projections::log::Position;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;

use super::{Cli, Failure, Output, Paper, data_of};
use crate::{
    cli::seed,
    config::Config,
    lock::DirectoryLock,
    open::Durable,
    seed::{
        History, fill,
        tests::{Glass, shape},
    },
    sql::own::OwnDatabase,
    store::{Store, StoreOptions, StoreUrl},
};

/// An embedded log with 2000 events of 20 users.
struct Seeded {
    dir: TempDir,
}

impl Seeded {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let seeded = Self { dir };
        let said = seeded.data("migrate").await.unwrap();
        assert!(said.contains("went from schema 0 to"), "{said}");
        let url: StoreUrl = format!("sqlite:{}/log.db", seeded.dir.path().display())
            .parse()
            .unwrap();
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let history = History::new(shape(20, 2000, 1)).unwrap();
        let taken = store.clone();
        let take = move |batch: Vec<_>| {
            let store = taken.clone();
            async move { store.import(&batch).await }
        };
        fill(history, &Glass::default(), take, |_| {}).await.unwrap();
        store.close().await;
        seeded
    }

    /// What a command writes as data.
    async fn data(&self, command: &str) -> Result<String, Failure> {
        let dir = self.dir.path().to_str().unwrap();
        let line = ["doorbook", "--data-dir", dir].into_iter().chain(command.split(' '));
        data_of(&line.collect::<Vec<_>>()).await
    }

    async fn json(&self, command: &str) -> Vec<Value> {
        let text = self.data(&format!("{command} --json")).await.unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[tokio::test]
async fn second_migration_finds_nothing_to_do() {
    let seeded = Seeded::new().await;
    let said = seeded.data("migrate").await.unwrap();
    assert!(said.contains("already"), "{said}");
}

#[tokio::test]
async fn tail_prints_the_latest_events_or_those_behind_a_position() {
    let seeded = Seeded::new().await;
    let latest = seeded.json("events tail -n 3").await;
    let positions: Vec<&str> = latest.iter().map(|event| event["position"].as_str().unwrap()).collect();
    assert_eq!(positions, ["1998", "1999", "2000"]);
    let first = seeded.json("events tail --after 0 -n 2").await;
    assert_eq!(first.len(), 2);
    assert_eq!(first[0]["type"], "signup.requested");
    let lines = seeded.data("events tail --after 0 -n 2").await.unwrap();
    assert!(
        lines.lines().count() == 2 && lines.contains("signup.requested"),
        "{lines}"
    );
}

#[tokio::test]
async fn show_prints_one_event_without_its_secrets() {
    let seeded = Seeded::new().await;
    let shown = seeded.json("events show 1").await;
    assert_eq!(shown[0]["position"], "1");
    assert_eq!(shown[0]["payload"]["requested"]["password"], "[hidden]");
    assert_eq!(shown[0]["metadata"]["actor"], "anonymous");
    let failure = seeded.data("events show 2001").await.unwrap_err();
    assert_eq!(failure.code(), 1);
    assert!(failure.to_string().contains("no event at position 2001"), "{failure}");
}

#[tokio::test]
async fn rebuilt_read_models_agree_with_the_log() {
    let seeded = Seeded::new().await;
    let before = seeded.json("projections list").await;
    assert!(before.iter().all(|line| line["lag_events"] == 2000), "{before:?}");
    seeded.data("projections rebuild --all").await.unwrap();
    let after = seeded.json("projections list").await;
    assert_eq!(after.len(), 5);
    // Before it the command wrote down that it was wanted, and behind it that it was done, for each.
    assert!(
        after
            .iter()
            .all(|line| line["head"] == "2010" && line["position"] == "2005" && line["state"] == "serving"),
        "{after:?}"
    );
    let runs = seeded.json("projections runs users").await;
    assert_eq!((&runs[0]["state"], &runs[0]["actor"]), (&json!("done"), &json!("cli")));
    assert_eq!(runs[0]["result"]["generation"], 1);
    let verified = seeded.json("projections verify").await;
    assert!(
        verified.iter().all(|line| line["differing"] == 0 && line["rows"] != 0),
        "{verified:?}"
    );
}

#[tokio::test]
async fn paused_projection_is_listed_so_and_a_part_is_folded_in_place() {
    let seeded = Seeded::new().await;
    let unbuilt = seeded.data("projections verify users").await.unwrap_err();
    assert_eq!(unbuilt.code(), 1);
    assert!(unbuilt.to_string().contains("not built yet"), "{unbuilt}");
    let nothing = seeded.data("projections rollback users").await.unwrap_err();
    assert!(nothing.to_string().contains("no earlier generation"), "{nothing}");
    seeded.data("projections rebuild --all").await.unwrap();

    for (command, changed) in [("pause", true), ("pause", false), ("resume", true), ("resume", false)] {
        let said = seeded.json(&format!("projections {command} users")).await;
        assert_eq!(said[0]["changed"], changed, "{command}");
        let listed = seeded.json("projections list").await;
        let state = if command == "pause" { "paused" } else { "serving" };
        assert_eq!(
            (&listed[1]["name"], &listed[1]["state"]),
            (&json!("users"), &json!(state))
        );
    }

    let events = seeded.json("events tail --after 0 -n 2000").await;
    let started = events.iter().find(|event| event["type"] == "session.started").unwrap();
    let stream = started["stream"].as_str().unwrap();
    let done = seeded
        .json(&format!("projections rebuild --all --stream {stream}"))
        .await;
    assert_eq!(
        done[0]["rebuilt"],
        json!(["sessions", "login_history", "audit_trail"]),
        "who reads it"
    );
    let user = started["payload"]["started"]["user_id"].as_str().unwrap();
    let done = seeded.json(&format!("projections rebuild users --user {user}")).await;
    assert!(done[0]["results"][0]["streams"].as_u64().unwrap() >= 2, "{done:?}");
    let unknown = seeded
        .data("projections rebuild users --stream claim-x")
        .await
        .unwrap_err();
    assert!(unknown.to_string().contains("no such stream"), "{unknown}");
    assert!(seeded.data("projections parked").await.unwrap().lines().count() <= 1);
    let free = seeded
        .data(&format!("projections retry sessions {stream}"))
        .await
        .unwrap_err();
    assert!(free.to_string().contains("not parked"), "{free}");
}

#[tokio::test]
async fn unknown_projection_is_refused_with_the_known_ones() {
    let seeded = Seeded::new().await;
    let failure = seeded.data("projections rebuild session").await.unwrap_err();
    assert_eq!(failure.code(), 2);
    assert!(
        failure.to_string().contains("sessions, users, login_history"),
        "{failure}"
    );
}

#[tokio::test]
async fn commands_that_need_a_log_make_none() {
    let dir = tempfile::tempdir().unwrap();
    let absent = dir.path().join("data");
    let absent = absent.to_str().unwrap();
    for command in [
        "user list",
        "user grant ada@example.org admin",
        "audit verify",
        "audit key",
        "audit checkpoint",
        "audit export --format csv",
        "audit rebuild",
        "events tail",
        "events parked",
        "events export",
        "mail list",
        "webhooks list",
        "projections list",
        "keys rotate",
    ] {
        let line = ["doorbook", "--data-dir", absent].into_iter().chain(command.split(' '));
        let failure = data_of(&line.collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(failure.code(), 78, "{command}: {failure}");
        assert_eq!(failure.lines().len(), 1, "{command}");
        let said = format!("there is no log in {absent}: name the directory with --data-dir");
        assert!(failure.to_string().contains(&said), "{command}: {failure}");
        assert!(!dir.path().join("data").exists(), "{command} made something");
    }
}

/// The same of a server: an empty database stays empty.
#[tokio::test]
async fn database_without_a_log_is_said_to_have_none_and_stays_empty() {
    let server = std::env::var("DOORBOOK_TEST_POSTGRES")
        .expect("set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases");
    let name = format!("doorbook_empty_test_{}", crate::ids::uuid_v4().simple());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    connection.execute(&*format!("create database {name}")).await.unwrap();
    let mut url = url::Url::parse(&server).unwrap();
    url.set_path(&name);
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let store = format!("store.url={url}");
    for command in [
        "user list",
        "user grant ada@example.org admin",
        "audit verify",
        "audit export --format csv",
        "events tail",
        "mail list",
        "webhooks list",
        "projections list",
        "projections rebuild --all",
        "keys rotate",
    ] {
        let before = ["doorbook", "--data-dir", data.to_str().unwrap(), "--set", &store];
        let line = before.into_iter().chain(command.split(' '));
        let failure = data_of(&line.collect::<Vec<_>>()).await.unwrap_err();
        assert_eq!(failure.code(), 78, "{command}: {failure}");
        assert!(
            failure.to_string().contains("there is no log in the database"),
            "{command}: {failure}"
        );
        assert!(!data.exists(), "{command} made something");
    }
    let mut own = PgConnection::connect(url.as_str()).await.unwrap();
    let tables: i64 = sqlx::query_scalar(
        "select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')",
    )
    .fetch_one(&mut own)
    .await
    .unwrap();
    assert_eq!(tables, 0);
    own.close().await.unwrap();
    let drop = format!("drop database {name} with (force)");
    connection.execute(&*drop).await.unwrap();
}

/// The other side: who may begin a log does, and the list is whole without a service.
#[tokio::test]
async fn users_are_listed_without_a_service_once_they_were_created() {
    let dir = tempfile::tempdir().unwrap();
    let seeded = Seeded { dir };
    let free = "--set http.admin_listen=127.0.0.1:1";
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$u5Z3hZ9GQ0pQ2nRyC1c1vG0o4nVQXr4mJm9mT2mN0bA";
    for name in ["ada", "bob"] {
        let command = format!("user create {name}@example.org --password-hash {hash} {free}");
        seeded.data(&command).await.unwrap();
        let listed = seeded.data(&format!("user list {free}")).await.unwrap();
        assert!(listed.contains(&format!("{name}@example.org")), "{listed}");
    }
}

#[tokio::test]
async fn database_that_does_not_answer_ends_with_4() {
    let line = "doorbook events tail --set store.url=postgres://nobody@127.0.0.1:1/none";
    let failure = data_of(&line.split(' ').collect::<Vec<_>>()).await.unwrap_err();
    assert_eq!(failure.code(), 4, "{failure}");
    assert!(failure.lines().len() == 1, "{:?}", failure.lines());
}

#[tokio::test]
async fn seeding_fills_an_empty_log_only_and_leaves_followers_nothing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    seeds_once(&["doorbook", "doctor", "--data-dir", dir.path().to_str().unwrap()]).await;
}

/// There, the log numbers what was written a moment later, and the end is not known before.
#[tokio::test]
async fn seeding_postgres_leaves_followers_nothing_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let (dir, database) = (dir.path().to_str().unwrap(), OwnDatabase::create().await);
    let store = format!("store.url={}", database.url());
    seeds_once(&["doorbook", "doctor", "--data-dir", dir, "--set", &store]).await;
}

async fn seeds_once(line: &[&str]) {
    let cli = Cli::try_parse_from(line).unwrap();
    let config = Config::load(&cli.options.sources()).unwrap();
    let durable = Durable::open(&config).await.unwrap();
    let size = seed::Size {
        users: 10,
        events: 500,
        seed: 1,
    };
    let paper = Paper::default();
    let output = Output::to(Box::new(paper.clone()), Box::new(io::sink()), true);
    seed::run(size, &config, &durable, &output).await.unwrap();
    assert!(paper.text().contains("\"events\":500"), "{}", paper.text());

    let head = durable.store.log().head().await.unwrap();
    assert!(head.number() >= 500, "{head}");
    for (follower, at) in [
        ("finisher", head),
        ("eraser", head),
        ("reaper", head),
        ("outbox", head),
        ("shredder", Position::START),
    ] {
        assert_eq!(durable.keyring.cursor(follower).await.unwrap(), at, "{follower}");
    }

    let failure = seed::run(size, &config, &durable, &output).await.unwrap_err();
    assert!(failure.to_string().contains("not empty"), "{failure}");
    durable.keyring.close().await;
    durable.store.close().await;
}

#[tokio::test]
async fn seeding_is_refused_beside_a_service() {
    let dir = tempfile::tempdir().unwrap();
    let _service = DirectoryLock::take(dir.path()).unwrap();
    let line = ["doorbook", "dev", "seed", "--data-dir", dir.path().to_str().unwrap()];
    let failure = data_of(&line).await.unwrap_err();
    assert_eq!(failure.code(), 75, "{failure}");
    assert!(!dir.path().join("log.db").exists());
}
