use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    given::{ADA, T0, after_ms, assert_replays, given, run, sealed, state},
    time::Timestamp,
};

const HOUR_MS: u64 = 3_600_000;
const MINUTE_MS: u64 = 60_000;

fn record(at: Timestamp) -> Record {
    Record {
        user_id: Some(ADA),
        email: sealed("email"),
        reason: FailureReason::WrongPassword,
        provider: None,
        origin: Some(sealed("origin")),
        ip_bucket: Some(7),
        at,
    }
}

fn failed(at: Timestamp) -> LoginAttemptsEvent {
    LoginAttemptsEvent::Failed {
        user_id: Some(ADA),
        email: sealed("email"),
        reason: FailureReason::WrongPassword,
        provider: None,
        origin: Some(sealed("origin")),
        ip_bucket: Some(7),
        at,
    }
}

fn summarize(count: u32, at: Timestamp) -> Summarize {
    Summarize {
        user_id: Some(ADA),
        provider: None,
        count,
        from: T0,
        at,
    }
}

fn summarized(count: u32, at: Timestamp) -> LoginAttemptsEvent {
    LoginAttemptsEvent::Summarized {
        user_id: Some(ADA),
        provider: None,
        count,
        from: T0,
        at,
    }
}

/// `count` failures, one a second from [`T0`] on.
fn failures(count: u64) -> impl Iterator<Item = LoginAttemptsEvent> {
    (0..count).map(|second| failed(after_ms(second * 1000)))
}

#[test]
fn first_failure_is_recorded_as_it_was() {
    given::<LoginAttempts>([]).when(record(T0)).then([failed(T0)]);
}

#[test]
fn tenth_failure_of_an_hour_is_recorded_singly() {
    let at = after_ms(9000);
    given::<LoginAttempts>(failures(9)).when(record(at)).then([failed(at)]);
}

#[test]
fn eleventh_failure_of_an_hour_is_not_recorded() {
    given::<LoginAttempts>(failures(10))
        .when(record(after_ms(10_000)))
        .then_nothing();
    given::<LoginAttempts>(failures(10))
        .when(record(after_ms(HOUR_MS - 1)))
        .then_nothing();
}

#[test]
fn failure_is_recorded_again_once_the_first_of_ten_is_an_hour_old() {
    let at = after_ms(HOUR_MS);
    given::<LoginAttempts>(failures(10)).when(record(at)).then([failed(at)]);
}

#[test]
fn room_is_made_one_by_one_as_the_hour_runs() {
    let at = after_ms(HOUR_MS);
    let history = failures(10).chain([failed(at)]);
    given::<LoginAttempts>(history)
        .when(record(after_ms(HOUR_MS + 999)))
        .then_nothing();
}

#[test]
fn caller_knows_beforehand_whether_a_failure_is_recorded_singly() {
    let full = state::<LoginAttempts>(failures(10));
    assert!(!full.records_singly(after_ms(HOUR_MS - 1)));
    assert!(full.records_singly(after_ms(HOUR_MS)));
    assert!(state::<LoginAttempts>(failures(9)).records_singly(after_ms(9000)));
    assert!(LoginAttempts::default().records_singly(T0));
}

#[test]
fn first_summary_is_recorded_at_once() {
    given::<LoginAttempts>(failures(10))
        .when(summarize(5, T0))
        .then([summarized(5, T0)]);
}

#[test]
fn second_summary_waits_for_a_minute() {
    let due = after_ms(MINUTE_MS);
    given::<LoginAttempts>([summarized(5, T0)])
        .when(summarize(7, after_ms(MINUTE_MS - 1)))
        .then_refused(LoginAttemptsError::SummarizedAlready { due });
    given::<LoginAttempts>([summarized(5, T0)])
        .when(summarize(7, due))
        .then([summarized(7, due)]);
}

#[test]
fn summary_of_nothing_is_no_event() {
    given::<LoginAttempts>([]).when(summarize(0, T0)).then_nothing();
    given::<LoginAttempts>([summarized(5, T0)])
        .when(summarize(0, T0))
        .then_nothing();
}

#[test]
fn caller_knows_when_the_next_summary_is_due() {
    assert_eq!(LoginAttempts::default().summary_due(None), None);
    let once = state::<LoginAttempts>([summarized(5, T0)]);
    assert_eq!(once.summary_due(None), Some(after_ms(MINUTE_MS)));
    assert_eq!(
        once.summary_due(Some("github")),
        None,
        "a provider's are summarized apart"
    );
}

#[test]
fn summary_takes_no_room_from_single_failures() {
    let at = after_ms(9000);
    let history = failures(9).chain([summarized(3, T0)]);
    given::<LoginAttempts>(history).when(record(at)).then([failed(at)]);
}

#[test]
fn reasons_are_shown_as_they_are_stored() {
    for reason in [
        FailureReason::WrongPassword,
        FailureReason::UnknownAddress,
        FailureReason::Inactive,
        FailureReason::NoPassword,
    ] {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
    }
}

/// Failures and summaries, each some seconds after the one before.
fn commands() -> impl Strategy<Value = Vec<LoginAttemptsCommand>> {
    prop::collection::vec((0_u64..600, any::<bool>(), 0_u32..3), 0..80).prop_map(|steps| {
        let mut at = T0;
        let command = |(seconds, single, count)| {
            at = at.plus(Duration::from_secs(seconds));
            if single {
                record(at).into()
            } else {
                summarize(count, at).into()
            }
        };
        steps.into_iter().map(command).collect()
    })
}

proptest! {
    #[test]
    fn any_history_replays_to_the_same_record(commands in commands()) {
        assert_replays::<LoginAttempts>(commands);
    }

    #[test]
    fn no_hour_has_eleven_single_failures_and_no_minute_two_summaries(commands in commands()) {
        let (mut singles, mut summaries) = (Vec::new(), Vec::new());
        for event in run::<LoginAttempts>(commands).1 {
            match event {
                LoginAttemptsEvent::Failed { at, .. } => singles.push(at),
                LoginAttemptsEvent::Summarized { at, .. } => summaries.push(at),
                LoginAttemptsEvent::LinkRefused { .. } => {}
            }
        }
        prop_assert!(singles.windows(11).all(|run| run[10].since(run[0]) >= Duration::from_hours(1)));
        prop_assert!(summaries.windows(2).all(|pair| pair[1].since(pair[0]) >= Duration::from_mins(1)));
    }
}
