//! Runs, pauses and going back, as admins see them.

use std::sync::Arc;

use doorbook_projections::{
    cursor::Cursor,
    engine::{Denied, Ended, Engine, Kind, Order, Run, RunState, Scope, Wellbeing},
    sessions, users,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{
    bench::{SOON, is_true_to_log, names, open, rebuild, run, until, verify},
    history::{session, user},
    log::MemoryLog,
    place::Place,
};

on_both!(
    runs_are_remembered_with_what_came_of_them,
    verification_remembers_the_rows_that_differ,
    dead_run_is_interrupted_and_the_next_one_starts_clean,
    run_is_cancelled_from_elsewhere_and_leaves_what_serves,
    second_run_is_denied_while_one_is_under_way,
    paused_read_model_stays_where_it_is_over_a_restart,
    rebuild_of_a_paused_read_model_leaves_it_paused,
    going_back_swaps_and_catches_up_and_goes_forward_again,
    going_back_is_denied_where_nothing_fits,
    stream_is_folded_in_place,
    rows_about_a_user_are_folded_in_place,
    unknown_names_are_denied,
);

fn order<'a>(kind: Kind, names: &'a [&'a str], scope: Scope) -> Order<'a> {
    Order {
        kind,
        names,
        scope,
        actor: "user-ada",
    }
}

async fn carry_out(engine: &Engine, order: &Order<'_>) -> Vec<Ended> {
    let work = engine.begin(order).await.unwrap();
    work.carry_out(&|_| {}, &CancellationToken::new()).await.unwrap()
}

async fn latest(engine: &Engine, name: &str) -> Run {
    engine.runs(name, None, 1).await.unwrap().remove(0)
}

async fn runs_are_remembered_with_what_came_of_them(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let head = log.live_on(1, 20);
    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    carry_out(&engine, &order(Kind::Rebuild, &["users"], Scope::Whole)).await;
    carry_out(&engine, &order(Kind::Verify, &["users"], Scope::Whole)).await;

    let other = open(&place, &log).await;
    let runs = other.runs("users", None, 10).await.unwrap();
    let told: Vec<_> = runs
        .iter()
        .map(|run| (run.number, run.kind, run.actor.as_str(), run.state))
        .collect();
    let expected = [
        (3, Kind::Verify, "user-ada", RunState::Done),
        (2, Kind::Rebuild, "user-ada", RunState::Done),
        (1, Kind::Rebuild, "system", RunState::Done),
    ];
    assert_eq!(told, expected);
    let verified = runs[0].outcome.as_ref().unwrap();
    assert_eq!((verified.differing, verified.position), (Some(0), Some(head.number())));
    let rebuilt = runs[1].outcome.as_ref().unwrap();
    assert_eq!((rebuilt.generation, rebuilt.parked), (Some(2), 0));
    assert_eq!(runs[1].id.get_version_num(), 7);
    assert_eq!(other.run_of("users", runs[1].id).await.unwrap(), runs[1]);

    let page = other.runs("users", Some(3), 1).await.unwrap();
    assert_eq!(page, runs[1..2]);
    assert!(matches!(
        other.run_of("sessions", runs[1].id).await,
        Err(Denied::NoSuchRun)
    ));
    assert!(matches!(other.cancel("users", runs[0].id).await, Err(Denied::RunOver)));
}

async fn verification_remembers_the_rows_that_differ(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 150);
    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    place
        .tamper("login_history", 1, "logins", "update {table} set class = 7")
        .await;
    carry_out(&engine, &order(Kind::Verify, &["login_history"], Scope::Whole)).await;
    let outcome = latest(&engine, "login_history").await.outcome.unwrap();
    assert_eq!((outcome.differing, outcome.differences.len()), (Some(450), 100));
    let first = &outcome.differences[0];
    assert_eq!((first.table.as_str(), first.differs.as_str()), ("logins", "columns"));
    assert_eq!(first.columns, ["class"]);
}

async fn dead_run_is_interrupted_and_the_next_one_starts_clean(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 20)).await;
    let other = open(&place, &log).await;
    let middle = Arc::new(tokio::sync::Notify::new());
    let progress = {
        let middle = Arc::clone(&middle);
        move |_| middle.notify_one()
    };
    let cancel = CancellationToken::new();
    let wish = order(Kind::Rebuild, &["users"], Scope::Whole);
    let work = other.begin(&wish).await.unwrap();
    let id = work.runs()[0].id;
    assert_eq!(
        running.engine.run_of("users", id).await.unwrap().state,
        RunState::Running
    );
    // The future is dropped in the middle, as if the process had been killed.
    tokio::select! {
        biased;
        () = middle.notified() => {}
        _ = work.carry_out(&progress, &cancel) => panic!("it was to be stopped"),
    }
    until("the dead run is seen to be dead", || async {
        running.engine.run_of("users", id).await.unwrap().state == RunState::Interrupted
    })
    .await;
    assert_eq!(running.engine.status().await.unwrap()[1].run, None);
    carry_out(&running.engine, &wish).await;
    assert_eq!(place.generations("users").await.len(), 2, "the half-built one is gone");
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn run_is_cancelled_from_elsewhere_and_leaves_what_serves(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 20)).await;
    let other = open(&place, &log).await;
    let work = other
        .begin(&order(Kind::Rebuild, &["users", "sessions"], Scope::Whole))
        .await
        .unwrap();
    let ids: Vec<Uuid> = work.runs().iter().map(|run| run.id).collect();
    running.engine.cancel("users", ids[0]).await.unwrap();
    // It would be done before it looks; what it reports makes it wait until it has.
    let slow = |_| std::thread::sleep(std::time::Duration::from_millis(300));
    let outcome = work.carry_out(&slow, &CancellationToken::new()).await;
    assert_eq!(outcome.unwrap_err().to_string(), "it was cancelled");
    for (name, id) in [("users", ids[0]), ("sessions", ids[1])] {
        assert_eq!(
            other.run_of(name, id).await.unwrap().state,
            RunState::Cancelled,
            "{name}"
        );
        assert_eq!(place.generations(name).await, [1], "{name}");
    }
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn second_run_is_denied_while_one_is_under_way(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 5);
    let engine = open(&place, &log).await;
    rebuild(&engine).await;
    let other = open(&place, &log).await;
    let first = engine
        .begin(&order(Kind::Verify, &["users"], Scope::Whole))
        .await
        .unwrap();
    for (kind, scope) in [
        (Kind::Rebuild, Scope::Whole),
        (Kind::Verify, Scope::Whole),
        (Kind::Rebuild, Scope::User(user(1).0)),
    ] {
        let second = other.begin(&order(kind, &["sessions", "users"], scope)).await;
        assert!(matches!(second, Err(Denied::Busy)));
    }
    let back = other.roll_back("users").await;
    assert!(matches!(back, Err(Denied::Busy)));
    let status = other.status().await.unwrap();
    assert_eq!(status[1].run.as_ref().unwrap().id, first.runs()[0].id);
    assert_eq!(status[0].run, None, "what was not denied for itself is free again");
    carry_out(&other, &order(Kind::Verify, &["sessions"], Scope::Whole)).await;
    first.carry_out(&|_| {}, &CancellationToken::new()).await.unwrap();
    carry_out(&other, &order(Kind::Rebuild, &["users"], Scope::Whole)).await;
}

