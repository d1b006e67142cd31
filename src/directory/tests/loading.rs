//! Events that repeat, skip or cannot be read, and ids that lead nowhere.

use doorbook_openapi::app::Check;

use super::support::*;

#[tokio::test]
async fn event_that_is_known_is_ignored() {
    let world = World::with_session().await;
    world.session_event(session(1), &rotated(2, 0));
    world.session_event(session(1), &rotated(3, 0));
    for index in 0..4 {
        world.tail(index);
    }
    assert!(world.lives(1, 3, 0));
    assert_eq!(world.check(1, 2, 0), Check::Dead);
}

#[tokio::test]
async fn gap_in_a_session_closes_its_entry() {
    let world = World::with_session().await;
    world.log.append("session", session(1).0, &rotated(2, 0));
    world.session_event(session(1), &refreshed(IDLE + 1));
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    assert_eq!(world.resolve(1, 1, 0).await, None);
    assert!(world.lives(1, 2, IDLE));
}

#[tokio::test]
async fn gap_in_a_user_leads_to_the_log() {
    let world = World::with_session().await;
    world.log.append("user", user(1).0, &password_changed(1));
    world.user_event(user(1), &granted(2));
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    assert_eq!(world.resolve(1, 1, 0).await, None);
    assert_eq!(world.check(1, 1, 0), Check::Dead);
}

#[tokio::test]
async fn session_ahead_of_its_user_leads_to_the_log() {
    let world = World::with_session().await;
    world.log.append("user", user(1).0, &password_changed(1));
    world.session_event(session(1), &rotated(2, 1));
    assert_eq!(world.check(1, 2, 0), Check::Unknown);
    assert!(world.resolve(1, 2, 0).await.is_some());
    assert!(world.lives(1, 2, 0));
}

#[tokio::test]
async fn unreadable_event_of_a_session_never_lets_it_live() {
    let world = World::with_session().await;
    world.log.append_raw("session", session(1).0, "session.bewitched", "{}");
    world.tail(2);
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    let resolved = world.directory.resolve(session(1), &secret(1), T0).await;
    assert!(resolved.is_err());
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
}

#[tokio::test]
async fn unreadable_event_of_a_user_never_lets_its_sessions_live() {
    let world = World::with_session().await;
    world.log.append_raw("user", user(1).0, "user.bewitched", "{}");
    world.tail(2);
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    let resolved = world.directory.resolve(session(1), &secret(1), T0).await;
    assert!(resolved.is_err());
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
}

#[tokio::test]
async fn value_in_the_wrong_place_is_a_fault() {
    let world = World::new(1000);
    world.user_event(user(1), &registered(user(2)));
    world.session_event(session(1), &started(user(1), 0));
    assert!(world.directory.resolve(session(1), &secret(1), T0).await.is_err());
    assert_eq!(world.directory.counts().users, 0);
}

#[tokio::test]
async fn unknown_id_is_looked_up_once() {
    let world = World::new(1000);
    assert_eq!(world.resolve(1, 1, 0).await, None);
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert_eq!(world.resolve(1, 1, 0).await, None);
    assert_eq!(world.log.reads(), 1);
}

#[tokio::test]
async fn id_that_was_unknown_does_not_hide_a_session_started_later() {
    for by_tail in [false, true] {
        let world = World::new(1000);
        assert_eq!(world.resolve(1, 1, 0).await, None);
        world.user_event(user(1), &registered(user(1)));
        if by_tail {
            world.log.append("session", session(1).0, &started(user(1), 0));
            assert_eq!(world.check(1, 1, 0), Check::Dead);
            world.tail(1);
        } else {
            world.session_event(session(1), &started(user(1), 0));
        }
        assert_eq!(world.check(1, 1, 0), Check::Unknown);
        assert!(world.resolve(1, 1, 0).await.is_some());
    }
}

#[tokio::test]
async fn events_of_other_streams_are_passed_over() {
    let world = World::with_session().await;
    world.log.append_raw("signup", user(1).0, "signup.bewitched", "{}");
    world.log.append_raw("user", user(7).0, "user.bewitched", "{}");
    world.tail(2);
    world.tail(3);
    assert!(world.lives(1, 1, 0));
}
