//! The listener for machines that watch the service: liveness, readiness, metrics.

use std::{fmt::Write as _, sync::Arc};

use poem::{
    Endpoint, EndpointExt as _, Request, Response, Route,
    endpoint::{BoxEndpoint, make},
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER},
    },
};
use serde_json::json;

use crate::{
    app::{Health, Part},
    edge::protect,
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
    let routes: [(&str, BoxEndpoint<'_, Response>); 4] = [
        ("/livez", live.boxed()),
        ("/readyz", ready.boxed()),
        ("/position", read.boxed()),
        ("/metrics", metrics.boxed()),
    ];
    let mut route = Route::new();
    for (path, endpoint) in routes {
        let endpoint = Arc::new(endpoint);
        route = route.at(format!("{path}/"), Arc::clone(&endpoint)).at(path, endpoint);
    }
    route.around(|inside, request| async move {
        let mut answer = if matches!(*request.method(), Method::GET | Method::HEAD) {
            let answer = inside.call(request).await;
            answer.unwrap_or_else(|_| Problem::new(Kind::NotFound).into_response())
        } else {
            let refused = Problem::new(Kind::MethodNotAllowed);
            refused
                .header(ALLOW, HeaderValue::from_static("GET, HEAD"))
                .into_response()
        };
        let headers = answer.headers_mut();
        protect(headers);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(answer)
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
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}
