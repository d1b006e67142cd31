//! Values that poem-openapi has no type for.

use std::borrow::Cow;

use doorbook_domain::time::Timestamp;
use poem_openapi::{
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use serde_json::Value;

use crate::problem::Kind;

/// An instant: RFC 3339, UTC, microseconds.
pub struct Instant(pub Timestamp);

/// An object whose fields depend on what it is about.
pub struct Json(pub Value);

/// What tells problems apart.
pub(crate) struct ProblemType(pub(crate) Kind);

/// Always the same answer, so that generated clients can tell two forms apart by it.
pub(crate) struct Always<const YES: bool>;

macro_rules! scalar {
    (impl($($generics:tt)*) $type:ty, $name:literal, $schema:expr) => {
        impl<$($generics)*> Type for $type {
            const IS_REQUIRED: bool = true;

            type RawValueType = Self;
            type RawElementValueType = Self;

            fn name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_ref() -> MetaSchemaRef {
                MetaSchemaRef::Inline(Box::new($schema))
            }

            fn as_raw_value(&self) -> Option<&Self> {
                Some(self)
            }

            fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
                Box::new(std::iter::once(self))
            }
        }
    };
}

scalar!(impl() Instant, "instant", MetaSchema::new_with_format("string", "date-time"));
scalar!(
    impl() Json,
    "json",
    MetaSchema {
        additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
        ..MetaSchema::new("object")
    }
);
scalar!(
    impl(const YES: bool) Always<YES>,
    "constant",
    MetaSchema { enum_items: vec![Value::Bool(YES)], ..MetaSchema::new("boolean") }
);

scalar!(
    impl() ProblemType,
    "problem_type",
    MetaSchema { enum_items: Kind::ALL.map(|kind| kind.urn().into()).to_vec(), ..MetaSchema::new("string") }
);

impl ToJSON for ProblemType {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.urn().into())
    }
}

impl ParseFromJSON for ProblemType {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.unwrap_or_default();
        let kind = Kind::ALL.into_iter().find(|kind| text == kind.urn());
        kind.map(Self).ok_or_else(|| ParseError::expected_type(text))
    }
}

impl ToJSON for Json {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.clone())
    }
}

impl ParseFromJSON for Json {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }
}

impl serde::Serialize for Instant {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl ToJSON for Instant {
    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.0.to_string()))
    }
}

impl ParseFromJSON for Instant {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        let text = value.unwrap_or_default();
        let instant = text
            .as_str()
            .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok());
        let instant = instant.ok_or_else(|| ParseError::expected_type(text))?;
        Ok(Self(instant.to_utc().into()))
    }
}

impl<const YES: bool> ToJSON for Always<YES> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Bool(YES))
    }
}

impl<const YES: bool> ParseFromJSON for Always<YES> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::Bool(yes)) if yes == YES => Ok(Self),
            other => Err(ParseError::expected_type(other.unwrap_or_default())),
        }
    }
}
