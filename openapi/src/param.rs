//! Parameters in the path and in the query.

use doorbook_domain::{
    id::{LinkId, RunId, SessionId, UserId},
    role::Role,
};
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};
use serde_json::json;
use url::form_urlencoded;

use crate::{
    app::FieldError,
    gate::Visit,
    known,
    problem::{Kind, Problem, field_error},
    users::{StateWish, UserState},
};

/// An id in the path. Anything else leads to nothing: 404.
pub(crate) struct Path<T>(pub(crate) T);

/// What can stand in a path.
pub(crate) trait FromPath: Sized + Send {
    /// Its form.
    fn schema() -> MetaSchema;

    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

impl FromPath for SessionId {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromPath for UserId {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromPath for LinkId {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl FromPath for RunId {
    fn schema() -> MetaSchema {
        MetaSchema::new_with_format("string", "uuid")
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// The name of a projection or a stream. Which there are, the service knows.
pub(crate) struct Name(pub(crate) String);

impl FromPath for Name {
    fn schema() -> MetaSchema {
        MetaSchema::new("string")
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

/// The name of an identity provider. Which there are, the service knows.
pub(crate) struct Provider(pub(crate) String);

impl FromPath for Provider {
    fn schema() -> MetaSchema {
        MetaSchema::new("string")
    }

    fn read(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

impl<'a, T: FromPath> ApiExtractor<'a> for Path<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;

    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }

    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(MetaSchemaRef::Inline(Box::new(T::schema())))
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        options: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let id = request.raw_path_param(options.name).and_then(T::read);
        Ok(Self(id.ok_or(Problem::new(Kind::NotFound))?))
    }
}

/// A parameter in the query.
pub(crate) trait FromQuery: Sized + Send {
    /// Whether it must be there.
    const REQUIRED: bool;

    /// Its form.
    fn schema() -> MetaSchema;

    /// Reads it; `None` when it is absent.
    ///
    /// # Errors
    ///
    /// Code and message of what is wrong with it.
    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)>;
}

/// A parameter in the query.
pub(crate) struct Query<T>(pub(crate) T);

impl<'a, T: FromQuery> ApiExtractor<'a> for Query<T> {
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
        let mut errors = known::unknown(request, options.name);
        match read::<T>(query, options.name) {
            Ok(value) if errors.is_empty() => return Ok(Self(value)),
            Ok(_) => {}
            Err(error) => errors.insert(0, error),
        }
        Err(Problem::invalid(errors).into())
    }
}

pub(crate) fn read<T: FromQuery>(query: &str, name: &str) -> Result<T, FieldError> {
    let mut sent = form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value);
    let first = sent.next();
    if sent.next().is_some() {
        return Err(field_error(
            name,
            "repeated",
            "This parameter was given more than once.",
        ));
    }
    T::read(first.as_deref()).map_err(|(code, message)| field_error(name, code, message))
}

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

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
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

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
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

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        match text {
            Some("current") => Ok(Self),
            Some(_) => Err(("unknown_value", "This must be `current`.")),
            None => Err(("missing", "This parameter is required, and must be `current`.")),
        }
    }
}

/// A text of one line, of a bounded length.
pub(crate) struct Line(pub(crate) String);

/// Longest line, in bytes. Codes of providers have some hundred.
const LINE_MAX: usize = 4096;

impl Line {
    fn one(text: &str) -> Result<Self, (&'static str, &'static str)> {
        if text.len() > LINE_MAX {
            return Err(("too_long", "This is too long."));
        }
        if text.chars().any(char::is_control) {
            return Err(("control_character", "Control characters are not accepted here."));
        }
        Ok(Self(text.to_owned()))
    }

    fn form() -> MetaSchema {
        MetaSchema {
            max_length: Some(LINE_MAX),
            ..MetaSchema::new("string")
        }
    }
}

impl FromQuery for Option<Line> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        Line::form()
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        text.map(Line::one).transpose()
    }
}

/// A text of visible ASCII, as OAuth has them (RFC 6749, appendix A): at most so long that a few of them fit into a URI,
/// however they are encoded.
pub(crate) struct Visible(pub(crate) String);

impl Visible {
    fn one(text: &str) -> Result<Self, (&'static str, &'static str)> {
        let Line(text) = Line::one(text)?;
        if text.chars().all(|c| matches!(c, ' '..='~')) {
            Ok(Self(text))
        } else {
            Err(("not_ascii", "This must be visible ASCII."))
        }
    }

    fn form() -> MetaSchema {
        MetaSchema {
            pattern: Some("^[ -~]*$".to_owned()),
            ..Line::form()
        }
    }
}

impl FromQuery for Visible {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        Self::form()
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        Self::one(text.ok_or(("missing", "This parameter is required."))?)
    }
}

impl FromQuery for Option<Visible> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        Visible::form()
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        text.map(Visible::one).transpose()
    }
}

/// A role that is looked for.
pub(crate) struct RoleWish(pub(crate) Role);

impl FromQuery for Option<RoleWish> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        one_of(&Role::ALL.map(Role::as_str))
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        let wrong = |_| ("unknown_value", "This must be one of: auditor, admin.");
        let role = text.map(|text| text.parse().map_err(wrong)).transpose()?;
        Ok(role.map(RoleWish))
    }
}

impl FromQuery for Option<StateWish> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        one_of(&["active", "deactivated", "erased", "unverified"])
    }

    fn read(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        match text {
            None => Ok(None),
            Some("active") => Ok(Some(StateWish::Is(UserState::Active))),
            Some("deactivated") => Ok(Some(StateWish::Is(UserState::Deactivated))),
            Some("erased") => Ok(Some(StateWish::Is(UserState::Erased))),
            Some("unverified") => Ok(Some(StateWish::Unverified)),
            Some(_) => Err((
                "unknown_value",
                "This must be one of: active, deactivated, erased, unverified.",
            )),
        }
    }
}

fn one_of(words: &[&str]) -> MetaSchema {
    MetaSchema {
        enum_items: words.iter().map(|&word| json!(word)).collect(),
        ..MetaSchema::new("string")
    }
}

/// Says that a page of this service, a listed one or no page sent the browser here: a navigation that begins something must
/// be wished for.
pub(crate) struct OwnPage;

impl<'a> ApiExtractor<'a> for OwnPage {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn security_schemes() -> Vec<&'static str> {
        Vec::new()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Visit::of(request)?.gate.origins.check_navigation(request.headers())?;
        Ok(Self)
    }
}
