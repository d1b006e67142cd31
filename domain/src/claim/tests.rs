use proptest::prelude::*;

use super::*;
use crate::{
    given::{ADA, BOB, T0, after_ms, assert_replays, given, run, state},
    id::UserId,
};

fn taken(user_id: UserId) -> ClaimEvent {
    ClaimEvent::Taken { user_id, at: T0 }
}

fn released(user_id: UserId) -> ClaimEvent {
    ClaimEvent::Released { user_id, at: T0 }
}

fn take(user_id: UserId) -> Take {
    Take { user_id, at: T0 }
}

fn release(user_id: UserId) -> Release {
    Release { user_id, at: T0 }
}

#[test]
fn free_claim_is_taken() {
    given::<Claim>([]).when(take(ADA)).then([taken(ADA)]);
}

#[test]
fn owner_takes_it_again_without_an_event() {
    let again = Take {
        user_id: ADA,
        at: after_ms(1),
    };
    given::<Claim>([taken(ADA)]).when(again).then_nothing();
}

#[test]
fn another_user_is_refused() {
    given::<Claim>([taken(ADA)])
        .when(take(BOB))
        .then_refused(ClaimError::TakenByAnother);
}

#[test]
fn owner_releases_it() {
    given::<Claim>([taken(ADA)]).when(release(ADA)).then([released(ADA)]);
}

#[test]
fn another_user_cannot_release_it() {
    given::<Claim>([taken(ADA)])
        .when(release(BOB))
        .then_refused(ClaimError::TakenByAnother);
}

#[test]
fn free_claim_is_released_without_an_event() {
    given::<Claim>([]).when(release(ADA)).then_nothing();
    given::<Claim>([taken(ADA), released(ADA)])
        .when(release(ADA))
        .then_nothing();
}

#[test]
fn released_claim_is_free_for_another_user() {
    given::<Claim>([taken(ADA), released(ADA)])
        .when(take(BOB))
        .then([taken(BOB)]);
}

#[test]
fn owner_is_who_took_it_last() {
    assert_eq!(state::<Claim>([]).owner(), None);
    assert_eq!(state::<Claim>([taken(ADA)]).owner(), Some(ADA));
    assert_eq!(state::<Claim>([taken(ADA), released(ADA)]).owner(), None);
    assert_eq!(
        state::<Claim>([taken(ADA), released(ADA), taken(BOB)]).owner(),
        Some(BOB)
    );
}

fn command() -> impl Strategy<Value = ClaimCommand> {
    let user = prop_oneof![Just(ADA), Just(BOB)];
    (any::<bool>(), user).prop_map(|(takes, user)| if takes { take(user).into() } else { release(user).into() })
}

proptest! {
    #[test]
    fn any_history_replays_to_the_same_claim(commands in prop::collection::vec(command(), 0..30)) {
        assert_replays::<Claim>(commands);
    }

    #[test]
    fn two_takes_never_follow_each_other(commands in prop::collection::vec(command(), 0..30)) {
        let (_, history) = run::<Claim>(commands);
        for pair in history.windows(2) {
            let same = pair[0].name() == pair[1].name();
            prop_assert!(!same, "{pair:?}");
        }
    }
}
