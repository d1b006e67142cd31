use std::sync::Arc;

use doorbook_projections::{
    cursor::Cursor,
    log::{Position, Recorded},
    sessions, users,
};

use crate::support::{
    bench::{NAMES, is_true_to_log, open, rebuild, run, verify},
    history::{at, session, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    unreadable_event_parks_its_stream_only,
    parked_stream_is_folded_after_a_fix,
    stream_that_is_still_unreadable_stays_parked,
    verification_leaves_out_what_is_parked,
    every_poison_parks_its_stream_only_live_and_by_rebuild,
    parked_streams_are_listed_by_name_a_page_at_a_time,
);

/// A session that starts, then has an event that nobody can read, then ends.
fn poisoned(log: &MemoryLog) -> Position {
    log.sign_up(1, 1);
    log.log_in(1, 1, 1, 10);
    log.append(
        "session",
        &session(1).to_string(),
        "session.teleported",
        r#"{"teleported":{"at":20}}"#,
    );
    log.log_in(1, 2, 1, 30);
    log.log_out(1, 40)
}

fn heal(log: &MemoryLog) {
    log.alter(|events| {
        let event = events
            .iter_mut()
            .find(|event| &*event.event_type == "session.teleported")
            .unwrap();
        event.payload = r#"{"refreshed":{"idle_until":77,"at":20}}"#.into();
        event.event_type = "session.refreshed".into();
    });
}

async fn unreadable_event_parks_its_stream_only(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(Position::START).await;
    running.reaches(poisoned(&log)).await;

    let status = running.engine.status().await.unwrap();
    let parked: Vec<_> = status.iter().map(|status| status.parked.len()).collect();
    assert_eq!(parked, [1, 0, 1, 0, 1], "users and sign-ups do not read sessions");
    let parked = &status[0].parked[0];
    assert_eq!(parked.stream, format!("session-{}", session(1)));
    assert_eq!(
        (parked.position, parked.sequence, parked.since),
        (Position::new(4), 2, at(5_000_000))
    );
    assert!(parked.reason.contains("session.teleported"), "{}", parked.reason);

    let reads = running.engine.reads();
    let first = sessions::find(&reads, session(1)).await.unwrap().unwrap();
    assert_eq!(first.ended, None, "the end stands behind the unreadable event");
    assert!(
        sessions::find(&reads, session(2)).await.unwrap().is_some(),
        "other streams go on"
    );
    assert!(users::find(&reads, user(1)).await.unwrap().is_some());
    running.stop().await;
}

async fn parked_stream_is_folded_after_a_fix(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(Position::START).await;
    running.reaches(poisoned(&log)).await;
    heal(&log);
    let stream = format!("session-{}", session(1));
    for name in ["sessions", "login_history"] {
        running.engine.retry_parked(name, &stream).await.unwrap();
        assert!(
            running.engine.retry_parked(name, &stream).await.is_err(),
            "it is parked no more"
        );
    }
    let row = sessions::find(&running.engine.reads(), session(1))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.ended.unwrap().at, at(40));
    running.reaches(log.live_on(50, 5)).await;
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn stream_that_is_still_unreadable_stays_parked(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(Position::START).await;
    running.reaches(poisoned(&log)).await;
    let stream = format!("session-{}", session(1));
    let error = running.engine.retry_parked("sessions", &stream).await.unwrap_err();
    assert_eq!(error.to_string(), "an event cannot be read");
    let status = running.engine.status().await.unwrap();
    assert_eq!(status[0].parked[0].stream, stream);
    running.stop().await;
}

async fn verification_leaves_out_what_is_parked(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(Position::START).await;
    running.reaches(poisoned(&log)).await;
    for (name, parked) in NAMES.into_iter().zip([1, 0, 1]) {
        let report = verify(&running.engine, name).await;
        assert_eq!((report.differing, report.parked), (0, parked), "{name}");
    }
    let page = users::page(&running.engine.reads(), &Cursor::start(), 10)
        .await
        .unwrap();
    assert_eq!(page.len(), 1);
    running.stop().await;
}

/// What may be wrong with an event: name, type, version, payload.
const POISONS: [(&str, &str, &str, &str); 4] = [
    (
        "unknown type",
        "session.teleported",
        "1.0",
        r#"{"teleported":{"at":20}}"#,
    ),
    (
        "broken JSON",
        "session.refreshed",
        "1.0",
        r#"{"refreshed":{"idle_until":77,"at":20}"#,
    ),
    ("missing key", "session.refreshed", "1.0", r#"{"refreshed":{"at":20}}"#),
    (
        "wrong version",
        "session.refreshed",
        "2.0",
        r#"{"refreshed":{"idle_until":77,"at":20}}"#,
    ),
];

/// Makes the poisons readable.
fn heal_all(log: &MemoryLog) {
    log.alter(|events| {
        let ids: Vec<String> = (1..=4).map(|number| session(number).to_string()).collect();
        let poisoned = |event: &&mut Recorded| event.sequence == 2 && ids.iter().any(|id| **id == *event.stream_id);
        for event in events.iter_mut().filter(poisoned) {
            event.event_type = "session.refreshed".into();
            event.version = "1.0".into();
            event.payload = r#"{"refreshed":{"idle_until":77,"at":20}}"#.into();
        }
    });
}

async fn every_poison_parks_its_stream_only_live_and_by_rebuild(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(50, 1)).await;
    for (number, (_, event_type, version, payload)) in (1..).zip(POISONS) {
        log.sign_up(number, 1);
        log.log_in(number, number, 1, 10);
        log.alter(|events| {
            let mut poison = events.last().unwrap().clone();
            poison.position = Position::new(poison.position.number() + 1);
            poison.sequence = 2;
            poison.event_type = event_type.into();
            poison.version = version.into();
            poison.payload = payload.into();
            events.push(poison);
        });
        log.log_out(number, 40);
    }
    log.log_in(1, 9, 1, 50);
    running.reaches(log.log_out(9, 60)).await;
    let engine = &running.engine;

    for by in ["live", "rebuild"] {
        let parked = engine.parked("sessions", "", 10).await.unwrap();
        assert_eq!(parked.len(), POISONS.len(), "{by}");
        for ((number, parked), (name, ..)) in (1..).zip(&parked).zip(POISONS) {
            assert_eq!(parked.stream, format!("session-{}", session(number)), "{by}: {name}");
            assert_eq!(parked.sequence, 2, "{by}: {name}");
            assert!(
                parked.reason.contains("cannot be read"),
                "{by}: {name}: {}",
                parked.reason
            );
            let row = sessions::find(&engine.reads(), session(number)).await.unwrap();
            assert_eq!(
                row.unwrap().ended,
                None,
                "{by}: {name}: what stands behind it is left out"
            );
        }
        let other = sessions::find(&engine.reads(), session(9)).await.unwrap().unwrap();
        assert!(other.ended.is_some(), "{by}: other streams go on");
        is_true_to_log(engine).await;
        rebuild(engine).await;
        running
            .reaches(log.log_in(2, 1000 + u128::from(by == "live"), 1, 70))
            .await;
    }

    heal_all(&log);
    for name in ["sessions", "login_history"] {
        for parked in engine.parked(name, "", 10).await.unwrap() {
            engine.retry_parked(name, &parked.stream).await.unwrap();
        }
        assert_eq!(engine.parked(name, "", 10).await.unwrap(), []);
    }
    let row = sessions::find(&engine.reads(), session(1)).await.unwrap().unwrap();
    assert_eq!(row.ended.unwrap().at, at(40));
    is_true_to_log(engine).await;
    running.stop().await;
}

async fn parked_streams_are_listed_by_name_a_page_at_a_time(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(Position::START).await;
    let mut last = Position::START;
    for stream in ["s3", "s1", "s2"] {
        last = log.append("session", stream, "session.teleported", "{}");
    }
    running.reaches(last).await;
    let page = async |after: &str| {
        let parked = running.engine.parked("sessions", after, 2).await.unwrap();
        parked.into_iter().map(|parked| parked.stream).collect::<Vec<_>>()
    };
    assert_eq!(page("").await, ["session-s1", "session-s2"]);
    assert_eq!(page("session-s2").await, ["session-s3"]);
    assert!(running.engine.parked("users", "", 2).await.unwrap().is_empty());
    running.stop().await;
}
