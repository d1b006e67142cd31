//! Parameters that are all looked at before one of them is refused.

use std::net::IpAddr;

use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_projections::login_history::Won;
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};
use serde_json::json;

use crate::{
    app::FieldError,
    known,
    param::{self, FromQuery},
    problem::Problem,
};

/// A parameter in the query, or what is wrong with it; and, with the first of an operation, those that it does not have.
pub(crate) struct Checked<T> {
    read: Result<T, FieldError>,
    unknown: Vec<FieldError>,
}

impl<'a, T: FromQuery> ApiExtractor<'a> for Checked<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = T::REQUIRED;

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Query)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(T::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let query = request.uri().query().unwrap_or_default();
        Ok(Self {
            read: param::read::<T>(query, options.name),
            unknown: known::unknown(request, options.name),
        })
    }
}

/// What is wrong with the parameters of a request.
#[derive(Default)]
pub(crate) struct Findings(Vec<FieldError>);

impl Findings {
    /// The value; nothing where something is wrong with it, which is kept in mind.
    pub(crate) fn take<T>(&mut self, checked: Checked<T>) -> Option<T> {
        let value = checked.read.map_err(|error| self.0.push(error)).ok();
        self.0.extend(checked.unknown);
        value
    }

    /// Finds fault with a parameter.
    pub(crate) fn add(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Refuses the request if anything is wrong.
    ///
    /// # Errors
    ///
    /// `invalid`, with every finding.
    pub(crate) fn settle(self) -> Result<(), Problem> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.0))
        }
    }
}

/// Absent, or of this form.
macro_rules! optional {
    ($type:ty, $schema:expr, $code:literal, $message:literal, $read:expr) => {
        impl FromQuery for Option<$type> {
            const REQUIRED: bool = false;

            fn schema() -> MetaSchema {
                $schema
            }

            fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
                let read: fn(&str) -> Option<$type> = $read;
                text.map(|text| read(text).ok_or(($code, $message))).transpose()
            }
        }
    };
}

optional!(
    UserId,
    MetaSchema::new_with_format("string", "uuid"),
    "not_an_id",
    "This must be a UUID.",
    |text| text.parse().ok()
);
optional!(
    IpAddr,
    MetaSchema {
        max_length: Some(45),
        ..MetaSchema::new("string")
    },
    "not_an_ip",
    "This must be an address of IPv4 or IPv6.",
    |text| text.parse().ok()
);
optional!(
    Timestamp,
    MetaSchema::new_with_format("string", "date-time"),
    "not_an_instant",
    "This must be an instant as in RFC 3339: `2026-11-25T14:03:00Z`.",
    instant
);
optional!(
    Won,
    MetaSchema {
        enum_items: vec![json!("success"), json!("failure")],
        ..MetaSchema::new("string")
    },
    "unknown_value",
    "This must be `success` or `failure`.",
    |text| [Won::Success, Won::Failure]
        .into_iter()
        .find(|won| won.as_str() == text)
);

/// An instant that must be there.
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromQuery for Moment {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "date-time")
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        let text = text.ok_or(("missing", "This parameter is required."))?;
        let wrong = (
            "not_an_instant",
            "This must be an instant as in RFC 3339: `2026-11-25T14:03:00Z`.",
        );
        instant(text).map(Self).ok_or(wrong)
    }
}

/// A `+` of an offset that nobody encoded arrives as a space.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.replace(' ', "+");
    let instant = chrono::DateTime::parse_from_rfc3339(&text).ok()?;
    Some(instant.to_utc().into())
}
