use std::{process::Command, time::Duration};

use doorbook_projections::log::Position;

use super::{
    adversary::{assert_complete, read_along, write},
    fixture::{Database, Fixture, add, follow, open},
};

/// Copies one database into another through a dump, as an operator would.
async fn dump_and_restore(from: &Database, into: &Database) {
    let pipe = format!(
        "pg_dump '{}' | psql --quiet --set ON_ERROR_STOP=1 '{}'",
        from.conninfo(),
        into.conninfo()
    );
    let shell = move || Command::new("bash").args(["-o", "pipefail", "-c", &pipe]).output();
    let output = tokio::task::spawn_blocking(shell).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_dump_is_the_same_log_in_the_same_order_and_goes_on() {
    let fixture = Fixture::postgres().await;
    let (writers, committed) = write(fixture.database(), Duration::from_secs(2)).await;
    let before = read_along(fixture.log(), writers, &committed).await;
    assert_complete(&before, committed.count());

    let fresh = Database::create().await;
    dump_and_restore(fixture.database(), &fresh).await;
    let restored = open(&fresh.url()).await;
    assert_eq!(restored.log().id().await.unwrap(), fixture.log().id().await.unwrap());
    assert_eq!(follow(&*restored.log(), Position::START, before.len()).await, before);

    add(&restored, "new", &[1, 1]).await.unwrap();
    let last = before.last().unwrap();
    add(&restored, &last.stream_id, &[1]).await.unwrap();
    let mut all = before.clone();
    all.extend(follow(&*restored.log(), last.position, 3).await);
    assert_complete(&all, before.len() + 3);
    restored.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dump_taken_among_writers_restores_to_a_log_without_holes() {
    let fixture = Fixture::postgres().await;
    let fresh = Database::create().await;
    let (writers, committed) = write(fixture.database(), Duration::from_secs(3)).await;
    let reading = read_along(fixture.log(), writers, &committed);
    let (before, ()) = tokio::join!(reading, async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        dump_and_restore(fixture.database(), &fresh).await;
    });

    let mut connection = fresh.connect().await;
    let events: i64 = sqlx::query_scalar("select count(*) from events")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let numbered: i64 = sqlx::query_scalar("select count(*) from log")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let (events, numbered) = (usize::try_from(events).unwrap(), usize::try_from(numbered).unwrap());
    assert!(events > 10 && numbered <= events);

    let restored = open(&fresh.url()).await;
    let after = follow(&*restored.log(), Position::START, events).await;
    assert_complete(&after, events);
    assert_eq!(after[..numbered], before[..numbered], "what had a position keeps it");
    restored.close().await;
}
