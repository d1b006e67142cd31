use proptest::prelude::*;

use super::*;
use crate::{
    given::{ADA, T0, after_ms, assert_replays, claim_id, given, run, sealed, state},
    time::Timestamp,
};

fn request() -> Request {
    Request {
        user_id: ADA,
        email: sealed("email"),
        claim: claim_id('a'),
        name: Some(sealed("name")),
        password: sealed("password"),
        verify: true,
        until: Some(after_ms(1000)),
        origin: Some(sealed("origin")),
        at: T0,
    }
}

fn requested() -> SignUpEvent {
    SignUpEvent::Requested {
        user_id: ADA,
        email: sealed("email"),
        claim: claim_id('a'),
        name: Some(sealed("name")),
        password: sealed("password"),
        verify: true,
        until: Some(after_ms(1000)),
        origin: Some(sealed("origin")),
        at: T0,
    }
}

fn completed() -> SignUpEvent {
    SignUpEvent::Completed { user_id: ADA, at: T0 }
}

fn refused() -> SignUpEvent {
    SignUpEvent::Refused { user_id: ADA, at: T0 }
}

#[test]
fn request_opens_the_attempt_with_all_that_was_given() {
    given::<SignUp>([]).when(request()).then([requested()]);
}

#[test]
fn second_request_is_refused() {
    for history in [
        vec![requested()],
        vec![requested(), completed()],
        vec![requested(), refused()],
    ] {
        given::<SignUp>(history)
            .when(request())
            .then_refused(SignUpError::AlreadyRequested);
    }
}

#[test]
fn open_attempt_is_completed_for_the_user_it_names() {
    given::<SignUp>([requested()])
        .when(Complete { at: T0 })
        .then([completed()]);
}

#[test]
fn open_attempt_is_refused_for_the_user_it_names() {
    given::<SignUp>([requested()]).when(Refuse { at: T0 }).then([refused()]);
}

#[test]
fn end_that_was_reached_before_is_no_event() {
    let at = after_ms(1);
    given::<SignUp>([requested(), completed()])
        .when(Complete { at })
        .then_nothing();
    given::<SignUp>([requested(), refused()])
        .when(Refuse { at })
        .then_nothing();
}

#[test]
fn other_end_is_refused() {
    given::<SignUp>([requested(), refused()])
        .when(Complete { at: T0 })
        .then_refused(SignUpError::AlreadyRefused);
    given::<SignUp>([requested(), completed()])
        .when(Refuse { at: T0 })
        .then_refused(SignUpError::AlreadyCompleted);
}

#[test]
fn attempt_that_was_never_requested_has_no_end() {
    given::<SignUp>([])
        .when(Complete { at: T0 })
        .then_refused(SignUpError::NotRequested);
    given::<SignUp>([])
        .when(Refuse { at: T0 })
        .then_refused(SignUpError::NotRequested);
}

#[test]
fn completer_finds_all_it_needs_while_the_attempt_is_open() {
    let open = state::<SignUp>([requested()]);
    let expected = Requested {
        user_id: ADA,
        email: sealed("email"),
        claim: claim_id('a'),
        name: Some(sealed("name")),
        password: sealed("password"),
        verify: true,
        until: Some(after_ms(1000)),
        at: T0,
    };
    assert_eq!(open.pending(), Some(&expected));
    assert!(open.is_pending());
    assert_eq!(open.end(), None);
}

#[test]
fn ended_attempt_is_not_pending_but_still_says_what_was_asked_for() {
    for (event, end) in [(completed(), SignUpEnd::Completed), (refused(), SignUpEnd::Refused)] {
        let ended = state::<SignUp>([requested(), event]);
        assert_eq!(ended.pending(), None);
        assert!(!ended.is_pending());
        assert_eq!(ended.requested().map(|requested| requested.user_id), Some(ADA));
        assert_eq!(ended.end(), Some(end));
    }
    assert!(!SignUp::default().is_pending());
}

