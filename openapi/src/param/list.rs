//! Which part of a list is meant.

use poem_openapi::registry::MetaSchema;
use serde_json::json;

use super::query::{FromQuery, Wrong};

/// How many items of a list: 1 to 200, 50 unless told.
pub(crate) struct Limit(pub(crate) u16);

impl FromQuery for Limit {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        MetaSchema {
            minimum: Some(1.0),
            maximum: Some(200.0),
            default: Some(json!(50)),
            ..MetaSchema::new_with_format("integer", "int32")
        }
    }

    fn read(text: Option<&str>) -> Result<Self, Wrong> {
        let Some(text) = text else { return Ok(Self(50)) };
        let wrong = ("out_of_range", "This must be a whole number from 1 to 200.");
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let limit = text.parse().ok().filter(|limit| digits && (1..=200).contains(limit));
        limit.map(Self).ok_or(wrong)
    }
}

/// From the page before.
pub(crate) struct Cursor(pub(crate) Option<String>);

impl FromQuery for Cursor {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        MetaSchema {
            max_length: Some(512),
            ..MetaSchema::new("string")
        }
    }

    fn read(text: Option<&str>) -> Result<Self, Wrong> {
        match text {
            Some(text) if text.len() > 512 || text.chars().any(char::is_control) => {
                Err(("not_a_cursor", "This must be the `next_cursor` of a page."))
            }
            _ => Ok(Self(text.map(str::to_owned))),
        }
    }
}

/// Says that the session that asks is to stay.
pub(crate) struct ExceptCurrent;

impl FromQuery for ExceptCurrent {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        MetaSchema {
            enum_items: vec![json!("current")],
            ..MetaSchema::new("string")
        }
    }

    fn read(text: Option<&str>) -> Result<Self, Wrong> {
        match text {
            Some("current") => Ok(Self),
            Some(_) => Err(("unknown_value", "This must be `current`.")),
            None => Err(("missing", "This parameter is required, and must be `current`.")),
        }
    }
}
