use super::*;
use crate::{
    given::{T0, claim_id, given, sealed, state},
    role::Role,
    seal::Sealed,
};

mod access;
mod properties;
mod recovery;
mod social;

fn register() -> Register {
    Register {
        email: sealed("email"),
        claim: claim_id('a'),
        email_verified: true,
        password: Some(sealed("password")),
        name: None,
        social: None,
        at: T0,
    }
}

fn registered() -> UserEvent {
    UserEvent::Registered {
        email: sealed("email"),
        claim: claim_id('a'),
        email_verified: true,
        password: Some(sealed("password")),
        at: T0,
    }
}

fn renamed(name: Option<Sealed>) -> UserEvent {
    UserEvent::ProfileChanged { name, at: T0 }
}

fn change_password() -> ChangePassword {
    ChangePassword {
        replaces: Some(sealed("password")),
        password: sealed("another"),
        cause: PasswordCause::Changed,
        at: T0,
    }
}

fn password_changed(epoch: u32) -> UserEvent {
    UserEvent::PasswordChanged {
        password: sealed("another"),
        epoch,
        cause: PasswordCause::Changed,
        at: T0,
    }
}

fn upgrade(replaces: &str) -> UpgradePassword {
    UpgradePassword {
        replaces: sealed(replaces),
        password: sealed("better"),
        at: T0,
    }
}

fn upgraded() -> UserEvent {
    UserEvent::PasswordUpgraded {
        password: sealed("better"),
        at: T0,
    }
}

fn deactivated(epoch: u32) -> UserEvent {
    UserEvent::Deactivated { epoch, at: T0 }
}

fn grant(role: Role) -> GrantRole {
    GrantRole { role, at: T0 }
}

fn revoke(role: Role) -> RevokeRole {
    RevokeRole { role, at: T0 }
}

fn rename(name: Option<&str>) -> Rename {
    Rename {
        name: name.map(sealed),
        at: T0,
    }
}

/// Every command but `Register`.
fn later_commands() -> Vec<UserCommand> {
    vec![
        rename(Some("name")).into(),
        change_password().into(),
        upgrade("password").into(),
        grant(Role::Admin).into(),
        revoke(Role::Admin).into(),
        Deactivate { at: T0 }.into(),
        Reactivate { at: T0 }.into(),
        EndSessions { at: T0 }.into(),
        recovery::request_reset().into(),
        recovery::reset(1).into(),
        ProveEmail { at: T0 }.into(),
        recovery::request_change().into(),
        recovery::confirm_change().into(),
        recovery::complete_change().into(),
        recovery::refuse_change().into(),
        social::link().into(),
        social::unlink().into(),
        social::refuse().into(),
        Erase { at: T0 }.into(),
    ]
}

#[test]
fn new_user_is_registered_as_asked() {
    given::<User>([]).when(register()).then([registered()]);
}

#[test]
fn name_given_with_the_registration_is_its_own_fact() {
    let named = Register {
        name: Some(sealed("name")),
        ..register()
    };
    given::<User>([])
        .when(named)
        .then([registered(), renamed(Some(sealed("name")))]);
}

#[test]
fn registration_repeated_after_a_crash_is_no_event() {
    given::<User>([registered()]).when(register()).then_nothing();
}

#[test]
fn registration_under_another_claim_is_refused() {
    let other = Register {
        claim: claim_id('b'),
        ..register()
    };
    given::<User>([registered()])
        .when(other)
        .then_refused(UserError::AlreadyRegistered);
}

#[test]
fn user_that_was_never_registered_refuses_everything_else() {
    for command in later_commands() {
        given::<User>([]).when(command).then_refused(UserError::NotRegistered);
    }
}

#[test]
fn name_is_set_replaced_and_removed() {
    let name = || renamed(Some(sealed("name")));
    given::<User>([registered()]).when(rename(Some("name"))).then([name()]);
    given::<User>([registered(), name()])
        .when(rename(Some("new")))
        .then([renamed(Some(sealed("new")))]);
    given::<User>([registered(), name()])
        .when(rename(None))
        .then([renamed(None)]);
}

#[test]
fn name_that_is_already_so_is_no_event() {
    given::<User>([registered()]).when(rename(None)).then_nothing();
    given::<User>([registered(), renamed(Some(sealed("name")))])
        .when(rename(Some("name")))
        .then_nothing();
}

#[test]
fn password_change_raises_the_epoch() {
    given::<User>([registered()])
        .when(change_password())
        .then([password_changed(1)]);
    let again = ChangePassword {
        replaces: Some(sealed("another")),
        ..change_password()
    };
    given::<User>([registered(), password_changed(1)])
        .when(again)
        .then([password_changed(2)]);
}

#[test]
fn password_that_was_replaced_meanwhile_is_no_right_to_change_it() {
    given::<User>([registered(), password_changed(1)])
        .when(change_password())
        .then_refused(UserError::PasswordReplaced);
}

#[test]
fn first_password_of_a_user_without_one_is_set() {
    let without = UserEvent::Registered {
        email: sealed("email"),
        claim: claim_id('a'),
        email_verified: true,
        password: None,
        at: T0,
    };
    assert_eq!(state::<User>([without.clone()]).password(), None);
    let set = ChangePassword {
        replaces: None,
        cause: PasswordCause::Set,
        ..change_password()
    };
    given::<User>([without]).when(set).then([UserEvent::PasswordChanged {
        password: sealed("another"),
        epoch: 1,
        cause: PasswordCause::Set,
        at: T0,
    }]);
}

#[test]
fn better_hash_replaces_the_one_it_was_made_for_and_ends_no_session() {
    given::<User>([registered()])
        .when(upgrade("password"))
        .then([upgraded()]);
    let user = state::<User>([registered(), upgraded()]);
    assert_eq!(user.password(), Some(&sealed("better")));
    assert_eq!(user.epoch(), 0);
}

#[test]
fn password_changed_meanwhile_wins_over_a_better_hash_of_the_old_one() {
    given::<User>([registered(), password_changed(1)])
        .when(upgrade("password"))
        .then_nothing();
    given::<User>([registered(), upgraded()])
        .when(upgrade("password"))
        .then_nothing();
}

#[test]
fn login_finds_all_it_needs() {
    let user = state::<User>([registered(), renamed(Some(sealed("name")))]);
    assert!(user.is_registered() && user.is_active() && user.email_verified());
    assert_eq!(user.email(), Some(&sealed("email")));
    assert_eq!(user.claim(), Some(&claim_id('a')));
    assert_eq!(user.password(), Some(&sealed("password")));
    assert_eq!(user.name(), Some(&sealed("name")));
    assert_eq!(user.registered_at(), Some(T0));
    assert_eq!(user.epoch(), 0);
    assert!(user.roles().is_empty());
}

#[test]
fn user_that_was_never_registered_is_not_active() {
    let nobody = User::default();
    assert!(!nobody.is_registered());
    assert!(!nobody.is_active());
    assert!(!nobody.email_verified());
    assert_eq!(nobody.registered_at(), None);
}
