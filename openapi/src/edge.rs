//! The outermost layer: names the request, renders every failure, catches panics, and puts the headers on every answer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt as _;
use poem::{
    Endpoint, Request, Response,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
};
use uuid::Uuid;

use crate::{
    gate::{Gate, Visit},
    origin::Origins,
    problem::{Cause, Kind, Problem},
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// For everything that is no page: nothing may be loaded, framed or submitted from it.
const NO_PAGE: &str =
    "default-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// A year (ASVS 3.4.1).
const HSTS: &str = "max-age=31536000; includeSubDomains";

/// Everything between the listener and the operations.
pub(crate) struct Edge<E> {
    gate: Arc<Gate>,
    inside: E,
}

impl<E> Edge<E> {
    pub(crate) const fn new(gate: Arc<Gate>, inside: E) -> Self {
        Self { gate, inside }
    }

    fn dress(&self, response: &mut Response, request_id: Uuid, is_api: bool) {
        let headers = response.headers_mut();
        headers.reserve(16);
        protect(headers);
        if self.gate.settings.https {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HSTS));
        }
        if is_api {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(VARY, HeaderValue::from_static("Cookie, Origin, Sec-Fetch-Site"));
        }
        let mut buffer = Uuid::encode_buffer();
        if let Ok(id) = HeaderValue::from_str(request_id.hyphenated().encode_lower(&mut buffer)) {
            headers.insert(REQUEST_ID, id);
        }
    }
}

/// What stands on every answer of every listener.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    headers
        .entry(CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(NO_PAGE));
}

impl<E: Endpoint<Output = Response>> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let request_id = self.gate.app.request_id();
        let is_api = request.uri().path().starts_with("/api");
        let granted = self.gate.origins.granted(request.headers());
        request.set_data(Visit {
            gate: Arc::clone(&self.gate),
            request_id,
        });
        let answered = AssertUnwindSafe(self.inside.call(request)).catch_unwind().await;
        let mut response = answered.map_or_else(
            |_| {
                let cause = Cause("a panic, which has printed itself".to_owned());
                Problem::new(Kind::Internal).cause(cause).into_response()
            },
            |answer| answer.unwrap_or_else(render),
        );
        if let Some(Cause(cause)) = response.data() {
            tracing::error!(%request_id, error = cause, "a request failed");
        }
        self.dress(&mut response, request_id, is_api);
        if let Some(origin) = granted {
            Origins::grant(origin, response.headers_mut());
        }
        Ok(response)
    }
}

/// Gives an error of the framework the form of a problem. Those of this crate have it already.
fn render(error: poem::Error) -> Response {
    if error.is_from_response() {
        return error.into_response();
    }
    if error.status() == StatusCode::NOT_FOUND {
        return Problem::new(Kind::NotFound).into_response();
    }
    Problem::new(Kind::Internal)
        .cause(Cause(error.to_string()))
        .into_response()
}
