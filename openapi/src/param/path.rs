//! Parameters in the path.

use doorbook_domain::id::{LinkId, RunId, SessionId, UserId};
use poem::{Request, RequestBody};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaParamIn, MetaSchema, MetaSchemaRef},
};

use crate::problem::{Kind, Problem};

/// An id in the path. Anything else leads to nothing: 404.
pub(crate) struct Path<T>(pub(crate) T);

/// What can stand in a path.
pub(crate) trait FromPath: Sized + Send {
    /// Its form.
    fn schema() -> MetaSchema;

    /// Reads it.
    fn read(text: &str) -> Option<Self>;
}

macro_rules! id {
    ($($type:ty),+) => {
        $(impl FromPath for $type {
            fn schema() -> MetaSchema {
                MetaSchema::new_with_format("string", "uuid")
            }

            fn read(text: &str) -> Option<Self> {
                text.parse().ok()
            }
        })+
    };
}

id!(SessionId, UserId, LinkId, RunId);

/// The name of a projection, a stream or an identity provider. Which there are, the service knows.
pub(crate) struct Name(pub(crate) String);

impl FromPath for Name {
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
