use cqrs_es::Aggregate;
use proptest::prelude::*;

use super::*;
use crate::given::assert_replays;

fn command() -> impl Strategy<Value = SessionCommand> {
    let at = (0..2 * ABSOLUTE_MS).prop_map(after_ms);
    (at, 0_u8..8, 0_u32..10).prop_map(|(at, kind, epoch)| match kind {
        0 => Start { epoch, at, ..start() }.into(),
        1..=3 => Refresh { at }.into(),
        4 | 5 => Rotate { epoch, ..rotate(at) }.into(),
        6 => Reauthenticate {
            epoch,
            ..reauthenticate(at)
        }
        .into(),
        _ => end(at).into(),
    })
}

fn commands() -> impl Strategy<Value = Vec<SessionCommand>> {
    let first = prop_oneof![9 => Just(vec![start().into()]), 1 => Just(Vec::new())];
    (first, prop::collection::vec(command(), 0..40)).prop_map(|(first, rest)| [first, rest].concat())
}

proptest! {
    #[test]
    fn any_history_replays_to_the_same_session(commands in commands()) {
        assert_replays::<Session>(commands);
    }

    #[test]
    fn ended_session_never_lives_again_and_has_no_more_events(commands in commands()) {
        let mut session = Session::default();
        let mut over = false;
        for command in commands {
            for event in session.decide(command).unwrap_or_default() {
                prop_assert!(!over, "{event:?} after the end");
                session.apply(event);
            }
            over |= session.ended().is_some();
            let epochs = 0..10;
            prop_assert!(!over || epochs.clone().all(|epoch| !session.is_live(T0, epoch)));
            prop_assert!(!over || epochs.clone().all(|epoch| !session.is_live(Timestamp::from_micros(i64::MIN), epoch)));
        }
    }

    #[test]
    fn idle_deadline_only_moves_later_and_the_absolute_one_never(commands in commands()) {
        let mut session = Session::default();
        for command in commands {
            let before = session.login().cloned();
            for event in session.decide(command).unwrap_or_default() {
                session.apply(event);
            }
            if let (Some(before), Some(after)) = (before, session.login()) {
                prop_assert!(before.idle_until <= after.idle_until);
                prop_assert_eq!(before.absolute_until, after.absolute_until);
                prop_assert!(after.idle_until <= after.absolute_until);
            }
        }
    }
}
