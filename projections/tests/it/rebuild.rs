mod unfit;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use doorbook_domain::{event::Event, session::SessionEvent};
use doorbook_projections::{
    all,
    cursor::Cursor,
    engine::{Engine, Phase, RunState},
    fault::Fault,
    log::{Position, Recorded},
    patch::Patches,
    projection::Projection,
    sessions::{self, Sessions},
    table::Table,
    users,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    bench::{are_true_to_log, is_true_to_log, names, open, open_with, rebuild, run, until, verify},
    history::{at, session},
    log::MemoryLog,
    place::Place,
};

on_both!(
    rebuilding_twice_gives_the_same_rows,
    rebuild_under_appends_never_shows_an_older_state,
    running_engine_follows_a_swap_by_another,
    rebuild_stops_where_the_read_model_itself_fails_and_names_the_event,
    rebuild_that_can_read_next_to_nothing_stops,
    cancelled_rebuild_leaves_everything_as_it_was,
    half_built_generation_goes_at_the_start,
    older_generations_than_the_predecessor_go,
    only_one_rebuilds_at_a_time,
    progress_ends_complete,
    session_that_ends_twice_is_no_obstacle,
);

async fn rebuilding_twice_gives_the_same_rows(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 300);
    let engine = open(&place, &log).await;
    for _ in 0..2 {
        rebuild(&engine).await;
        is_true_to_log(&engine).await;
    }
    assert_eq!(
        users::page(&engine.reads(), &Cursor::start(), 999).await.unwrap().len(),
        300
    );
}

async fn rebuild_under_appends_never_shows_an_older_state(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 50)).await;
    let done = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn({
        let (reads, done) = (running.engine.reads(), Arc::clone(&done));
        async move {
            let mut seen = 50;
            while !done.load(Ordering::Relaxed) {
                let now = users::page(&reads, &Cursor::start(), 10_000).await.unwrap().len();
                assert!(now >= seen, "{now} users after {seen}");
                seen = now;
            }
            seen
        }
    });
    let writer = tokio::spawn({
        let (log, done) = (Arc::clone(&log), Arc::clone(&done));
        async move {
            let mut number = 51;
            while !done.load(Ordering::Relaxed) {
                log.live_on(number, 1);
                number += 1;
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            number - 1
        }
    });
    let other = open(&place, &log).await;
    for _ in 0..3 {
        rebuild(&running.engine).await;
        rebuild(&other).await;
    }
    done.store(true, Ordering::Relaxed);
    let users = writer.await.unwrap();
    let seen = reader.await.unwrap();
    assert!(seen > 50, "the reader saw the log grow");
    running.reaches(log.live_on(users + 1, 1)).await;
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn running_engine_follows_a_swap_by_another(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 5)).await;
    rebuild(&open(&place, &log).await).await;
    until("the engine takes up the new generation", || async {
        let status = running.engine.status().await.unwrap();
        status.iter().all(|status| status.generation == Some(2))
    })
    .await;
    running.reaches(log.live_on(6, 5)).await;
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

/// The read model `sessions`, but it fails on every end.
struct Failing;

impl Projection for Failing {
    fn name(&self) -> &'static str {
        sessions::NAME
    }

    fn version(&self) -> u32 {
        Sessions.version()
    }

    fn aggregates(&self) -> &'static [&'static str] {
        Sessions.aggregates()
    }

    fn tables(&self) -> &'static [Table] {
        Sessions.tables()
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        if &*recorded.event_type == "session.ended" {
            return Err(Fault::plain("it was never taught about ends"));
        }
        Sessions.patches(recorded, event, out)
    }
}

async fn rebuild_stops_where_the_read_model_itself_fails_and_names_the_event(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 1)).await;
    let poison = log.log_out(2, 9);
    running.reaches(poison).await;
    let engine = running.stop().await;
    let failing = open_with(&place, &log, vec![Arc::new(Failing)]).await;
    let fault = rebuild_one(&failing, "sessions").await.unwrap_err();
    let cause = std::error::Error::source(&fault).unwrap().to_string();
    let named = format!("event 3 of stream session-{} at position {poison}", session(2));
    assert!(cause.contains(&named), "{cause}");
    assert_eq!(place.generations("sessions").await, [1], "what serves stays");
    let run = failing.runs("sessions", None, 1).await.unwrap().remove(0);
    assert_eq!(run.state, RunState::Failed);
    assert!(run.error.unwrap().contains(&named));
    rebuild_one(&engine, "sessions").await.unwrap();
}

