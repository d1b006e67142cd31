use super::*;
use crate::{
    decide::Decide,
    given::{ADA, BOB, T0, after_ms, given, sealed, secret, state},
    time::Timestamp,
};

mod properties;

const IDLE_MS: u64 = 1000;
const ABSOLUTE_MS: u64 = 5000;

fn start() -> Start {
    Start {
        user_id: ADA,
        epoch: 7,
        secret: secret(1),
        method: Method::Password,
        remember: true,
        new_device: true,
        idle_ms: IDLE_MS,
        absolute_ms: ABSOLUTE_MS,
        origin: Some(sealed("origin")),
        ip_bucket: Some(7),
        at: T0,
    }
}

fn started() -> SessionEvent {
    SessionEvent::Started {
        user_id: ADA,
        epoch: 7,
        secret: secret(1),
        method: Method::Password,
        remember: true,
        new_device: true,
        idle_until: after_ms(IDLE_MS),
        absolute_until: after_ms(ABSOLUTE_MS),
        idle_ms: IDLE_MS,
        origin: Some(sealed("origin")),
        ip_bucket: Some(7),
        at: T0,
    }
}

fn refreshed(idle_until: Timestamp, at: Timestamp) -> SessionEvent {
    SessionEvent::Refreshed { idle_until, at }
}

fn rotated(at: Timestamp) -> SessionEvent {
    SessionEvent::Rotated {
        secret: secret(2),
        epoch: 8,
        at,
    }
}

fn ended() -> SessionEvent {
    SessionEvent::Ended {
        reason: EndReason::LoggedOut,
        by: Some(ADA),
        at: T0,
    }
}

fn rotate(at: Timestamp) -> Rotate {
    Rotate {
        secret: secret(2),
        epoch: 8,
        at,
    }
}

fn reauthenticate(at: Timestamp) -> Reauthenticate {
    Reauthenticate {
        method: Method::Password,
        secret: secret(2),
        epoch: 8,
        at,
    }
}

fn end(at: Timestamp) -> End {
    End {
        reason: EndReason::LoggedOut,
        by: Some(ADA),
        at,
    }
}

fn decided(session: &Session, command: impl Into<SessionCommand>) -> Vec<SessionEvent> {
    session.decide(command.into()).unwrap()
}

/// Every command but `Start` and `End`.
fn uses(at: Timestamp) -> [SessionCommand; 3] {
    [Refresh { at }.into(), rotate(at).into(), reauthenticate(at).into()]
}

#[test]
fn login_starts_the_session_with_both_deadlines_as_values() {
    given::<Session>([]).when(start()).then([started()]);
}

#[test]
fn idle_deadline_never_lies_after_the_absolute_one() {
    let long = Start {
        idle_ms: ABSOLUTE_MS + 1,
        ..start()
    };
    let session = state::<Session>(decided(&Session::default(), long));
    let login = session.login().unwrap();
    assert_eq!(login.idle_until, login.absolute_until);
    assert_eq!(login.absolute_until, after_ms(ABSOLUTE_MS));
    assert_eq!(login.idle_ms, ABSOLUTE_MS + 1);
}

#[test]
fn session_starts_once() {
    for history in [vec![started()], vec![started(), ended()]] {
        given::<Session>(history)
            .when(start())
            .then_refused(SessionError::AlreadyStarted);
    }
}

#[test]
fn session_that_was_never_started_refuses_everything_else() {
    for command in uses(T0).into_iter().chain([end(T0).into()]) {
        given::<Session>([])
            .when(command)
            .then_refused(SessionError::NotStarted);
    }
}

#[test]
fn refresh_moves_the_idle_deadline_from_the_time_of_use() {
    let at = after_ms(IDLE_MS - 1);
    given::<Session>([started()])
        .when(Refresh { at })
        .then([refreshed(after_ms(2 * IDLE_MS - 1), at)]);
}

#[test]
fn refresh_stops_at_the_absolute_deadline() {
    let near = refreshed(after_ms(ABSOLUTE_MS - 1), T0);
    let at = after_ms(ABSOLUTE_MS - 2);
    given::<Session>([started(), near])
        .when(Refresh { at })
        .then([refreshed(after_ms(ABSOLUTE_MS), at)]);
}

#[test]
fn refresh_that_moves_nothing_is_no_event() {
    given::<Session>([started()]).when(Refresh { at: T0 }).then_nothing();
    let far = refreshed(after_ms(ABSOLUTE_MS), T0);
    given::<Session>([started(), far])
        .when(Refresh {
            at: after_ms(ABSOLUTE_MS - 1),
        })
        .then_nothing();
}

#[test]
fn session_is_used_until_just_before_its_idle_deadline() {
    for command in uses(after_ms(IDLE_MS - 1)) {
        let decided = state::<Session>([started()]).decide(command);
        assert!(decided.is_ok(), "{decided:?}");
    }
    for command in uses(after_ms(IDLE_MS)) {
        given::<Session>([started()])
            .when(command)
            .then_refused(SessionError::Expired);
    }
}

