//! Numbers of events in the query: 64 bits, which is more than scripts of pages count to.

use poem_openapi::registry::MetaSchema;

use crate::param::FromQuery;

/// A whole number from 1.
pub(crate) struct Whole(pub(crate) u64);

const WRONG: (&str, &str) = ("not_a_number", "This must be a whole number from 1.");
/// As many digits as 2^63 - 1 has: the most that a database numbers.
const DIGITS: usize = 19;

impl Whole {
    fn one(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let digits = (1..=DIGITS).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|number| digits && *number > 0);
        number
            .filter(|number| i64::try_from(*number).is_ok())
            .map(Self)
            .ok_or(WRONG)
    }

    fn form() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[0-9]*[1-9][0-9]*$".to_owned()),
            max_length: Some(DIGITS),
            ..MetaSchema::new("string")
        }
    }
}

impl FromQuery for Whole {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        Self::form()
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        Self::one(text.ok_or(("missing", "This parameter is required."))?)
    }
}

impl FromQuery for Option<Whole> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        Whole::form()
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        text.map(Whole::one).transpose()
    }
}
