//! Answers that go well: a body that was written already, its status, and the cookies that it changes.

use std::marker::PhantomData;

use poem::{
    IntoResponse, Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, SET_COOKIE},
    },
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{ToJSON, Type},
};

/// An answer with a JSON body, documented as `T`.
pub(crate) struct Reply<T, const STATUS: u16 = 200> {
    body: Vec<u8>,
    headers: Vec<(HeaderName, HeaderValue)>,
    documented: PhantomData<fn() -> T>,
}

impl<T, const STATUS: u16> Reply<T, STATUS> {
    /// Takes a body that is the JSON of a `T`.
    pub(crate) const fn written(body: Vec<u8>) -> Self {
        Self {
            body,
            headers: Vec::new(),
            documented: PhantomData,
        }
    }

    pub(crate) fn cookie(self, cookie: impl Into<Option<HeaderValue>>) -> Self {
        match cookie.into() {
            Some(cookie) => self.header(SET_COOKIE, cookie),
            None => self,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }
}

impl<T: ToJSON, const STATUS: u16> Reply<T, STATUS> {
    pub(crate) fn json(value: &T) -> Self {
        Self::written(value.to_json_string().into_bytes())
    }
}

impl<T: Send, const STATUS: u16> IntoResponse for Reply<T, STATUS> {
    fn into_response(self) -> Response {
        let mut response = json(self.body);
        response.set_status(StatusCode::from_u16(STATUS).unwrap_or_default());
        append(&mut response, self.headers);
        response
    }
}

impl<T: Type, const STATUS: u16> ApiResponse for Reply<T, STATUS> {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType {
            content_type: "application/json",
            schema: T::schema_ref(),
        }];
        let description = if STATUS == 202 { "Accepted" } else { "Done" };
        one(STATUS, description, content)
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// An answer without a body.
#[derive(Default)]
pub(crate) struct Done {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Done {
    pub(crate) fn cookie(self, cookie: impl Into<Option<HeaderValue>>) -> Self {
        match cookie.into() {
            Some(cookie) => self.header(SET_COOKIE, cookie),
            None => self,
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn headers(mut self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        self.headers.extend(headers);
        self
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        let mut response = Response::default();
        response.set_status(StatusCode::NO_CONTENT);
        append(&mut response, self.headers);
        response
    }
}

impl ApiResponse for Done {
    fn meta() -> MetaResponses {
        one(204, "Done", Vec::new())
    }

    fn register(_: &mut Registry) {}
}

/// 200 with a JSON body.
pub(crate) fn json(body: Vec<u8>) -> Response {
    let mut response = Response::default();
    response.set_body(body);
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn append(response: &mut Response, headers: Vec<(HeaderName, HeaderValue)>) {
    for (name, value) in headers {
        response.headers_mut().append(name, value);
    }
}

pub(crate) fn one(status: u16, description: &'static str, content: Vec<MetaMediaType>) -> MetaResponses {
    MetaResponses {
        responses: vec![MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content,
            headers: Vec::new(),
        }],
    }
}
