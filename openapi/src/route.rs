//! From a path and a method to an operation.

use std::{collections::HashMap, sync::Arc};

use poem::{
    Body, Endpoint, Request, Response, Route,
    endpoint::BoxEndpoint,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ACCESS_CONTROL_REQUEST_METHOD, ALLOW, CONTENT_LENGTH},
    },
};
use poem_openapi::OpenApi as _;

use crate::{
    formats,
    gate::{Gate, Visit},
    known::{Known, Table},
    mailbox, operations, pages,
    problem::{Kind, Problem},
    reply,
    schema::{SIGNED_OUT, session_json},
};

/// Where Envoy asks: it keeps the original method and puts the original path behind this one.
const EXT_AUTHZ: &str = "/api/authz/ext-authz";

/// The media type of an answer without an end.
const EVENTS: &str = "text/event-stream";

/// Every route of the public listener.
pub(crate) struct Router {
    gate: Arc<Gate>,
    route: Route,
}

impl Router {
    pub(crate) fn new(gate: Arc<Gate>) -> Self {
        let mut table = HashMap::new();
        operations::all().add_routes(&mut table);
        let mut paths: Vec<_> = table.into_iter().collect();
        paths.extend(pages::routes());
        paths.extend(mailbox::routes());
        let known = Table::new();
        let mut route = Route::new();
        for (path, endpoints) in paths {
            if path == EXT_AUTHZ {
                let asked = Arc::new(AnyMethod(endpoints));
                route = route.at(&path, Arc::clone(&asked)).at(format!("{path}/*rest"), asked);
                continue;
            }
            let methods = Arc::new(Methods::new(&path, endpoints, &known));
            if path != "/" {
                route = route.at(format!("{path}/"), Arc::clone(&methods));
            }
            route = route.at(path, methods);
        }
        Self { gate, route }
    }

    /// `getSession`, around poem-openapi: its extractors and its JSON cost as much as everything else together.
    async fn session(&self, request: &Request) -> Result<Response, Problem> {
        let live = self.gate.session(request.headers()).await?;
        Ok(reply::json(
            live.as_ref().map_or_else(|| SIGNED_OUT.to_vec(), session_json),
        ))
    }
}

impl Endpoint for Router {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.method() == Method::GET && matches!(request.uri().path(), "/api/session" | "/api/session/") {
            return Ok(self.session(&request).await?);
        }
        // Boxed: the session check would carry the room of every other operation along.
        Box::pin(self.route.call(request)).await
    }
}

/// The operations of one path.
struct Methods {
    allow: HeaderValue,
    endpoints: HashMap<Method, BoxEndpoint<'static>>,
    known: HashMap<Method, Known>,
}

impl Methods {
    fn new(path: &str, endpoints: HashMap<Method, BoxEndpoint<'static>>, table: &Table) -> Self {
        let mut names: Vec<&str> = endpoints.keys().map(Method::as_str).collect();
        if endpoints.contains_key(&Method::GET) {
            names.push("HEAD");
        }
        names.sort_unstable();
        let allow = HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static(""));
        let methods = endpoints.keys();
        let known = methods
            .filter_map(|method| Some((method.clone(), table.of(path, method)?)))
            .collect();
        Self {
            allow,
            endpoints,
            known,
        }
    }

    fn preflight(&self, gate: &Gate) -> Response {
        let mut response = Response::default();
        response.set_status(StatusCode::NO_CONTENT);
        gate.origins.preflight(&self.allow, response.headers_mut());
        response
    }
}

impl Endpoint for Methods {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let method = request.method().clone();
        let gate = Arc::clone(&Visit::of(&request)?.gate);
        let asks_first = method == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if asks_first && gate.origins.granted(request.headers()).is_some() {
            return Ok(self.preflight(&gate));
        }
        let served = if method == Method::HEAD { &Method::GET } else { &method };
        let Some(endpoint) = self.endpoints.get(served) else {
            return Err(Problem::new(Kind::MethodNotAllowed)
                .header(ALLOW, self.allow.clone())
                .into());
        };
        if !served.is_safe() {
            gate.origins.check(request.headers())?;
        }
        if let Some(known) = self.known.get(served) {
            request.set_data(known.clone());
        }
        let answer = endpoint.call(request).await;
        if method == Method::HEAD {
            Ok(without_body(answer?).await)
        } else {
            answer
        }
    }
}

/// A stream of events is not read to learn how long it would be.
async fn without_body(mut response: Response) -> Response {
    let media_type = response.content_type().unwrap_or_default();
    if media_type == EVENTS || formats::is_file(media_type) {
        response.set_body(Body::empty());
        return response;
    }
    if let Ok(bytes) = response.take_body().into_bytes().await {
        response
            .headers_mut()
            .insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
    }
    response.set_body(Body::empty());
    response
}

/// One endpoint for every method but TRACE, which nobody serves (ASVS 4.1.4). Nothing behind it changes state.
struct AnyMethod(HashMap<Method, BoxEndpoint<'static>>);

impl Endpoint for AnyMethod {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if request.method() == Method::TRACE {
            let allow = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
            return Err(Problem::new(Kind::MethodNotAllowed).header(ALLOW, allow).into());
        }
        let endpoint = self.0.get(&Method::GET).ok_or(Problem::new(Kind::NotFound))?;
        endpoint.call(request).await
    }
}
