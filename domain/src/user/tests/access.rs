use cqrs_es::test::TestFramework;

use super::*;

fn granted(role: Role, epoch: u32) -> UserEvent {
    UserEvent::RoleGranted { role, epoch, at: T0 }
}

fn revoked(role: Role, epoch: u32) -> UserEvent {
    UserEvent::RoleRevoked { role, epoch, at: T0 }
}

fn sessions_ended(epoch: u32) -> UserEvent {
    UserEvent::SessionsEnded { epoch, at: T0 }
}

fn reactivated() -> UserEvent {
    UserEvent::Reactivated { at: T0 }
}

#[test]
fn granted_role_raises_the_epoch() {
    given::<User>([registered()])
        .when(grant(Role::Admin))
        .then([granted(Role::Admin, 1)]);
    let user = state::<User>([registered(), granted(Role::Admin, 1)]);
    assert!(user.roles().contains(Role::Admin));
    assert!(!user.roles().contains(Role::Auditor));
    assert_eq!(user.epoch(), 1);
}

#[test]
fn role_that_is_already_so_is_no_event() {
    given::<User>([registered(), granted(Role::Admin, 1)])
        .when(grant(Role::Admin))
        .then_nothing();
    given::<User>([registered()]).when(revoke(Role::Admin)).then_nothing();
    given::<User>([registered(), granted(Role::Auditor, 1)])
        .when(revoke(Role::Admin))
        .then_nothing();
}

#[test]
fn revoked_role_raises_the_epoch_and_leaves_the_other() {
    let history = || [registered(), granted(Role::Admin, 1), granted(Role::Auditor, 2)];
    given::<User>(history())
        .when(revoke(Role::Admin))
        .then([revoked(Role::Admin, 3)]);
    let user = state::<User>(history().into_iter().chain([revoked(Role::Admin, 3)]));
    assert!(!user.roles().contains(Role::Admin));
    assert!(user.roles().contains(Role::Auditor));
    assert_eq!(user.epoch(), 3);
}

#[test]
fn deactivation_bars_the_user_and_raises_the_epoch() {
    given::<User>([registered()])
        .when(Deactivate { at: T0 })
        .then([deactivated(1)]);
    let user = state::<User>([registered(), deactivated(1)]);
    assert!(user.is_registered() && !user.is_active());
    assert_eq!(user.epoch(), 1);
}

#[test]
fn second_deactivation_is_no_event() {
    given::<User>([registered(), deactivated(1)])
        .when(Deactivate { at: T0 })
        .then_nothing();
}

#[test]
fn reactivation_lets_the_user_log_in_again_and_revives_no_session() {
    given::<User>([registered(), deactivated(1)])
        .when(Reactivate { at: T0 })
        .then([reactivated()]);
    let user = state::<User>([registered(), deactivated(1), reactivated()]);
    assert!(user.is_active());
    assert_eq!(user.epoch(), 1);
}

#[test]
fn reactivation_of_an_active_user_is_no_event() {
    given::<User>([registered()]).when(Reactivate { at: T0 }).then_nothing();
    given::<User>([registered(), deactivated(1), reactivated()])
        .when(Reactivate { at: T0 })
        .then_nothing();
}

#[test]
fn deactivated_user_refuses_a_name_a_password_and_a_role() {
    let refused: [UserCommand; 3] = [
        rename(Some("name")).into(),
        change_password().into(),
        grant(Role::Admin).into(),
    ];
    for command in refused {
        given::<User>([registered(), deactivated(1)])
            .when(command.clone())
            .then_refused(UserError::Inactive);
        let decided =
            crate::decide::Decide::decide(&state::<User>([registered(), deactivated(1), reactivated()]), command);
        assert_eq!(decided.map(|events| events.len()), Ok(1));
    }
}

#[test]
fn deactivated_user_loses_roles_and_sessions_all_the_same() {
    let history = || [registered(), granted(Role::Admin, 1), deactivated(2)];
    given::<User>(history())
        .when(revoke(Role::Admin))
        .then([revoked(Role::Admin, 3)]);
    given::<User>(history())
        .when(EndSessions { at: T0 })
        .then([sessions_ended(3)]);
}

#[test]
fn sessions_end_as_often_as_asked() {
    given::<User>([registered()])
        .when(EndSessions { at: T0 })
        .then([sessions_ended(1)]);
    given::<User>([registered(), sessions_ended(1)])
        .when(EndSessions { at: T0 })
        .then([sessions_ended(2)]);
}

#[test]
fn last_epoch_is_refused_to_be_raised() {
    let history = || [registered(), granted(Role::Auditor, 1), sessions_ended(u32::MAX)];
    let raising: [UserCommand; 5] = [
        change_password().into(),
        grant(Role::Admin).into(),
        revoke(Role::Auditor).into(),
        Deactivate { at: T0 }.into(),
        EndSessions { at: T0 }.into(),
    ];
    for command in raising {
        given::<User>(history())
            .when(command)
            .then_refused(UserError::EpochExhausted);
    }
    let one_less = [registered(), sessions_ended(u32::MAX - 1)];
    given::<User>(one_less)
        .when(EndSessions { at: T0 })
        .then([sessions_ended(u32::MAX)]);
}

#[test]
fn handling_a_command_hands_on_what_was_decided() {
    let user = || TestFramework::<User>::with(());
    user()
        .given(vec![registered()])
        .when(change_password().into())
        .then_expect_events(vec![password_changed(1)]);
    user()
        .given(vec![registered(), deactivated(1)])
        .when(change_password().into())
        .then_expect_error(UserError::Inactive);
}

fn set_roles(roles: &[Role]) -> SetRoles {
    SetRoles {
        roles: roles.to_vec().into(),
        at: T0,
    }
}

#[test]
fn set_roles_grants_and_revokes_at_once_and_each_raises_the_epoch() {
    given::<User>([registered(), granted(Role::Auditor, 1)])
        .when(set_roles(&[Role::Admin]))
        .then([revoked(Role::Auditor, 2), granted(Role::Admin, 3)]);
    let user = state::<User>([
        registered(),
        granted(Role::Auditor, 1),
        revoked(Role::Auditor, 2),
        granted(Role::Admin, 3),
    ]);
    assert_eq!(user.roles(), [Role::Admin].to_vec().into());
    assert_eq!(user.epoch(), 3);
}

#[test]
fn roles_that_are_already_so_end_no_session() {
    given::<User>([registered()]).when(set_roles(&[])).then_nothing();
    given::<User>([registered(), granted(Role::Admin, 1)])
        .when(set_roles(&[Role::Admin]))
        .then_nothing();
}

#[test]
fn deactivated_user_is_given_no_role_and_can_lose_one() {
    let history = || [registered(), granted(Role::Admin, 1), deactivated(2)];
    given::<User>(history())
        .when(set_roles(&[Role::Admin, Role::Auditor]))
        .then_refused(UserError::Inactive);
    given::<User>(history())
        .when(set_roles(&[]))
        .then([revoked(Role::Admin, 3)]);
}

#[test]
fn unlocking_is_recorded_each_time_and_changes_nothing_else() {
    let unlocked = UserEvent::Unlocked { at: T0 };
    given::<User>([registered(), unlocked.clone()])
        .when(Unlock { at: T0 })
        .then([unlocked.clone()]);
    assert_eq!(state::<User>([registered(), unlocked]), state::<User>([registered()]));
    given::<User>([])
        .when(Unlock { at: T0 })
        .then_refused(UserError::NotRegistered);
}