async fn paused_read_model_stays_where_it_is_over_a_restart(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let before = log.live_on(1, 5);
    running.reaches(before).await;
    assert!(running.engine.pause("users").await.unwrap());
    assert!(!running.engine.pause("users").await.unwrap(), "it was so already");
    let after = log.live_on(6, 5);
    let waits = running.engine.wait_for("users", after, SOON * 10);
    assert!(!waits.await.unwrap(), "who waits for it is sent away at once");
    assert!(running.engine.wait_for("sessions", after, SOON).await.unwrap());
    running.stop().await;

    let running = run(open(&place, &log).await);
    assert!(running.engine.wait_for("sessions", after, SOON).await.unwrap());
    let status = running.engine.status().await.unwrap().remove(1);
    assert_eq!((status.wellbeing(), status.position), (Wellbeing::Paused, Some(before)));
    assert_eq!(status.lag_events, after.number() - before.number());
    let listed = users::page(&running.engine.reads(), &Cursor::start(), 99)
        .await
        .unwrap();
    assert_eq!(listed.len(), 5, "it can still be read");

    assert!(running.engine.resume("users").await.unwrap());
    running.reaches(after).await;
    assert_eq!(
        running.engine.status().await.unwrap()[1].wellbeing(),
        Wellbeing::Serving
    );
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn rebuild_of_a_paused_read_model_leaves_it_paused(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 5)).await;
    let engine = &running.engine;
    engine.pause("users").await.unwrap();
    let seen = log.live_on(6, 5);
    carry_out(engine, &order(Kind::Rebuild, &["users"], Scope::Whole)).await;
    until("the new generation serves", || async {
        let status = engine.status().await.unwrap().remove(1);
        (status.generation, status.position, status.wellbeing()) == (Some(2), Some(seen), Wellbeing::Paused)
    })
    .await;
    running.stop().await;
}

