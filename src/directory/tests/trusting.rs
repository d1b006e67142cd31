//! When memory is believed, and what happens when it is not.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use doorbook_domain::time::Timestamp;
use doorbook_openapi::app::Check;
use doorbook_projections::log::Position;
use tokio_util::sync::CancellationToken;

use super::support::*;

/// Waits until `condition` holds.
async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(10), waiting).await;
    assert!(waited.is_ok(), "{what}");
}

#[tokio::test]
async fn without_trust_every_check_asks_the_log() {
    let world = World::with_session().await;
    world.directory.trust.set_reading(false);
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    assert!(world.resolve(1, 1, 0).await.is_some());
    world.log.append("session", session(1).0, &ended());
    assert_eq!(world.resolve(1, 1, 0).await, None);
}

#[tokio::test]
async fn without_trust_nothing_is_taken_into_memory() {
    let world = World::distrusting(1000);
    world.user_event(user(1), &registered(user(1)));
    world.session_event(session(1), &started(user(1), 0));
    assert!(world.resolve(1, 1, 0).await.is_some());
    assert_eq!(world.resolve(1, 2, 0).await, None);
    assert_eq!(world.resolve(2, 1, 0).await, None);
    let counts = world.directory.counts();
    assert_eq!((counts.sessions, counts.users, counts.without_session), (0, 0, 0));
}

#[tokio::test]
async fn without_trust_and_without_the_log_there_is_no_answer() {
    let world = World::with_session().await;
    world.directory.trust.set_reading(false);
    world.log.failing.store(true, Ordering::SeqCst);
    assert!(world.directory.resolve(session(1), &secret(1), T0).await.is_err());
}

#[tokio::test]
async fn ended_session_is_dead_even_without_trust() {
    let world = World::with_session().await;
    world.session_event(session(1), &ended());
    assert_eq!(world.resolve(2, 1, 0).await, None);
    world.directory.trust.set_reading(false);
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert_eq!(world.check(2, 1, 0), Check::Unknown);
}

#[tokio::test]
async fn memory_is_not_believed_from_the_end_of_the_lease_on() {
    let world = World::with_session().await;
    world.directory.trust_until(at(5));
    assert!(world.lives(1, 1, 4));
    assert_eq!(world.check(1, 1, 5), Check::Unknown);
    world.directory.trust_until(Timestamp::from_micros(i64::MAX));
    assert!(world.lives(1, 1, 5));
}

#[tokio::test]
async fn follower_brings_what_nobody_nudged() {
    let world = World::distrusting(1000);
    let cancel = CancellationToken::new();
    let following = tokio::spawn(Arc::clone(&world.directory).follow(Position::START, cancel.clone()));
    eventually("memory is trusted", || world.directory.is_trusted(T0)).await;
    world.user_event(user(1), &registered(user(1)));
    world.session_event(session(1), &started(user(1), 0));
    assert!(world.resolve(1, 1, 0).await.is_some());

    world.log.append("session", session(1).0, &ended());
    eventually("the ending was read", || {
        world.directory.read_position() == Position::new(3)
    })
    .await;
    assert_eq!(world.check(1, 1, 0), Check::Dead);

    cancel.cancel();
    following.await.unwrap();
    assert!(!world.directory.is_trusted(T0));
}

#[tokio::test]
async fn follower_that_cannot_read_takes_trust_away_until_it_has_caught_up() {
    let world = World::distrusting(1000);
    let cancel = CancellationToken::new();
    let following = tokio::spawn(Arc::clone(&world.directory).follow(Position::START, cancel.clone()));
    world.user_event(user(1), &registered(user(1)));
    world.session_event(session(1), &started(user(1), 0));
    eventually("memory is trusted", || world.directory.is_trusted(T0)).await;
    assert!(world.resolve(1, 1, 0).await.is_some());

    world.log.failing.store(true, Ordering::SeqCst);
    eventually("trust is gone", || !world.directory.is_trusted(T0)).await;
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    world.log.append("session", session(1).0, &ended());
    world.log.failing.store(false, Ordering::SeqCst);
    eventually("trust is back", || world.directory.is_trusted(T0)).await;
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    cancel.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn follower_that_is_aborted_takes_trust_away() {
    let world = World::distrusting(1000);
    let following = tokio::spawn(Arc::clone(&world.directory).follow(Position::START, CancellationToken::new()));
    eventually("memory is trusted", || world.directory.is_trusted(T0)).await;
    following.abort();
    assert!(following.await.unwrap_err().is_cancelled());
    assert!(!world.directory.is_trusted(T0));
}

#[tokio::test]
async fn log_of_many_batches_is_read_to_its_end_before_memory_is_trusted() {
    let world = World::distrusting(1000);
    for number in 0..2500 {
        world.log.append_raw("signup", user(number).0, "signup.bewitched", "{}");
    }
    let cancel = CancellationToken::new();
    let following = tokio::spawn(Arc::clone(&world.directory).follow(Position::START, cancel.clone()));
    eventually("memory is trusted", || world.directory.is_trusted(T0)).await;
    assert_eq!(world.directory.read_position(), Position::new(2500));
    cancel.cancel();
    following.await.unwrap();
}
