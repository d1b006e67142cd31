//! What is looked for: in the filters of lists.

use std::net::IpAddr;

use doorbook_domain::{id::UserId, role::Role, time::Timestamp};
use doorbook_projections::login_history::Won;
use poem_openapi::registry::MetaSchema;
use serde_json::json;

use super::query::{FromText, Wrong};
use crate::{formats::Format, users::StateWish};

impl FromText for UserId {
    fn form() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn one(text: &str) -> Result<Self, Wrong> {
        text.parse().map_err(|_| ("not_an_id", "This must be a UUID."))
    }
}

impl FromText for IpAddr {
    fn form() -> MetaSchema {
        MetaSchema {
            max_length: Some(45),
            ..MetaSchema::new("string")
        }
    }

    fn one(text: &str) -> Result<Self, Wrong> {
        let wrong = ("not_an_ip", "This must be an address of IPv4 or IPv6.");
        text.parse().map_err(|_| wrong)
    }
}

impl FromText for Timestamp {
    fn form() -> MetaSchema {
        MetaSchema::new_with_format("string", "date-time")
    }

    /// A `+` of an offset that nobody encoded arrives as a space.
    fn one(text: &str) -> Result<Self, Wrong> {
        let wrong = (
            "not_an_instant",
            "This must be an instant as in RFC 3339: `2026-11-25T14:03:00Z`.",
        );
        let instant = chrono::DateTime::parse_from_rfc3339(&text.replace(' ', "+"));
        instant.map(|instant| instant.to_utc().into()).map_err(|_| wrong)
    }
}

/// One of a few words.
macro_rules! words {
    ($type:ty, $all:expr, $word:expr, $message:literal) => {
        impl FromText for $type {
            fn form() -> MetaSchema {
                MetaSchema {
                    enum_items: $all.map(|one| json!($word(one))).to_vec(),
                    ..MetaSchema::new("string")
                }
            }

            fn one(text: &str) -> Result<Self, Wrong> {
                let known = $all.into_iter().find(|one| $word(*one) == text);
                known.ok_or(("unknown_value", $message))
            }
        }
    };
}

words!(
    Won,
    [Self::Success, Self::Failure],
    Self::as_str,
    "This must be `success` or `failure`."
);
words!(Role, Self::ALL, Self::as_str, "This must be one of: auditor, admin.");
words!(
    StateWish,
    Self::ALL,
    Self::as_str,
    "This must be one of: active, deactivated, erased, unverified."
);
words!(
    Format,
    Self::ALL,
    Self::as_str,
    "This must be `ndjson`, `csv` or `ocsf`."
);
