use std::time::Duration;

use doorbook_projections::log::Position;
use sqlx::{Executor, PgConnection};
use tokio::time::{Instant, sleep};

use super::{
    adversary::{assert_complete, read_along, write},
    fixture::{Fixture, PATIENCE, add, follow, open, order},
};

/// The server ends the session that numbers the events, if there is one.
const KILL: &str = "select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())";

async fn leaders(connection: &mut PgConnection) -> i64 {
    let query = KILL.replace("pg_terminate_backend(pid)", "count(*)");
    sqlx::query_scalar(&query).fetch_one(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_sequencer_is_taken_over_and_nothing_is_skipped_or_doubled() {
    let fixture = Fixture::postgres().await;
    let mut others = vec![open(&fixture.url).await, open(&fixture.url).await];
    let (writers, committed) = write(fixture.database(), Duration::from_secs(5)).await;
    let reading = read_along(fixture.log(), writers, &committed);
    let killing = async {
        let mut connection = fixture.database().connect().await;
        let mut kills = 0;
        for round in 0..14 {
            sleep(Duration::from_millis(rand::random_range(100..500))).await;
            kills += leaders(&mut connection).await;
            connection.execute(KILL).await.unwrap();
            if round == 7 {
                drop(others.pop());
            }
        }
        kills
    };
    let (events, kills) = tokio::join!(reading, killing);
    assert_complete(&events, committed.count());
    assert!(kills >= 5, "only {kills} sequencers were killed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_numbers_and_the_next_goes_on_when_it_ends() {
    let fixture = Fixture::postgres().await;
    let other = open(&fixture.url).await;
    let mut connection = fixture.database().connect().await;
    add(&fixture.store, "a", &[1]).await.unwrap();
    add(&other, "b", &[1]).await.unwrap();
    follow(&*fixture.log(), Position::START, 2).await;
    assert_eq!(leaders(&mut connection).await, 1);

    fixture.store.clone().close().await;
    add(&other, "a", &[1]).await.unwrap();
    assert_eq!(order(&follow(&*other.log(), Position::new(2), 1).await), [("a", 2)]);
    assert_eq!(leaders(&mut connection).await, 1);

    other.close().await;
    let deadline = Instant::now() + PATIENCE;
    while leaders(&mut connection).await > 0 {
        assert!(Instant::now() < deadline, "the lock outlives the last process");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn skipped_event_is_found_by_the_audit_and_numbered_late() {
    let fixture = Fixture::postgres().await;
    add(&fixture.store, "a", &[1, 1]).await.unwrap();
    follow(&*fixture.log(), Position::START, 2).await;
    fixture.store.clone().close().await;
    // As if a defect had settled an id too early.
    fixture
        .sql("alter table log disable trigger all; delete from log where event_id = 2")
        .await
        .unwrap();
    fixture.sql("update sequencer set low = 2").await.unwrap();
    let store = open(&fixture.url).await;
    let found = follow(&*store.log(), Position::new(1), 1).await;
    assert_eq!(order(&found), [("a", 2)]);
    store.close().await;
}
