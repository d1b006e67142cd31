//! Parameters in the query, each refused by itself.

use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};
use url::form_urlencoded;

use crate::{app::FieldError, checked::Checked, problem::field_error};

/// Code and message of what is wrong with a parameter.
pub(crate) type Wrong = (&'static str, &'static str);

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
    fn read(text: Option<&str>) -> Result<Self, Wrong>;
}

/// What one text can be read as. Such a parameter must be there; an `Option` of it may be absent.
pub(crate) trait FromText: Sized + Send {
    /// Its form.
    fn form() -> MetaSchema;

    /// Reads it.
    ///
    /// # Errors
    ///
    /// Code and message of what is wrong with it.
    fn one(text: &str) -> Result<Self, Wrong>;
}

impl<T: FromText> FromQuery for T {
    const REQUIRED: bool = true;

    fn schema() -> MetaSchema {
        T::form()
    }

    fn read(text: Option<&str>) -> Result<Self, Wrong> {
        T::one(text.ok_or(("missing", "This parameter is required."))?)
    }
}

impl<T: FromText> FromQuery for Option<T> {
    const REQUIRED: bool = false;

    fn schema() -> MetaSchema {
        T::form()
    }

    fn read(text: Option<&str>) -> Result<Self, Wrong> {
        text.map(T::one).transpose()
    }
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
        Ok(Self(Checked::of(request, options.name).settled()?))
    }
}

/// The parameter of that name, which may stand in a query once.
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
