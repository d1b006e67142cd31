//! Lengths of time as people write them: `14d`, `1h30m`, `500ms`.

use std::time::Duration;

/// Reads numbers with units, the larger unit first or not: `d`, `h`, `m`, `s`, `ms`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit())?);
        let (unit, tail) = tail.split_at(tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len()));
        let number: u64 = number.parse().ok()?;
        let millis = number.checked_mul(match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        })?;
        total = total.checked_add(Duration::from_millis(millis))?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

/// Reads a span with an optional sign, in microseconds: `+15d`, `-2h`.
pub(crate) fn parse_signed(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    Some(sign * i64::try_from(parse(text)?.as_micros()).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, parse_signed};

    #[test]
    fn spans_are_read_with_their_units() {
        assert_eq!(parse("14d"), Some(Duration::from_hours(14 * 24)));
        assert_eq!(parse("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(parse("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(parse("0s"), Some(Duration::ZERO));
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in ["", "14", "d", "14 d", "14x", "-1d", "1.5h", "99999999999999999999d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn offsets_have_a_sign() {
        assert_eq!(parse_signed("+15d"), Some(1_296_000_000_000));
        assert_eq!(parse_signed("-2h"), Some(-7_200_000_000));
        assert_eq!(parse_signed("2s"), Some(2_000_000));
        assert_eq!(parse_signed("+-2s"), None);
    }
}
