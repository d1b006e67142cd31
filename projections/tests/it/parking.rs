use std::sync::Arc;

use doorbook_projections::{cursor::Cursor, log::Position, sessions, users};

use crate::support::{
    bench::{NAMES, is_true_to_log, open, run, verify},
    history::{at, session, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    unreadable_event_parks_its_stream_only,
    parked_stream_is_folded_after_a_fix,
    stream_that_is_still_unreadable_stays_parked,
    verification_leaves_out_what_is_parked,
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
    assert_eq!(parked, [1, 0, 1, 0], "users and sign-ups do not read sessions");
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
