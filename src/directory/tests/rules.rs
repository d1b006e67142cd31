//! What a session in memory is worth, rule by rule.

use doorbook_domain::{
    role::Role,
    session::{Method, SessionEvent},
    user::UserEvent,
};
use doorbook_openapi::app::Check;

use super::support::*;

#[tokio::test]
async fn session_is_read_once_and_then_known_by_heart() {
    let world = World::new(1000);
    world.user_event(user(1), &registered(user(1)));
    world.user_event(user(1), &renamed(user(1), Some("Ada")));
    world.session_event(session(1), &started(user(1), 0));
    assert_eq!(world.check(1, 1, 0), Check::Unknown);

    let resolved = world.resolve(1, 1, 0).await.unwrap();
    let reads = world.log.reads();

    assert_eq!(world.check(1, 1, 0), Check::Live(resolved.clone()));
    assert_eq!(world.resolve(1, 1, 0).await, Some(resolved.clone()));
    assert_eq!(world.log.reads(), reads);
    assert_eq!(resolved.id, session(1));
    assert_eq!(resolved.user, user(1));
    assert_eq!(resolved.identity.email(), "Ada@example.org");
    assert_eq!(resolved.identity.name(), Some("Ada"));
    assert!(resolved.email_verified && resolved.remember && resolved.roles.is_empty());
    assert_eq!((resolved.user_since, resolved.started_at), (T0, T0));
    assert_eq!((resolved.idle_until, resolved.absolute_until), (at(IDLE), at(ABSOLUTE)));
}

#[tokio::test]
async fn wrong_secret_is_dead_without_reading() {
    let world = World::with_session().await;
    let reads = world.log.reads();
    assert_eq!(world.check(1, 2, 0), Check::Dead);
    assert_eq!(world.resolve(1, 2, 0).await, None);
    assert_eq!(world.log.reads(), reads);
    assert!(world.lives(1, 1, 0));
}

#[tokio::test]
async fn secret_that_differs_in_one_bit_is_dead() {
    let world = World::with_session().await;
    for bit in 0..256 {
        let mut forged = secret(1);
        forged.0[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(world.directory.check(session(1), &forged, T0), Check::Dead, "bit {bit}");
    }
}

#[tokio::test]
async fn session_dies_at_its_idle_deadline_and_not_before() {
    let world = World::with_session().await;
    assert!(world.lives(1, 1, IDLE - 1));
    assert_eq!(world.check(1, 1, IDLE), Check::Dead);
}

#[tokio::test]
async fn refreshed_session_lives_on_until_the_absolute_deadline() {
    let world = World::with_session().await;
    world.session_event(session(1), &refreshed(2 * ABSOLUTE));
    assert!(world.lives(1, 1, ABSOLUTE - 1));
    assert_eq!(world.check(1, 1, ABSOLUTE), Check::Dead);
}

#[tokio::test]
async fn fresh_proof_is_noted() {
    let world = World::with_session().await;
    let event = SessionEvent::Reauthenticated {
        method: Method::Password,
        at: at(7),
    };
    world.session_event(session(1), &event);
    let Check::Live(live) = world.check(1, 1, 8) else {
        panic!("the session lives");
    };
    assert_eq!((live.authenticated_at, live.started_at), (at(7), T0));
}

#[tokio::test]
async fn rotation_kills_the_old_secret_only() {
    let world = World::with_session().await;
    world.session_event(session(1), &rotated(2, 0));
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert!(world.lives(1, 2, 0));
}

#[tokio::test]
async fn ended_session_is_dead_at_once_and_without_reading() {
    let world = World::with_session().await;
    let reads = world.log.reads();
    world.session_event(session(1), &ended());
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert_eq!(world.log.reads(), reads);
    let counts = world.directory.counts();
    assert_eq!((counts.sessions, counts.users, counts.without_session), (0, 0, 1));
}

#[tokio::test]
async fn nothing_revives_an_ended_session() {
    let world = World::with_session().await;
    world.session_event(session(1), &ended());
    for index in 0..3 {
        world.tail(index);
    }
    world.session_event(session(1), &refreshed(ABSOLUTE));
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert_eq!(world.resolve(1, 1, 0).await, None);
}

#[tokio::test]
async fn password_change_ends_every_session_but_the_rotated_one() {
    let world = World::with_session().await;
    world.session_event(session(2), &started(user(1), 0));
    assert!(world.resolve(2, 1, 0).await.is_some());

    world.user_event(user(1), &password_changed(1));
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    world.session_event(session(1), &rotated(2, 1));

    assert!(world.lives(1, 2, 0));
    assert_eq!(world.check(2, 1, 0), Check::Dead);
}

#[tokio::test]
async fn granted_role_needs_a_session_of_its_epoch() {
    let world = World::with_session().await;
    world.user_event(user(1), &granted(1));
    assert_eq!(world.check(1, 1, 0), Check::Dead);

    world.session_event(session(2), &started(user(1), 1));
    let live = world.resolve(2, 1, 0).await.unwrap();
    assert!(live.roles.contains(Role::Admin));

    let revoked = UserEvent::RoleRevoked {
        role: Role::Admin,
        epoch: 2,
        at: T0,
    };
    world.user_event(user(1), &revoked);
    world.session_event(session(2), &rotated(2, 2));
    let Check::Live(live) = world.check(2, 2, 0) else {
        panic!("the session lives");
    };
    assert!(live.roles.is_empty());
}

#[tokio::test]
async fn deactivation_ends_sessions_and_reactivation_revives_none() {
    let world = World::with_session().await;
    world.user_event(user(1), &UserEvent::Deactivated { epoch: 1, at: T0 });
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    world.session_event(session(2), &started(user(1), 1));
    assert_eq!(world.resolve(2, 1, 0).await, None);

    world.user_event(user(1), &UserEvent::Reactivated { at: T0 });
    assert_eq!(world.check(1, 1, 0), Check::Dead);
    assert!(world.lives(2, 1, 0));
}

#[tokio::test]
async fn session_of_nobody_never_lives() {
    let world = World::new(1000);
    world.session_event(session(1), &started(user(9), 0));
    assert_eq!(world.resolve(1, 1, 0).await, None);
    assert_eq!(world.check(1, 1, 0), Check::Dead);
}

#[tokio::test]
async fn better_hash_of_the_same_password_changes_nothing() {
    let world = World::with_session().await;
    let upgraded = UserEvent::PasswordUpgraded {
        password: seal(user(1), "", "", ""),
        at: T0,
    };
    world.user_event(user(1), &upgraded);
    assert!(world.lives(1, 1, 0));
}

#[tokio::test]
async fn changed_name_is_read_anew() {
    let world = World::with_session().await;
    world.user_event(user(1), &renamed(user(1), Some("Countess")));
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    let live = world.resolve(1, 1, 0).await.unwrap();
    assert_eq!(live.identity.name(), Some("Countess"));
    assert!(world.lives(1, 1, 0));

    world.user_event(user(1), &renamed(user(1), None));
    assert_eq!(world.resolve(1, 1, 0).await.unwrap().identity.name(), None);
}

#[tokio::test]
async fn erased_person_is_shown_as_such() {
    let world = World::new(1000);
    let mut event = registered(user(1));
    if let UserEvent::Registered { email, .. } = &mut event {
        *email = seal(user(1), "user.registered", "email", "erased");
    }
    world.user_event(user(1), &event);
    world.session_event(session(1), &started(user(1), 0));
    let live = world.resolve(1, 1, 0).await.unwrap();
    assert_eq!(live.identity.email(), "[erased]");
}
