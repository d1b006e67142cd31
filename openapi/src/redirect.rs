//! Answers that send a browser elsewhere.

use poem::{
    IntoResponse, Response,
    http::{
        HeaderValue, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
};

/// 302, without a body.
pub(crate) struct Redirect {
    location: HeaderValue,
    cookies: Vec<HeaderValue>,
}

impl Redirect {
    /// To a URL, or a path of this service. What cannot stand in a header leads to `/`.
    pub(crate) fn to(location: &str) -> Self {
        Self {
            location: HeaderValue::try_from(location).unwrap_or(HeaderValue::from_static("/")),
            cookies: Vec::new(),
        }
    }

    pub(crate) fn cookie(mut self, cookie: HeaderValue) -> Self {
        self.cookies.push(cookie);
        self
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.set_status(StatusCode::FOUND);
        let headers = response.headers_mut();
        headers.insert(LOCATION, self.location);
        for cookie in self.cookies {
            headers.append(SET_COOKIE, cookie);
        }
        response
    }
}

impl ApiResponse for Redirect {
    fn meta() -> MetaResponses {
        let location = MetaHeader {
            name: "Location".to_owned(),
            description: Some("Where to go.".to_owned()),
            required: true,
            deprecated: false,
            schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new("string"))),
        };
        MetaResponses {
            responses: vec![MetaResponse {
                description: "Go there",
                status: Some(302),
                status_range: None,
                content: Vec::new(),
                headers: vec![location],
            }],
        }
    }

    fn register(_: &mut Registry) {}
}
