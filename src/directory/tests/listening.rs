//! Who hears what, and that nothing is kept of those who do not listen.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::timeout;

use super::super::Ear;
use super::support::*;

/// Whether a signal waits.
async fn heard(ear: &Ear) -> bool {
    timeout(Duration::from_millis(20), ear.heard()).await.is_ok()
}

#[tokio::test]
async fn ear_hears_of_its_session_and_its_user_and_of_nothing_else() {
    let world = World::with_session().await;
    let ear = world.directory.listen(session(1), user(1));
    assert!(!heard(&ear).await);
    world.session_event(session(1), &refreshed(2 * IDLE));
    assert!(heard(&ear).await && !heard(&ear).await, "once is enough");
    world.user_event(user(1), &renamed(user(1), Some("Ada")));
    assert!(heard(&ear).await);
    world.user_event(user(2), &registered(user(2)));
    world.session_event(session(2), &started(user(2), 0));
    assert!(!heard(&ear).await);
}

#[tokio::test]
async fn ear_hears_the_tail_also_of_what_memory_does_not_know() {
    let world = World::new(1000);
    let ear = world.directory.listen(session(1), user(1));
    world.log.append("session", session(1).0, &started(user(1), 0));
    world.log.append("user", user(1).0, &registered(user(1)));
    for index in [0, 1] {
        world.tail(index);
        assert!(heard(&ear).await, "event {index}");
    }
    assert_eq!(world.directory.counts().sessions, 0);
}

#[tokio::test]
async fn loss_of_trust_is_heard_by_everybody() {
    let world = World::with_session().await;
    let ears = [1, 2].map(|number| world.directory.listen(session(number), user(number)));
    world.directory.trust_until(T0);
    for ear in &ears {
        assert!(heard(ear).await);
    }
    world.log.failing.store(true, Ordering::SeqCst);
    let cancel = tokio_util::sync::CancellationToken::new();
    let from = doorbook_projections::log::Position::START;
    let following = tokio::spawn(std::sync::Arc::clone(&world.directory).follow(from, cancel.clone()));
    for ear in &ears {
        timeout(Duration::from_secs(10), ear.heard()).await.unwrap();
    }
    cancel.cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn closed_ears_leave_nothing_behind() {
    let world = World::with_session().await;
    let listen = || world.directory.listen(session(1), user(1));
    let (one, other) = (listen(), listen());
    drop(one);
    world.session_event(session(1), &ended());
    assert!(heard(&other).await, "the other one still listens");
    drop(other);
    assert_eq!(world.directory.listeners.len(), 0);
}
