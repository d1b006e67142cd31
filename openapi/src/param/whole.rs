//! Numbers of events in the query: 64 bits, which is more than scripts of pages count to.

use poem_openapi::registry::MetaSchema;

use super::query::{FromText, Wrong};

/// A whole number from 1.
pub(crate) struct Whole(pub(crate) u64);

const WRONG: Wrong = ("not_a_number", "This must be a whole number from 1.");
/// As many digits as 2^63 - 1 has: the most that a database numbers.
const DIGITS: usize = 19;

impl FromText for Whole {
    fn form() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[0-9]*[1-9][0-9]*$".to_owned()),
            max_length: Some(DIGITS),
            ..MetaSchema::new("string")
        }
    }

    fn one(text: &str) -> Result<Self, Wrong> {
        let digits = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number > 0);
        number
            .filter(|number| i64::try_from(*number).is_ok())
            .map(Self)
            .ok_or(WRONG)
    }
}
