use super::*;
use crate::{
    decide::Decide as _,
    given::{after_ms, run},
    id::RequestId,
};
use uuid::Uuid;

const RESET: RequestId = RequestId(Uuid::from_u128(1));
const CHANGE: RequestId = RequestId(Uuid::from_u128(2));

pub(super) fn request_reset() -> RequestPasswordReset {
    RequestPasswordReset {
        request: RESET,
        until: after_ms(1000),
        origin: None,
        at: T0,
    }
}

fn reset_requested() -> UserEvent {
    UserEvent::PasswordResetRequested {
        request: RESET,
        until: after_ms(1000),
        origin: None,
        at: T0,
    }
}

pub(super) fn reset(request: u128) -> ResetPassword {
    ResetPassword {
        request: RequestId(Uuid::from_u128(request)),
        password: sealed("another"),
        at: T0,
    }
}

fn password_reset(epoch: u32) -> UserEvent {
    UserEvent::PasswordChanged {
        password: sealed("another"),
        epoch,
        cause: PasswordCause::Reset,
        at: T0,
    }
}

pub(super) fn request_change() -> RequestEmailChange {
    RequestEmailChange {
        request: CHANGE,
        email: sealed("new"),
        claim: claim_id('b'),
        until: after_ms(1000),
        epoch: 0,
        at: T0,
    }
}

fn change_requested() -> UserEvent {
    UserEvent::EmailChangeRequested {
        request: CHANGE,
        email: sealed("new"),
        claim: claim_id('b'),
        until: after_ms(1000),
        at: T0,
    }
}

pub(super) fn confirm_change() -> ConfirmEmailChange {
    ConfirmEmailChange {
        request: CHANGE,
        at: T0,
    }
}

fn change_confirmed() -> UserEvent {
    UserEvent::EmailChangeConfirmed {
        request: CHANGE,
        at: T0,
    }
}

pub(super) fn complete_change() -> CompleteEmailChange {
    CompleteEmailChange {
        request: CHANGE,
        email: sealed("moved"),
        at: T0,
    }
}

pub(super) fn refuse_change() -> RefuseEmailChange {
    RefuseEmailChange {
        request: CHANGE,
        at: T0,
    }
}

fn changed() -> UserEvent {
    UserEvent::EmailChanged {
        email: sealed("moved"),
        claim: claim_id('b'),
        at: T0,
    }
}

fn erased(epoch: u32) -> UserEvent {
    UserEvent::Erased { epoch, at: T0 }
}

/// As it is after a sign-up that nobody had to confirm.
fn unproven() -> UserEvent {
    UserEvent::Registered {
        email: sealed("email"),
        claim: claim_id('a'),
        email_verified: false,
        password: Some(sealed("password")),
        at: T0,
    }
}

#[test]
fn reset_sets_another_password_and_ends_every_session() {
    given::<User>([registered()])
        .when(request_reset())
        .then([reset_requested()]);
    given::<User>([registered(), reset_requested()])
        .when(reset(1))
        .then([password_reset(1)]);
}

#[test]
fn reset_works_once() {
    given::<User>([registered(), reset_requested(), password_reset(1)])
        .when(reset(1))
        .then_refused(UserError::LinkDead);
}

#[test]
fn reset_dies_at_its_deadline() {
    let late = |ms| ResetPassword {
        at: after_ms(ms),
        ..reset(1)
    };
    let history = [registered(), reset_requested()];
    assert!(state::<User>(history.clone()).decide(late(999).into()).is_ok());
    given::<User>(history)
        .when(late(1000))
        .then_refused(UserError::LinkDead);
}

#[test]
fn later_reset_supersedes_the_one_before() {
    let later = UserEvent::PasswordResetRequested {
        request: RequestId(Uuid::from_u128(9)),
        until: after_ms(1000),
        origin: None,
        at: T0,
    };
    let history = [registered(), reset_requested(), later];
    given::<User>(history.clone())
        .when(reset(1))
        .then_refused(UserError::LinkDead);
    given::<User>(history).when(reset(9)).then([password_reset(1)]);
}

#[test]
fn links_die_with_whatever_changes_who_the_user_is() {
    let causes = [
        vec![password_changed(1)],
        vec![UserEvent::PasswordRemoved { epoch: 1, at: T0 }],
        vec![deactivated(1), UserEvent::Reactivated { at: T0 }],
    ];
    for cause in causes {
        let before = [registered(), reset_requested(), change_requested()];
        let history: Vec<_> = before.into_iter().chain(cause).collect();
        given::<User>(history.clone())
            .when(reset(1))
            .then_refused(UserError::LinkDead);
        given::<User>(history)
            .when(confirm_change())
            .then_refused(UserError::LinkDead);
    }
    given::<User>([
        registered(),
        reset_requested(),
        change_requested(),
        change_confirmed(),
        changed(),
    ])
    .when(reset(1))
    .then_refused(UserError::LinkDead);
}

