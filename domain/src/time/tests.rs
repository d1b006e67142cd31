use proptest::prelude::*;

use super::*;

const LAST: Timestamp = Timestamp::from_micros(i64::MAX);
const FIRST: Timestamp = Timestamp::from_micros(i64::MIN);

#[test]
fn instant_is_shown_to_the_microsecond_in_utc() {
    let instant = Timestamp::from_micros(1_767_323_045_000_006);
    assert_eq!(instant.to_string(), "2026-01-02T03:04:05.000006Z");
}

#[test]
fn instant_is_stored_as_a_number() {
    let instant = Timestamp::from_micros(-7);
    assert_eq!(serde_json::to_string(&instant).unwrap(), "-7");
    assert_eq!(serde_json::from_str::<Timestamp>("-7").unwrap(), instant);
}

#[test]
fn spans_beyond_the_last_and_the_first_instant_stop_there() {
    assert_eq!(LAST.plus(Duration::from_micros(1)), LAST);
    assert_eq!(Timestamp::default().plus(Duration::MAX), LAST);
    assert_eq!(FIRST.minus(Duration::from_micros(1)), FIRST);
    assert_eq!(LAST.since(FIRST), Duration::from_micros(9_223_372_036_854_775_807));
}

#[test]
fn later_instant_is_no_time_ago() {
    let later = Timestamp::from_micros(5);
    assert_eq!(later.since(Timestamp::from_micros(2)), Duration::from_micros(3));
    assert_eq!(Timestamp::from_micros(2).since(later), Duration::ZERO);
}

#[test]
fn instant_beyond_the_calendar_is_still_shown() {
    assert!(!LAST.to_string().is_empty());
    assert!(!FIRST.to_string().is_empty());
}

proptest! {
    #[test]
    fn span_added_is_the_span_since(micros in -1_i64 << 52..1 << 52, span in 0_u64..1 << 52) {
        let (instant, span) = (Timestamp::from_micros(micros), Duration::from_micros(span));
        prop_assert_eq!(instant.plus(span).since(instant), span);
        prop_assert_eq!(instant.plus(span).minus(span), instant);
        prop_assert_eq!(Timestamp::from(instant.to_utc()), instant);
    }
}
