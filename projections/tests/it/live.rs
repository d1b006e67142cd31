use std::{sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::{all, cursor::Cursor, log::Position, login_history, projection::Projection, users};

use crate::support::{
    bench::{is_true_to_log, open, open_with, reaches, run, until},
    log::MemoryLog,
    place::Place,
};

on_both!(
    live_rows_equal_folded_ones,
    two_engines_at_once_count_nothing_twice,
    stopped_engine_goes_on_where_it_was,
    engine_that_does_not_run_sees_what_another_folds,
    waiting_for_an_event_that_does_not_come_ends,
    lag_is_told_in_events_and_in_seconds,
    gap_in_a_stream_stops_and_is_reported,
);

async fn live_rows_equal_folded_ones(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    for batch in 0..10 {
        let position = log.live_on(batch * 20 + 1, 20);
        running.reaches(position).await;
    }
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn two_engines_at_once_count_nothing_twice(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let first = run(open(&place, &log).await);
    first.reaches(log.live_on(1, 1)).await;
    let second = run(open(&place, &log).await);
    for batch in 1..20 {
        let position = log.live_on(batch * 10 + 1, 10);
        first.reaches(position).await;
        second.reaches(position).await;
    }
    is_true_to_log(&first.engine).await;
    for status in second.engine.status().await.unwrap() {
        assert_eq!(status.fault, None);
    }
    first.stop().await;
    second.stop().await;
}

async fn stopped_engine_goes_on_where_it_was(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 30)).await;
    let before = place.generations("users").await;
    running.stop().await;

    let position = log.live_on(31, 30);
    let running = run(open(&place, &log).await);
    running.reaches(position).await;
    is_true_to_log(&running.engine).await;
    assert_eq!(place.generations("users").await, before, "nothing was rebuilt");
    running.stop().await;
}

async fn engine_that_does_not_run_sees_what_another_folds(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let idle = open(&place, &log).await;
    assert!(
        users::page(&idle.reads(), &Cursor::start(), 10).await.is_err(),
        "nothing is built yet"
    );
    let running = run(open(&place, &log).await);
    let position = log.live_on(1, 5);
    reaches(&idle, position).await;
    assert_eq!(users::page(&idle.reads(), &Cursor::start(), 10).await.unwrap().len(), 5);
    running.stop().await;
}

async fn waiting_for_an_event_that_does_not_come_ends(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let position = log.live_on(1, 1);
    running.reaches(position).await;
    let later = Position::new(position.number() + 1);
    let seen = running
        .engine
        .wait_for("users", later, Duration::from_millis(50))
        .await
        .unwrap();
    assert!(!seen);
    assert!(running.engine.wait_for("cars", position, Duration::ZERO).await.is_err());
    running.stop().await;
}

async fn lag_is_told_in_events_and_in_seconds(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let position = log.live_on(1, 3);
    running.reaches(position).await;
    let engine = running.stop().await;
    let status = engine.status().await.unwrap().remove(0);
    assert_eq!((status.lag_events, status.lag), (0, Duration::ZERO));
    assert_eq!(
        (status.name, status.position, status.generation),
        ("sessions", Some(position), Some(1))
    );

    let head = log.sign_up(99, 1);
    let status = engine.status().await.unwrap().remove(0);
    assert_eq!((status.lag_events, status.head), (2, head));
    assert_eq!(
        status.lag,
        Duration::from_secs(4),
        "events are stored at 1 s, and it is 5 s"
    );
}

async fn gap_in_a_stream_stops_and_is_reported(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open_with(&place, &log, all()).await);
    running.reaches(Position::START).await;
    running.reaches(log.log_in(1, 1, 1, 10)).await;
    log.alter(|events| {
        let mut later = events[0].clone();
        later.position = Position::new(2);
        later.sequence = 3;
        events.push(later);
    });
    until("the gap is reported", || async {
        let status = running.engine.status().await.unwrap();
        status.iter().all(|status| {
            status.position == Some(Position::new(1))
                && status
                    .fault
                    .as_ref()
                    .is_some_and(|fault| fault.contains("does not follow event 1"))
        })
    })
    .await;
    let logins = login_history::page(&running.engine.reads(), &Cursor::start(), 10)
        .await
        .unwrap();
    assert_eq!(logins[0].at, Timestamp::from_micros(10), "what was read is still there");
    running.stop().await;
}

#[test]
fn names_are_those_that_files_and_tables_can_have() {
    for projection in all() {
        let name = projection.name();
        assert!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'),
            "{name}"
        );
        assert_ne!(Projection::version(&*projection), 0);
    }
}