#[test]
fn deactivated_user_neither_asks_for_links_nor_follows_them() {
    let history = [registered(), deactivated(1)];
    let commands: [UserCommand; 4] = [
        request_reset().into(),
        reset(1).into(),
        request_change().into(),
        confirm_change().into(),
    ];
    for command in commands {
        given::<User>(history.clone())
            .when(command)
            .then_refused(UserError::Inactive);
    }
}

#[test]
fn reset_proves_the_address_and_unlinks_what_somebody_else_linked() {
    given::<User>([unproven(), social::linked(), reset_requested()])
        .when(reset(1))
        .then([
            password_reset(1),
            social::unlinked(),
            UserEvent::EmailVerified { at: T0 },
        ]);
}

#[test]
fn reset_of_a_proven_address_keeps_what_its_owner_linked() {
    given::<User>([registered(), social::linked(), reset_requested()])
        .when(reset(1))
        .then([password_reset(1)]);
}

#[test]
fn owner_who_comes_by_a_provider_takes_over_an_unproven_account() {
    given::<User>([unproven(), social::linked()])
        .when(ProveEmail { at: T0 })
        .then([
            UserEvent::PasswordRemoved { epoch: 1, at: T0 },
            social::unlinked(),
            UserEvent::EmailVerified { at: T0 },
        ]);
    let user = state::<User>([
        unproven(),
        UserEvent::PasswordRemoved { epoch: 1, at: T0 },
        UserEvent::EmailVerified { at: T0 },
    ]);
    assert!(user.password().is_none() && user.email_verified() && user.epoch() == 1);
}

#[test]
fn session_that_has_died_asks_for_no_other_address() {
    let history = [unproven(), UserEvent::PasswordRemoved { epoch: 1, at: T0 }];
    given::<User>(history)
        .when(request_change())
        .then_refused(UserError::SessionEnded);
}

#[test]
fn proven_address_is_proven_already() {
    given::<User>([registered()]).when(ProveEmail { at: T0 }).then_nothing();
}

#[test]
fn change_of_address_takes_effect_when_it_is_proven() {
    let (user, events) = run::<User>([
        register().into(),
        request_change().into(),
        confirm_change().into(),
        complete_change().into(),
    ]);
    let expected = vec![registered(), change_requested(), change_confirmed(), changed()];
    assert_eq!(events, expected);
    assert_eq!(user.email(), Some(&sealed("moved")));
    assert_eq!(user.email_event(), Some("user.email_changed"));
    assert_eq!(user.claim(), Some(&claim_id('b')));
    assert!(user.email_verified() && user.email_change().is_none());
}

#[test]
fn change_of_address_is_confirmed_once() {
    given::<User>([registered(), change_requested(), change_confirmed()])
        .when(confirm_change())
        .then_refused(UserError::LinkDead);
}

#[test]
fn change_of_address_is_not_confirmed_at_its_deadline() {
    given::<User>([registered(), change_requested()])
        .when(ConfirmEmailChange {
            at: after_ms(1000),
            ..confirm_change()
        })
        .then_refused(UserError::LinkDead);
}

#[test]
fn change_that_nobody_confirmed_is_not_completed() {
    given::<User>([registered(), change_requested()])
        .when(complete_change())
        .then_nothing();
}

#[test]
fn completion_repeated_after_a_crash_is_no_event() {
    given::<User>([registered(), change_requested(), change_confirmed(), changed()])
        .when(complete_change())
        .then_nothing();
}

#[test]
fn change_to_an_address_of_another_is_given_up() {
    let refused = UserEvent::EmailChangeRefused {
        request: CHANGE,
        at: T0,
    };
    let history = [registered(), change_requested(), change_confirmed()];
    given::<User>(history.clone())
        .when(refuse_change())
        .then([refused.clone()]);
    let user = state::<User>(history.into_iter().chain([refused]));
    assert!(user.email_change().is_none() && user.email() == Some(&sealed("email")));
}

#[test]
fn erased_user_is_gone_for_good() {
    given::<User>([registered()]).when(Erase { at: T0 }).then([erased(1)]);
    given::<User>([registered(), erased(1)])
        .when(Erase { at: T0 })
        .then_nothing();
    let rest = later_commands()
        .into_iter()
        .filter(|command| !matches!(command, UserCommand::Erase(_)));
    for command in rest {
        given::<User>([registered(), erased(1)])
            .when(command)
            .then_refused(UserError::NotRegistered);
    }
    let user = state::<User>([registered(), erased(1)]);
    assert!(user.is_erased() && !user.is_active() && user.password().is_none());
}
