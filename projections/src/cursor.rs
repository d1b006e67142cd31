//! Where a page of a list ends.

use std::{fmt, str::FromStr};

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

/// The last row of a page, newest first: the next page begins after it. Text on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// The row's instant.
    pub at: Timestamp,
    /// The row's key.
    pub key: String,
}

/// The text is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor that a list of this service gave")]
pub struct InvalidCursor;

impl Cursor {
    /// Before the newest row.
    #[must_use]
    pub const fn start() -> Self {
        Self {
            at: Timestamp::from_micros(i64::MAX),
            key: String::new(),
        }
    }

    /// The key of a row that goes by its id; without a key, an id before all others. With a key of another kind a page, newest
    /// first, begins with the rows of the instant once more: none is left out.
    pub(crate) fn id(&self) -> Uuid {
        if self.key.is_empty() {
            return Uuid::nil();
        }
        self.key.parse().unwrap_or(Uuid::max())
    }

    /// The key of a row that goes by its place in the log, as [`Self::id`].
    pub(crate) fn position(&self) -> i64 {
        if self.key.is_empty() {
            return i64::MIN;
        }
        self.key.parse().unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.micros(), self.key)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (at, key) = text.split_once('.').ok_or(InvalidCursor)?;
        if key.contains('\0') {
            return Err(InvalidCursor);
        }
        Ok(Self {
            at: Timestamp::from_micros(at.parse().map_err(|_| InvalidCursor)?),
            key: key.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(key: &str) -> Cursor {
        format!("7.{key}").parse().unwrap()
    }

    #[test]
    fn key_is_a_place_or_an_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(cursor("42").position(), 42);
        assert_eq!(cursor(&id.to_string()).id(), id);
    }

    #[test]
    fn without_a_key_nothing_of_the_instant_follows() {
        assert_eq!((cursor("").position(), cursor("").id()), (i64::MIN, Uuid::nil()));
    }

    #[test]
    fn with_a_key_of_another_kind_all_of_the_instant_follows() {
        let entry = cursor("session-0198c0de-0000-7000-8000-000000000001");
        assert_eq!((entry.position(), entry.id()), (i64::MAX, Uuid::max()));
    }
}