#[test]
fn session_is_used_until_just_before_its_absolute_deadline() {
    let history = || [started(), refreshed(after_ms(ABSOLUTE_MS), T0)];
    for command in uses(after_ms(ABSOLUTE_MS - 1)) {
        let decided = state::<Session>(history()).decide(command);
        assert!(decided.is_ok(), "{decided:?}");
    }
    for command in uses(after_ms(ABSOLUTE_MS)) {
        given::<Session>(history())
            .when(command)
            .then_refused(SessionError::Expired);
    }
}

#[test]
fn ended_session_refuses_to_be_used() {
    for command in uses(T0) {
        given::<Session>([started(), ended()])
            .when(command)
            .then_refused(SessionError::Ended);
    }
}

#[test]
fn rotation_puts_it_under_the_new_secret_and_epoch() {
    given::<Session>([started()]).when(rotate(T0)).then([rotated(T0)]);
    let session = state::<Session>([started(), rotated(T0)]);
    let login = session.login().unwrap();
    assert_eq!((login.secret, login.epoch), (secret(2), 8));
    assert_eq!(login.authenticated_at, T0);
}

#[test]
fn new_proof_rotates_the_secret_too() {
    let at = after_ms(10);
    given::<Session>([started()]).when(reauthenticate(at)).then([
        SessionEvent::Reauthenticated {
            method: Method::Password,
            at,
        },
        rotated(at),
    ]);
}

#[test]
fn new_proof_moves_no_deadline() {
    let before = state::<Session>([started()]);
    let mut after = before.clone();
    for event in decided(&before, reauthenticate(after_ms(10))) {
        cqrs_es::Aggregate::apply(&mut after, event);
    }
    let (before, after) = (before.login().unwrap(), after.login().unwrap());
    assert_eq!(after.authenticated_at, after_ms(10));
    let expected = Login {
        authenticated_at: after_ms(10),
        secret: secret(2),
        epoch: 8,
        ..before.clone()
    };
    assert_eq!(*after, expected);
}

#[test]
fn end_says_why_and_by_whom() {
    let command = End {
        reason: EndReason::Revoked,
        by: Some(BOB),
        at: T0,
    };
    given::<Session>([started()]).when(command).then([SessionEvent::Ended {
        reason: EndReason::Revoked,
        by: Some(BOB),
        at: T0,
    }]);
}

#[test]
fn second_end_is_no_event() {
    given::<Session>([started(), ended()])
        .when(end(after_ms(1)))
        .then_nothing();
}

#[test]
fn expired_session_can_still_be_ended() {
    let at = after_ms(ABSOLUTE_MS);
    given::<Session>([started()]).when(end(at)).then([SessionEvent::Ended {
        reason: EndReason::LoggedOut,
        by: Some(ADA),
        at,
    }]);
}

#[test]
fn session_is_dead_from_each_deadline_on() {
    let session = state::<Session>([started()]);
    assert!(session.is_live(after_ms(IDLE_MS - 1), 7));
    assert!(!session.is_live(after_ms(IDLE_MS), 7));
    let session = state::<Session>([started(), refreshed(after_ms(ABSOLUTE_MS), T0)]);
    assert!(session.is_live(after_ms(ABSOLUTE_MS - 1), 7));
    assert!(!session.is_live(after_ms(ABSOLUTE_MS), 7));
}

#[test]
fn absolute_deadline_holds_even_against_a_later_idle_one() {
    let session = state::<Session>([started(), refreshed(after_ms(2 * ABSOLUTE_MS), T0)]);
    assert!(session.is_live(after_ms(ABSOLUTE_MS - 1), 7));
    assert!(!session.is_live(after_ms(ABSOLUTE_MS), 7));
}

#[test]
fn session_lives_only_while_its_epoch_is_the_users() {
    let session = state::<Session>([started()]);
    assert!(session.is_live(T0, 7));
    assert!(!session.is_live(T0, 8));
    assert!(!session.is_live(T0, 6));
    assert!(state::<Session>([started(), rotated(T0)]).is_live(T0, 8));
}

#[test]
fn session_that_ended_or_never_started_is_not_live() {
    assert!(!Session::default().is_live(T0, 0));
    let session = state::<Session>([started(), ended()]);
    assert!(!session.is_live(T0, 7));
    assert_eq!(session.ended(), Some(EndReason::LoggedOut));
}

#[test]
fn deadlines_beyond_the_calendar_are_its_last_instant() {
    let endless = Start {
        idle_ms: u64::MAX,
        absolute_ms: u64::MAX,
        ..start()
    };
    let session = state::<Session>(decided(&Session::default(), endless));
    assert!(session.is_live(after_ms(ABSOLUTE_MS), 7));
    assert_eq!(session.user_id(), Some(ADA));
}

#[test]
fn methods_and_reasons_are_shown_as_they_are_stored() {
    assert_eq!(
        serde_json::to_value(Method::Password).unwrap(),
        Method::Password.as_str()
    );
    for reason in [EndReason::LoggedOut, EndReason::Revoked, EndReason::Replaced] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}
