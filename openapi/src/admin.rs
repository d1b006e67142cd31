//! The listener for machines that watch the service: liveness, readiness, metrics.

use std::{fmt::Write as _, sync::Arc};

use poem::{
    Endpoint, EndpointExt as _, Request, Response, Route,
    endpoint::make,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
    },
};
use serde_json::json;

use crate::{
    app::{Health, Part},
    problem::{Kind, Problem},
};

/// The listener for machines that watch the service: `/livez`, `/readyz`, `/metrics`, and `/position` for commands that wait
/// until the service has read what they wrote.
pub fn admin(health: Arc<dyn Health>) -> impl Endpoint {
    let (watched, reader) = (Arc::clone(&health), Arc::clone(&health));
    let ready = make(move |request| {
        let watched = Arc::clone(&watched);
        async move { readiness(&request, &watched.parts().await) }
    });
    let metrics = make(move |_| {
        let text = health.metrics();
        async move {
            text_with(
                StatusCode::OK,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
                text,
            )
        }
    });
    let read = make(move |_| {
        let position = reader.position();
        async move { text_with(StatusCode::OK, TEXT, position) }
    });
    let live = make(|_| async { text_with(StatusCode::OK, TEXT, "ok\n".to_owned()) });
    Route::new()
        .at("/livez", live)
        .at("/readyz", ready)
        .at("/position", read)
        .at("/metrics", metrics)
        .around(|inside, request| async move {
            if !matches!(*request.method(), Method::GET | Method::HEAD) {
                let refused = Problem::new(Kind::MethodNotAllowed);
                return Ok(refused
                    .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
                    .into_response());
            }
            let answer = inside.call(request).await;
            Ok(answer.unwrap_or_else(|_| Problem::new(Kind::NotFound).into_response()))
        })
}

const TEXT: &str = "text/plain; charset=utf-8";

/// 200 when every part is ready, else 503; says which is not, as text or, where asked for, as JSON.
fn readiness(request: &Request, parts: &[Part]) -> Response {
    let ready = parts.iter().all(|part| part.fault.is_none());
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let wants_json = request
        .header("accept")
        .is_some_and(|accept| accept.contains("application/json"));
    if wants_json {
        let parts: Vec<_> = parts
            .iter()
            .map(|part| json!({"name": part.name, "ready": part.fault.is_none(), "detail": part.fault}))
            .collect();
        return text_with(
            status,
            "application/json",
            json!({"ready": ready, "parts": parts}).to_string(),
        );
    }
    let mut text = String::new();
    for part in parts {
        // Writing to a `String` cannot fail.
        let _ = match &part.fault {
            None => writeln!(text, "[+] {} ok", part.name),
            Some(fault) => writeln!(text, "[-] {} not ready: {fault}", part.name),
        };
    }
    text.push_str(if ready { "ready\n" } else { "not ready\n" });
    text_with(status, TEXT, text)
}

fn text_with(status: StatusCode, media_type: &'static str, text: String) -> Response {
    let mut response = Response::default();
    response.set_status(status);
    response.set_body(text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