async fn rebuild_that_can_read_next_to_nothing_stops(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 1)).await;
    for number in 0..1001 {
        log.append("session", &format!("s{number}"), "session.teleported", "{}");
    }
    let engine = running.stop().await;
    assert!(rebuild_one(&engine, "sessions").await.is_err());
    assert_eq!(place.generations("sessions").await, [1]);
    rebuild_one(&engine, "users").await.unwrap();
}

async fn rebuild_one(engine: &Engine, name: &str) -> Result<(), Fault> {
    engine.rebuild(&[name], &|_| {}, &CancellationToken::new()).await
}

async fn cancelled_rebuild_leaves_everything_as_it_was(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let position = log.live_on(1, 20);
    running.reaches(position).await;
    let cancel = CancellationToken::new();
    let at_indices = cancel.clone();
    let progress = move |progress: doorbook_projections::engine::Progress| {
        if progress.phase == Phase::Indexing {
            at_indices.cancel();
        }
    };
    assert!(running.engine.rebuild(&names(), &progress, &cancel).await.is_err());
    for name in names() {
        assert_eq!(place.generations(name).await, [1], "{name}");
    }
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn half_built_generation_goes_at_the_start(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 20)).await;
    let engine = running.stop().await;
    // The future is dropped in the middle, as if the process had been killed.
    let middle = Arc::new(tokio::sync::Notify::new());
    let progress = {
        let middle = Arc::clone(&middle);
        move |_| middle.notify_one()
    };
    let cancel = CancellationToken::new();
    tokio::select! {
        biased;
        () = middle.notified() => {}
        _ = engine.rebuild(&["users"], &progress, &cancel) => panic!("it was to be stopped"),
    }
    assert_eq!(place.generations("users").await, [1, 2]);
    let running = run(open(&place, &log).await);
    until("the half-built generation is gone", || async {
        place.generations("users").await == [1]
    })
    .await;
    running.stop().await;
}

async fn older_generations_than_the_predecessor_go(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 3);
    let engine = open(&place, &log).await;
    for expected in [vec![1], vec![1, 2], vec![2, 3], vec![3, 4]] {
        rebuild(&engine).await;
        assert_eq!(place.generations("sessions").await, expected);
    }
}

async fn only_one_rebuilds_at_a_time(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 10);
    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    let other = open(&place, &log).await;
    let entered = Arc::new(tokio::sync::Notify::new());
    let progress = {
        let entered = Arc::clone(&entered);
        move |_| entered.notify_one()
    };
    let cancel = CancellationToken::new();
    let first = engine.rebuild(&["users"], &progress, &cancel);
    tokio::pin!(first);
    tokio::select! {
        biased;
        () = entered.notified() => {}
        _ = &mut first => panic!("it was to be still at work"),
    }
    assert!(rebuild_one(&other, "users").await.is_err());
    assert!(other.verify("users", &|_| {}, &cancel).await.is_err());
    rebuild_one(&other, "sessions").await.unwrap();
    first.await.unwrap();
    rebuild_one(&other, "users").await.unwrap();
    assert_eq!(verify(&other, "users").await.differing, 0);
}

async fn progress_ends_complete(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let position = log.live_on(1, 500);
    let engine = open_with(&place, &log, all()).await;
    let seen = std::sync::Mutex::new(Vec::new());
    engine
        .rebuild(
            &names(),
            &|progress| seen.lock().unwrap().push(progress),
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    let seen = seen.into_inner().unwrap();
    let loading: Vec<_> = seen
        .iter()
        .filter(|progress| progress.phase == Phase::Loading)
        .collect();
    assert!(loading.is_sorted_by_key(|progress| progress.done), "{loading:?}");
    let last = loading.last().unwrap();
    assert_eq!((Position::new(last.done), last.total), (position, position.number()));
}

/// The domain allows no such log; one bad stream must not keep an admin from a rebuild all the same.
async fn session_that_ends_twice_is_no_obstacle(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.sign_up(1, 1);
    log.log_in(1, 1, 1, 10);
    log.log_out(1, 20);
    log.log_in(1, 2, 1, 25);
    // A load writes 100,000 events at once; within them the two ends would meet.
    for micros in 0..100_000 {
        log.session(
            2,
            &SessionEvent::Refreshed {
                idle_until: at(99),
                at: at(micros),
            },
        );
    }
    log.log_in(1, 1, 1, 30);
    log.log_out(1, 40);

    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    are_true_to_log(&engine, &["login_history", "sessions"]).await;
    let ended = sessions::find(&engine.reads(), session(1))
        .await
        .unwrap()
        .unwrap()
        .ended;
    assert_eq!(ended.map(|ended| ended.at), Some(at(40)));
}
