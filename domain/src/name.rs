//! Names that people give themselves.

use std::fmt;

use unicode_normalization::UnicodeNormalization;

use crate::text::{breaks_line, is_invisible, turns_direction};

#[cfg(test)]
mod tests;

/// A name to be shown, as its owner typed it: trimmed, in Unicode NFC, any script.
///
/// It names nobody for certain: two users may have the same.
#[derive(Clone, PartialEq, Eq)]
pub struct DisplayName(Box<str>);

/// The text cannot be shown as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 200 characters, on one line, without control characters")]
pub struct InvalidName;

impl DisplayName {
    /// Longest accepted name, in characters.
    pub const MAX_CHARS: usize = 200;

    /// Reads a name as a person typed it.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] when nothing visible is left after trimming, when more than [`Self::MAX_CHARS`] characters are, or
    /// when one of them is a control character (U+0000 too), breaks the line or turns the direction of the text
    /// around the name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        // Bounds the work: NFC makes one character out of at most four, of at most four bytes each.
        if text.len() > Self::MAX_CHARS * 16 {
            return Err(InvalidName);
        }
        let name: String = text.trim().nfc().collect();
        let refused = |character: char| character.is_control() || breaks_line(character) || turns_direction(character);
        let blank = |character: char| character.is_whitespace() || is_invisible(character);
        if name.chars().all(blank) || name.chars().any(refused) || name.chars().count() > Self::MAX_CHARS {
            return Err(InvalidName);
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shows the length only: names are personal data and end up in logs.
impl fmt::Debug for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DisplayName({} characters)", self.0.chars().count())
    }
}
