use cqrs_es::Aggregate;
use proptest::prelude::*;

use super::*;
use crate::{decide::Decide, given::assert_replays};

fn command() -> impl Strategy<Value = UserCommand> {
    let role = prop_oneof![Just(Role::Auditor), Just(Role::Admin)];
    let text = prop_oneof![Just("password"), Just("another"), Just("better")];
    (0_u8..18, role, text, any::<bool>()).prop_map(|(kind, role, text, present)| match kind {
        0 => Register {
            name: present.then(|| sealed(text)),
            ..register()
        }
        .into(),
        1 => rename(present.then_some(text)).into(),
        2 => ChangePassword {
            password: sealed(text),
            ..change_password()
        }
        .into(),
        3 => upgrade(text).into(),
        4 => grant(role).into(),
        5 => revoke(role).into(),
        6 => Deactivate { at: T0 }.into(),
        7 => Reactivate { at: T0 }.into(),
        8 => recovery::request_reset().into(),
        9 => recovery::reset(1).into(),
        10 => ProveEmail { at: T0 }.into(),
        11 => recovery::request_change().into(),
        12 => recovery::confirm_change().into(),
        13 => recovery::complete_change().into(),
        14 => social::link().into(),
        15 => social::unlink().into(),
        16 if present => Erase { at: T0 }.into(),
        _ => EndSessions { at: T0 }.into(),
    })
}

fn commands() -> impl Strategy<Value = Vec<UserCommand>> {
    let rest = prop::collection::vec(command(), 0..40);
    (any::<bool>(), rest).prop_map(|(starts, rest)| {
        let first = starts.then(|| register().into());
        first.into_iter().chain(rest).collect()
    })
}

proptest! {
    #[test]
    fn any_history_replays_to_the_same_user(commands in commands()) {
        assert_replays::<User>(commands);
    }

    #[test]
    fn epoch_rises_by_one_whenever_sessions_must_end(commands in commands()) {
        let mut user = User::default();
        for command in commands {
            for event in user.decide(command).unwrap_or_default() {
                let (before, roles, active) = (user.epoch(), user.roles(), user.is_active());
                let changes_password = matches!(
                    event,
                    UserEvent::PasswordChanged { .. } | UserEvent::PasswordRemoved { .. }
                );
                let ends_sessions = matches!(event, UserEvent::SessionsEnded { .. } | UserEvent::Erased { .. });
                user.apply(event);
                let raised = changes_password || ends_sessions || user.roles() != roles || (active && !user.is_active());
                prop_assert_eq!(user.epoch(), before + u32::from(raised));
            }
        }
    }
}
