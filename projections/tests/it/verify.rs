use std::sync::Arc;

use doorbook_projections::{
    db::Value,
    engine::{Difference, Differs},
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    bench::{is_true_to_log, open, run, verify},
    history::{claim, session, user},
    log::MemoryLog,
    place::{Place, with_sqlite},
};

on_both!(
    tampered_missing_and_extra_rows_are_named,
    every_difference_is_counted,
    verification_while_the_log_grows_finds_nothing,
    cancelled_verification_leaves_nothing,
    unbuilt_read_model_cannot_be_verified,
);

fn key(text: impl Into<Value>) -> Vec<Value> {
    vec![text.into()]
}

async fn tampered_missing_and_extra_rows_are_named(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 30)).await;
    let tamper = async |table, sql: String| place.tamper("users", 1, table, &sql).await;
    tamper(
        "users",
        format!(
            "update {{table}} set role_auditor = 1, name = 'x' where user_id = {}",
            place.id(user(1).0)
        ),
    )
    .await;
    tamper(
        "users",
        format!("delete from {{table}} where user_id = {}", place.id(user(7).0)),
    )
    .await;
    tamper(
        "user_claims",
        format!(
            "insert into {{table}} (claim, user_id, held) values ('email-x', {}, 1)",
            place.no_id()
        ),
    )
    .await;
    tamper(
        "user_claims",
        format!("update {{table}} set held = null where claim = '{}'", claim(30)),
    )
    .await;

    let report = verify(&running.engine, "users").await;
    let expected = [
        ("users", key(user(1).0), Differs::Columns(vec!["name", "role_auditor"])),
        ("users", key(user(7).0), Differs::Missing),
        ("user_claims", key(&*claim(30).0), Differs::Columns(vec!["held"])),
        ("user_claims", key("email-x"), Differs::Extra),
    ];
    let expected = expected.map(|(table, key, differs)| Difference { table, key, differs });
    assert_eq!(report.differences, expected);
    assert_eq!((report.differing, report.rows), (4, 89));
    assert_eq!(place.generations("users").await, [1], "the shadow is gone");
    running.stop().await;
}

async fn every_difference_is_counted(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 1200)).await;
    place
        .tamper("login_history", 1, "logins", "update {table} set class = 7")
        .await;
    let report = verify(&running.engine, "login_history").await;
    assert_eq!(
        (report.differing, report.differences.len(), report.rows),
        (3600, 1000, 3600 + 3 * 1199 + 2)
    );
    assert_eq!(
        verify(&running.engine, "users").await.differing,
        0,
        "each is compared for itself"
    );
    running.stop().await;
}

async fn verification_while_the_log_grows_finds_nothing(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 50)).await;
    let growth = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for number in 51..150 {
                log.live_on(number, 1);
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
    });
    while !growth.is_finished() {
        is_true_to_log(&running.engine).await;
    }
    running.stop().await;
}

async fn cancelled_verification_leaves_nothing(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 50)).await;
    let cancel = CancellationToken::new();
    let first = cancel.clone();
    assert!(
        running
            .engine
            .verify("users", &|_| first.cancel(), &cancel)
            .await
            .is_err()
    );
    assert_eq!(place.generations("users").await, [1]);
    running.stop().await;
}

async fn unbuilt_read_model_cannot_be_verified(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 5);
    let engine = open(&place, &log).await;
    assert!(
        engine
            .verify("users", &|_| {}, &CancellationToken::new())
            .await
            .is_err()
    );
    assert!(engine.verify("cars", &|_| {}, &CancellationToken::new()).await.is_err());
}

/// A text with the bytes of an id is found by no query, and one bad key does not hide the rows behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_sqlite_takes_for_an_id_is_named() {
    with_sqlite(async |place| {
        let log = Arc::new(MemoryLog::new(1));
        let running = run(open(&place, &log).await);
        running.reaches(log.live_on(1, 30)).await;
        let sessions = format!(
            "update {{table}} set user_id = cast(user_id as text) where session_id = {}",
            place.id(session(9).0)
        );
        place.tamper("sessions", 1, "sessions", &sessions).await;
        for bad in ["'x'", "x'ff'"] {
            let users = format!("insert into {{table}} (user_id) values ({bad})");
            place.tamper("users", 1, "users", &users).await;
        }

        let report = verify(&running.engine, "sessions").await;
        let found = report.differences.into_iter().map(|found| (found.key, found.differs));
        let expected = (key(session(9).0), Differs::Columns(vec!["user_id"]));
        assert_eq!(found.collect::<Vec<_>>(), [expected]);
        let report = verify(&running.engine, "users").await;
        let found = report.differences.into_iter().map(|found| (found.key, found.differs));
        let bad = [key("x"), vec![Value::Blob(Some([255].into()))]];
        assert_eq!(found.collect::<Vec<_>>(), bad.map(|key| (key, Differs::Extra)));
        running.stop().await;
    })
    .await;
}