async fn going_back_swaps_and_catches_up_and_goes_forward_again(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 20)).await;
    let engine = &running.engine;
    rebuild(engine).await;
    running.reaches(log.live_on(21, 20)).await;
    for expected in [1, 2] {
        let back = engine.roll_back("users").await.unwrap();
        assert_eq!((back.from, back.to), (3 - expected, expected));
        until("the other generation serves", || async {
            let status = engine.status().await.unwrap().remove(1);
            let pages = users::page(&engine.reads(), &Cursor::start(), 99).await.unwrap();
            assert_eq!(pages.len(), 40, "nobody sees less");
            (status.generation, status.previous) == (Some(expected), Some(3 - expected))
        })
        .await;
        is_true_to_log(engine).await;
    }
    running.stop().await;
}

async fn going_back_is_denied_where_nothing_fits(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    log.live_on(1, 5);
    let engine = open(&place, &log).await;
    assert!(matches!(engine.roll_back("users").await, Err(Denied::NothingBefore)));
    rebuild(&engine).await;
    assert!(matches!(engine.roll_back("users").await, Err(Denied::NothingBefore)));
    let longer = Arc::new(MemoryLog::new(2));
    longer.live_on(1, 9);
    let elsewhere = open(&place, &longer).await;
    rebuild(&elsewhere).await;
    let back = elsewhere.roll_back("users").await;
    assert!(matches!(back, Err(Denied::EarlierMisfit)), "it is of another log");
    assert_eq!(elsewhere.status().await.unwrap()[1].generation, Some(2));
}

async fn stream_is_folded_in_place(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 5)).await;
    let engine = &running.engine;
    let broken = session(2);
    place
        .tamper(
            "sessions",
            1,
            "sessions",
            &format!(
                "update {{table}} set method = 'magic' where session_id = {}",
                place.id(broken.0)
            ),
        )
        .await;
    assert_eq!(verify(engine, "sessions").await.differing, 1);
    let scope = Scope::Stream(format!("session-{broken}"));
    let ended = carry_out(engine, &order(Kind::Rebuild, &["sessions"], scope.clone())).await;
    assert_eq!(ended, [Ended::Refolded { streams: 1, parked: 0 }]);
    assert_eq!(latest(engine, "sessions").await.scope, scope);
    is_true_to_log(engine).await;
    for unknown in ["session-nobody", "user", "claim-x"] {
        let scope = Scope::Stream(unknown.to_owned());
        let denied = engine.begin(&order(Kind::Rebuild, &["sessions"], scope)).await;
        assert!(matches!(denied, Err(Denied::NoSuchStream)), "{unknown}");
    }
    running.reaches(log.live_on(6, 2)).await;
    running.stop().await;
}

async fn rows_about_a_user_are_folded_in_place(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 5)).await;
    let engine = &running.engine;
    let gone = session(4);
    place
        .tamper(
            "sessions",
            1,
            "sessions",
            &format!(
                "delete from {{table}} where session_id in ({}, {})",
                place.id(gone.0),
                place.id(session(5).0)
            ),
        )
        .await;
    place
        .tamper(
            "users",
            1,
            "users",
            &format!("delete from {{table}} where user_id = {}", place.id(user(2).0)),
        )
        .await;
    let scope = Scope::User(user(2).0);
    carry_out(engine, &order(Kind::Rebuild, &["sessions", "users"], scope)).await;
    assert!(sessions::find(&engine.reads(), gone).await.unwrap().is_some());
    is_true_to_log(engine).await;
    running.stop().await;
}

async fn unknown_names_are_denied(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let engine = open(&place, &log).await;
    let whole = order(Kind::Rebuild, &["cars"], Scope::Whole);
    assert!(matches!(engine.begin(&whole).await, Err(Denied::Unknown)));
    assert!(matches!(engine.pause("cars").await, Err(Denied::Unknown)));
    assert!(matches!(engine.runs("cars", None, 1).await, Err(Denied::Unknown)));
    assert!(matches!(engine.parked("cars", "", 1).await, Err(Denied::Unknown)));
    let names = names();
    let unbuilt = order(Kind::Verify, &names, Scope::Whole);
    assert!(matches!(engine.begin(&unbuilt).await, Err(Denied::NotBuilt)));
}
