//! How long a receiver wants to be left alone: `Retry-After` of RFC 9110, section 10.2.3.

use std::time::{Duration, UNIX_EPOCH};

use doorbook_domain::time::Timestamp;

/// Seconds, or an instant in any of the three forms that HTTP knows; of an instant that has passed, zero. `None` where it is
/// neither.
pub(super) fn read(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    let at = at.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::default().plus(at).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1994-11-06T08:47:37Z: two minutes before the example of RFC 9110.
    const NOW: Timestamp = Timestamp::from_micros(784_111_657_000_000);

    #[test]
    fn seconds_and_the_three_forms_of_a_date_are_read() {
        for (text, seconds) in [
            ("0", 0),
            ("120", 120),
            (" 120 ", 120),
            ("99999999999999999999999", u64::MAX),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 120),
            ("Sunday, 06-Nov-94 08:49:37 GMT", 120),
            ("Sun Nov  6 08:49:37 1994", 120),
            ("Sun, 06 Nov 1994 08:47:36 GMT", 0),
        ] {
            assert_eq!(read(text, NOW), Some(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for text in ["", "-1", "1.5", "+3", "soon", "1994-11-06T08:49:37Z", "٣"] {
            assert_eq!(read(text, NOW), None, "{text}");
        }
    }
}
