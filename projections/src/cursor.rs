//! Where a page of a list ends.

use std::{fmt, str::FromStr};

use doorbook_domain::time::Timestamp;

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