fn command() -> impl Strategy<Value = SignUpCommand> {
    prop_oneof![
        (any::<bool>(), any::<bool>()).prop_map(|(named, verify)| {
            let name = named.then(|| sealed("name"));
            Request {
                name,
                verify,
                ..request()
            }
            .into()
        }),
        Just(Complete { at: T0 }.into()),
        Just(Refuse { at: T0 }.into()),
    ]
}

proptest! {
    #[test]
    fn any_history_replays_to_the_same_attempt(commands in prop::collection::vec(command(), 0..20)) {
        assert_replays::<SignUp>(commands);
    }

    #[test]
    fn attempt_ends_at_most_once(commands in prop::collection::vec(command(), 0..20)) {
        let (_, history) = run::<SignUp>(commands);
        let ends = history.iter().filter(|event| !matches!(event, SignUpEvent::Requested { .. })).count();
        prop_assert!(ends <= 1);
        prop_assert!(history.len() <= ends + 1);
    }
}

fn follow(at: Timestamp) -> Verify {
    Verify {
        address_only: false,
        at,
    }
}

fn verified(address_only: bool) -> SignUpEvent {
    SignUpEvent::Verified { address_only, at: T0 }
}

fn ask_again(at: Timestamp) -> RequestLink {
    RequestLink {
        address_only: false,
        at,
    }
}

#[test]
fn link_is_followed_once() {
    given::<SignUp>([requested()]).when(follow(T0)).then([verified(false)]);
    given::<SignUp>([requested(), verified(false)])
        .when(follow(T0))
        .then_refused(SignUpError::LinkDead);
}

#[test]
fn link_dies_at_its_deadline() {
    given::<SignUp>([requested()])
        .when(follow(after_ms(999)))
        .then([SignUpEvent::Verified {
            address_only: false,
            at: after_ms(999),
        }]);
    for history in [
        vec![requested()],
        vec![],
        vec![requested(), completed()],
        vec![requested(), refused()],
    ] {
        given::<SignUp>(history)
            .when(follow(after_ms(1000)))
            .then_refused(SignUpError::LinkDead);
    }
}

#[test]
fn attempt_that_needs_no_proof_has_no_link() {
    let at_once = Request {
        verify: false,
        until: None,
        ..request()
    };
    let (attempt, history) = run::<SignUp>([at_once.into()]);
    assert!(attempt.is_ready());
    given::<SignUp>(history.clone())
        .when(follow(T0))
        .then_refused(SignUpError::LinkDead);
    given::<SignUp>(history)
        .when(ask_again(T0))
        .then_refused(SignUpError::LinkDead);
}

#[test]
fn link_can_be_asked_for_again_while_it_lives() {
    given::<SignUp>([requested()])
        .when(ask_again(T0))
        .then([SignUpEvent::LinkRequested {
            address_only: false,
            at: T0,
        }]);
    given::<SignUp>([requested()])
        .when(ask_again(after_ms(1000)))
        .then_refused(SignUpError::LinkDead);
}

#[test]
fn attempt_is_ready_once_its_link_was_followed() {
    let waiting = state::<SignUp>([requested()]);
    assert!(waiting.waiting(T0).is_some() && !waiting.is_ready());
    let ready = state::<SignUp>([requested(), verified(false)]);
    assert!(ready.waiting(T0).is_none() && ready.is_ready());
    let over = state::<SignUp>([requested(), verified(false), completed()]);
    assert!(!over.is_ready());
}

#[test]
fn link_of_the_address_only_is_remembered_as_such() {
    let only = Verify {
        address_only: true,
        at: T0,
    };
    given::<SignUp>([requested()]).when(only).then([verified(true)]);
    let whole = state::<SignUp>([requested(), verified(false)]);
    assert!(whole.is_ready() && !whole.is_of_the_address_only());
    let attempt = state::<SignUp>([requested(), verified(true)]);
    assert!(attempt.is_ready() && attempt.is_of_the_address_only());
}
