use std::{future::Future, sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;

use super::{Browser, Flow, Flows, Pending};
use crate::{
    clock::Clock,
    config::Database,
    social::flow::{Intent, Landing},
    sql::own::OwnDatabase,
};

fn flow(provider: &str) -> Flow {
    Flow::begin(provider, Intent::LogIn, Landing::Page, None, Timestamp::from_micros(7)).0
}

fn pending() -> Pending {
    Pending {
        provider: "github".to_owned(),
        subject: "canary-583231".to_owned(),
        email: Some("canary@example.org".to_owned()),
        name: None,
        verified: false,
        account: None,
        return_to: None,
    }
}

/// Runs `test` on a table of its own, on SQLite and on PostgreSQL.
async fn on_both<F: Future<Output = ()>>(test: impl Fn(Arc<Flows>, Clock, Database) -> F) {
    let dir = tempfile::tempdir().unwrap();
    one(&test, Database::Sqlite(dir.path().join("flows.db"))).await;
    let postgres = OwnDatabase::create().await;
    one(&test, Database::Postgres(postgres.url().into())).await;
}

async fn one<F: Future<Output = ()>>(test: impl Fn(Arc<Flows>, Clock, Database) -> F, database: Database) {
    let clock = Clock::standing(Timestamp::from_micros(1_700_000_000_000_000));
    let flows = Arc::new(Flows::open(&database, [7; 32], clock.clone()).await.unwrap());
    test(Arc::clone(&flows), clock, database).await;
    flows.close().await;
}

#[tokio::test]
async fn flow_is_taken_once_by_the_browser_that_began_it() {
    on_both(|flows, _, _| async move {
        let (mine, other) = (Browser::random(), Browser::random());
        flows.begin(&mine, "state", &flow("github")).await.unwrap();
        assert_eq!(flows.take(&other, "state").await.unwrap(), None);
        assert_eq!(flows.take(&mine, "another").await.unwrap(), None);
        let taken = flows.take(&mine, "state").await.unwrap().unwrap();
        assert_eq!(taken.provider, "github");
        assert_eq!(flows.take(&mine, "state").await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_take_it_at_once_one_gets_it() {
    on_both(|flows, _, _| async move {
        let browser = Browser::random();
        flows.begin(&browser, "state", &flow("github")).await.unwrap();
        let takers = (0..32).map(|_| {
            let (flows, browser) = (Arc::clone(&flows), browser.clone());
            tokio::spawn(async move { flows.take(&browser, "state").await.unwrap().is_some() })
        });
        let mut got = 0;
        for taker in takers.collect::<Vec<_>>() {
            got += usize::from(taker.await.unwrap());
        }
        assert_eq!(got, 1);
    })
    .await;
}

#[tokio::test]
async fn flow_ends_after_ten_minutes_and_a_proven_identity_after_thirty() {
    on_both(|flows, clock, _| async move {
        let browser = Browser::random();
        flows.begin(&browser, "early", &flow("github")).await.unwrap();
        flows.begin(&browser, "late", &flow("github")).await.unwrap();
        flows.hold(&browser, &pending()).await.unwrap();
        clock.advance(Duration::from_mins(10) - Duration::from_micros(1));
        assert!(flows.take(&browser, "early").await.unwrap().is_some());
        clock.advance(Duration::from_micros(1));
        assert_eq!(flows.take(&browser, "late").await.unwrap(), None);
        assert!(flows.held(&browser).await.unwrap().is_some());
        clock.advance(Duration::from_mins(20));
        assert_eq!(flows.held(&browser).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn proven_identity_is_seen_often_and_taken_once_in_its_browser() {
    on_both(|flows, _, _| async move {
        let browser = Browser::random();
        flows.hold(&browser, &pending()).await.unwrap();
        assert_eq!(flows.held(&Browser::random()).await.unwrap(), None);
        assert_eq!(flows.held(&browser).await.unwrap(), Some(pending()));
        assert_eq!(flows.take_held(&browser).await.unwrap(), Some(pending()));
        assert_eq!(flows.take_held(&browser).await.unwrap(), None);
        // What was begun is no proven identity, and the other way round.
        flows.begin(&browser, "state", &flow("github")).await.unwrap();
        assert_eq!(flows.held(&browser).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn other_node_takes_what_this_one_began() {
    on_both(|flows, clock, database| async move {
        let browser = Browser::random();
        flows.begin(&browser, "state", &flow("github")).await.unwrap();
        let other = Flows::open(&database, [7; 32], clock).await.unwrap();
        assert!(other.take(&browser, "state").await.unwrap().is_some());
        assert_eq!(flows.take(&browser, "state").await.unwrap(), None);
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn one_browser_keeps_its_sixteen_youngest() {
    on_both(|flows, clock, _| async move {
        let browser = Browser::random();
        for number in 0..20 {
            flows
                .begin(&browser, &number.to_string(), &flow("github"))
                .await
                .unwrap();
            clock.advance(Duration::from_secs(1));
        }
        for number in 0..20 {
            let taken = flows.take(&browser, &number.to_string()).await.unwrap();
            assert_eq!(taken.is_some(), number >= 4, "{number}");
        }
    })
    .await;
}

#[tokio::test]
async fn nothing_in_the_table_can_be_read_or_used() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::Sqlite(dir.path().join("flows.db"));
    let clock = Clock::standing(Timestamp::from_micros(1_700_000_000_000_000));
    let flows = Flows::open(&database, [7; 32], clock.clone()).await.unwrap();
    let browser = Browser::random();
    let begun = flow("github");
    flows.begin(&browser, "the-state-itself", &begun).await.unwrap();
    flows.hold(&browser, &pending()).await.unwrap();
    let files = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let bytes: Vec<u8> = files.flat_map(|file| std::fs::read(file).unwrap()).collect();
    for secret in [
        "the-state-itself",
        &browser.cookie(),
        &begun.verifier,
        &begun.nonce,
        "canary",
    ] {
        let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found, "{secret}");
    }
    // Another key opens nothing.
    let other = Flows::open(&database, [8; 32], clock).await.unwrap();
    assert!(other.held(&browser).await.is_err());
}
