//! Texts of one line.

use poem_openapi::registry::MetaSchema;

use super::query::{FromText, Wrong};

/// A text of one line, of a bounded length.
pub(crate) struct Line(pub(crate) String);

/// Longest line, in bytes. Codes of providers have some hundred.
const LINE_MAX: usize = 4096;

impl FromText for Line {
    fn form() -> MetaSchema {
        MetaSchema {
            max_length: Some(LINE_MAX),
            ..MetaSchema::new("string")
        }
    }

    fn one(text: &str) -> Result<Self, Wrong> {
        if text.len() > LINE_MAX {
            return Err(("too_long", "This is too long."));
        }
        if text.chars().any(char::is_control) {
            return Err(("control_character", "Control characters are not accepted here."));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A text of visible ASCII, as OAuth has them (RFC 6749, appendix A): at most so long that a few of them fit into a URI,
/// however they are encoded.
pub(crate) struct Visible(pub(crate) String);

impl FromText for Visible {
    fn form() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[ -~]*$".to_owned()),
            ..Line::form()
        }
    }

    fn one(text: &str) -> Result<Self, Wrong> {
        let Line(text) = Line::one(text)?;
        if text.chars().all(|c| matches!(c, ' '..='~')) {
            Ok(Self(text))
        } else {
            Err(("not_ascii", "This must be visible ASCII."))
        }
    }
}
