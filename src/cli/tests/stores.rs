//! Commands over a seeded log.

use std::io;

use clap::Parser as _;
use serde_json::Value;
use tempfile::TempDir;

use super::{Cli, Failure, Output, Paper, data_of};
use crate::{
    cli::seed,
    config::Config,
    open,
    seed::{
        History, fill,
        tests::{Glass, shape},
    },
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
    assert_eq!(after.len(), 4);
    assert!(
        after
            .iter()
            .all(|line| line["lag_events"] == 0 && line["position"] == "2000"),
        "{after:?}"
    );
    let verified = seeded.json("projections verify").await;
    assert!(
        verified.iter().all(|line| line["differing"] == 0 && line["rows"] != 0),
        "{verified:?}"
    );
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
async fn log_that_was_never_made_is_said_to_be_so() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().to_str().unwrap();
    let failure = data_of(&["doorbook", "events", "tail", "--data-dir", dir])
        .await
        .unwrap_err();
    assert_ne!(failure.code(), 0);
    assert!(failure.to_string().contains("store.url"), "{failure}");
}

#[tokio::test]
async fn database_that_does_not_answer_ends_with_4() {
    let line = "doorbook events tail --set store.url=postgres://nobody@127.0.0.1:1/none";
    let failure = data_of(&line.split(' ').collect::<Vec<_>>()).await.unwrap_err();
    assert_eq!(failure.code(), 4, "{failure}");
    assert!(failure.lines().len() == 1, "{:?}", failure.lines());
}

#[tokio::test]
async fn seeding_fills_an_empty_log_only() {
    let dir = tempfile::tempdir().unwrap();
    let line = [
        "doorbook",
        "migrate",
        "--data-dir",
        dir.path().to_str().unwrap(),
        "--json",
    ];
    data_of(&line).await.unwrap();
    let cli = Cli::try_parse_from(line).unwrap();
    let config = Config::load(&cli.options.sources()).unwrap();
    let store = open::store(&config).await.unwrap();
    let size = seed::Size {
        users: 10,
        events: 500,
        seed: 1,
    };
    let paper = Paper::default();
    let output = Output::to(Box::new(paper.clone()), Box::new(io::sink()), true);
    seed::run(size, &config, &store, &Glass::default(), &output)
        .await
        .unwrap();
    assert!(paper.text().contains("\"events\":500"), "{}", paper.text());
    let failure = seed::run(size, &config, &store, &Glass::default(), &output)
        .await
        .unwrap_err();
    assert!(failure.to_string().contains("not empty"), "{failure}");
    store.close().await;
}
