//! Loads that overlap with events, with each other, and with clients that go away.

use std::sync::{Arc, atomic::Ordering};

use doorbook_domain::user::UserEvent;
use doorbook_openapi::app::{Check, LiveSession};
use doorbook_projections::fault::Fault;
use tokio::task::JoinHandle;

use super::support::*;

fn world() -> Arc<World> {
    let world = World::new(1000);
    world.user_event(user(1), &registered(user(1)));
    world.session_event(session(1), &started(user(1), 0));
    Arc::new(world)
}

fn resolving(world: &Arc<World>) -> JoinHandle<Result<Option<LiveSession>, Fault>> {
    let directory = Arc::clone(&world.directory);
    tokio::spawn(async move { directory.resolve(session(1), &secret(1), T0).await })
}

/// Lets a load see the stream of `aggregate`, has `happen` happen before the load goes on, and gives its answer.
async fn overtaken(aggregate: &'static str, happen: impl FnOnce(&World)) -> (Arc<World>, Option<LiveSession>) {
    let world = world();
    let gate = world.log.hold_up(aggregate);
    let resolving = resolving(&world);
    gate.reached.acquire().await.unwrap().forget();
    happen(&world);
    gate.open.add_permits(100);
    let answer = resolving.await.unwrap().unwrap();
    (world, answer)
}

#[tokio::test]
async fn load_without_a_race_wins() {
    let (world, answer) = overtaken("session", |_| {}).await;
    assert!(answer.is_some());
    assert!(world.lives(1, 1, 0));
}

#[tokio::test]
async fn load_never_wins_against_an_ending_that_a_command_reports() {
    for aggregate in ["session", "user"] {
        let (world, answer) = overtaken(aggregate, |world| world.session_event(session(1), &ended())).await;
        assert_eq!(answer, None, "held up at {aggregate}");
        assert_eq!(world.check(1, 1, 0), Check::Dead);
    }
}

#[tokio::test]
async fn load_never_wins_against_an_ending_that_the_tail_brings() {
    for aggregate in ["session", "user"] {
        let ending = |world: &World| {
            world.log.append("session", session(1).0, &ended());
            world.tail(2);
        };
        let (world, answer) = overtaken(aggregate, ending).await;
        assert_eq!(answer, None, "held up at {aggregate}");
        assert_eq!(world.check(1, 1, 0), Check::Dead);
    }
}

#[tokio::test]
async fn load_never_wins_against_a_raised_epoch() {
    for aggregate in ["session", "user"] {
        let deactivated = UserEvent::Deactivated { epoch: 1, at: T0 };
        let (world, answer) = overtaken(aggregate, |world| world.user_event(user(1), &deactivated)).await;
        assert_eq!(answer, None, "held up at {aggregate}");
        assert_eq!(world.check(1, 1, 0), Check::Dead);
    }
}

#[tokio::test]
async fn load_of_an_id_without_a_session_never_hides_its_start() {
    let world = Arc::new(World::new(1000));
    world.user_event(user(1), &registered(user(1)));
    let gate = world.log.hold_up("session");
    let resolving = resolving(&world);
    gate.reached.acquire().await.unwrap().forget();
    world.session_event(session(1), &started(user(1), 0));
    gate.open.add_permits(100);
    assert!(resolving.await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn those_who_ask_at_the_same_time_share_one_load() {
    let world = world();
    let gate = world.log.hold_up("session");
    let asking: Vec<_> = (0..20).map(|_| resolving(&world)).collect();
    gate.reached.acquire().await.unwrap().forget();
    tokio::task::yield_now().await;
    gate.open.add_permits(100);
    for answer in asking {
        assert!(answer.await.unwrap().unwrap().is_some());
    }
    assert_eq!(world.log.reads(), 2);
    assert_eq!(world.directory.counts().fills, 1);
}

#[tokio::test]
async fn failed_load_fails_all_who_share_it_and_is_not_remembered() {
    let world = world();
    let gate = world.log.hold_up("session");
    let asking: Vec<_> = (0..5).map(|_| resolving(&world)).collect();
    gate.reached.acquire().await.unwrap().forget();
    tokio::task::yield_now().await;
    world.log.failing.store(true, Ordering::SeqCst);
    gate.open.add_permits(100);
    for answer in asking {
        assert!(answer.await.unwrap().is_err());
    }
    world.log.failing.store(false, Ordering::SeqCst);
    assert!(world.resolve(1, 1, 0).await.is_some());
}

#[tokio::test]
async fn client_that_goes_away_leaves_the_load_to_others() {
    for aggregate in ["session", "user"] {
        let world = world();
        let gate = world.log.hold_up(aggregate);
        let gone = resolving(&world);
        gate.reached.acquire().await.unwrap().forget();
        let waiting = resolving(&world);
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.unwrap_err().is_cancelled());
        gate.open.add_permits(100);
        assert!(waiting.await.unwrap().unwrap().is_some());
        world.session_event(session(1), &ended());
        assert_eq!(world.directory.counts().users, 0, "nobody holds the user any more");
    }
}
