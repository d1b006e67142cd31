//! Request bodies: limited in size and time before they are buffered, then media type, then strict JSON, then fields.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use poem::{
    Body, Request, RequestBody,
    http::{
        HeaderMap, HeaderValue,
        header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE},
    },
};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaMediaType, MetaRequest, Registry},
    types::Type,
};
use serde_json::Value;

use crate::{
    app::{Refusal, Secret},
    form::{Form, FromForm},
    gate::Visit,
    json,
    problem::{Kind, Problem},
};

/// The JSON body of a request.
pub(crate) struct Json<T>(pub(crate) T);

impl<'a, T: Type + FromForm> ApiExtractor<'a> for Json<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(MetaRequest {
            description: None,
            content: vec![MetaMediaType {
                content_type: "application/json",
                schema: T::schema_ref(),
            }],
            required: true,
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        check_type(request.headers())?;
        let bytes = whole(request, body).await?;
        let value = json::parse(&bytes).map_err(|error| malformed(&error))?;
        Ok(Self(fill(request, value).await?))
    }
}

/// The JSON body of a request, or none, which is as good as `{}`.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<'a, T: Type + FromForm> ApiExtractor<'a> for OptionalJson<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Json::<T>::request_meta().map(|meta| MetaRequest {
            required: false,
            ..meta
        })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let typed = request.headers().contains_key(CONTENT_TYPE);
        if typed {
            check_type(request.headers())?;
        }
        let bytes = whole(request, body).await?;
        if !typed && bytes.is_empty() {
            return Ok(Self(fill(request, serde_json::json!({})).await?));
        }
        check_type(request.headers())?;
        let value = json::parse(&bytes).map_err(|error| malformed(&error))?;
        Ok(Self(fill(request, value).await?))
    }
}

/// The fields of a body, or all that is wrong with them.
async fn fill<T: Type + FromForm>(request: &Request, body: Value) -> Result<T, Problem> {
    let mut filled = Form::read::<T>(body)?;
    if let Some(new) = filled.password_beside_errors() {
        let visit = Visit::of(request)?;
        let secret = Secret(new.password.to_owned());
        let origin = visit.origin(request);
        let judging = visit.gate.app.judge_password(new.field, &secret, new.words, &origin);
        match judging.await {
            Ok(errors) => filled.add(errors),
            // What finds no turn now is judged when the rest is right.
            Err(Refusal::Throttled(_) | Refusal::Busy(_)) => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    filled.settle()
}

/// The whole body, within its limits.
async fn whole(request: &Request, body: &mut RequestBody) -> poem::Result<BytesMut> {
    let settings = &Visit::of(request)?.gate.settings;
    let (limit, patience) = (settings.body_limit, settings.body_timeout);
    check_length(request.headers(), limit)?;
    let reading = read(body.take()?, limit);
    let bytes = tokio::time::timeout(patience, reading)
        .await
        .map_err(|_| too_slow(patience))??;
    Ok(bytes)
}

/// Says where the JSON broke, and nothing of what was sent.
fn malformed(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    Problem::new(Kind::Malformed).detail(format!(
        "The body is not acceptable JSON at line {line}, column {column}."
    ))
}

/// Only `application/json`: what a form on a foreign page can send is refused (ASVS 3.5.2).
fn check_type(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = Problem::new(Kind::UnsupportedMediaType);
    let sent = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .ok_or(refused.clone())?;
    let (essence, parameters) = sent.split_once(';').unwrap_or((sent, ""));
    let is_json = essence.trim().eq_ignore_ascii_case("application/json");
    let charset = parameters.trim().to_ascii_lowercase();
    if is_json && matches!(charset.as_str(), "" | "charset=utf-8" | "charset=\"utf-8\"") {
        return Ok(());
    }
    Err(refused)
}

fn check_length(headers: &HeaderMap, limit: usize) -> Result<(), Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(too_large(limit));
    }
    Ok(())
}

fn too_large(limit: usize) -> Problem {
    Problem::new(Kind::PayloadTooLarge).detail(format!("A body has at most {limit} bytes."))
}

/// Nothing more is read from the connection: what still comes would be taken for the next request (RFC 9110, 15.5.9).
fn too_slow(patience: Duration) -> Problem {
    Problem::new(Kind::RequestTimeout)
        .detail(format!("A body has to arrive within {} s.", patience.as_secs_f32()))
        .header(CONNECTION, HeaderValue::from_static("close"))
}

/// Reads a body, and stops at the first chunk that passes the limit, however long it would go on.
async fn read(body: Body, limit: usize) -> Result<BytesMut, Problem> {
    let mut chunks = Box::pin(body.into_bytes_stream());
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Problem::new(Kind::Malformed).detail("The body ended early."))?;
        if bytes.len() + chunk.len() > limit {
            return Err(too_large(limit));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
