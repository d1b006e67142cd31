//! What people open in a browser: a first page, a page that reads the `OpenAPI` document, and those that mailed links lead
//! to. Everything on them comes from this service, as files of their own, so that the CSP allows nothing inline.

use std::{borrow::Cow, collections::HashMap};

use poem::{
    Endpoint, EndpointExt as _, Request, Response,
    endpoint::BoxEndpoint,
    http::{
        HeaderValue, Method,
        header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    },
};

const PAGE: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; object-src 'none'; \
                    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

struct File {
    media_type: &'static str,
    text: Cow<'static, str>,
}

impl Endpoint for File {
    type Output = Response;

    async fn call(&self, _: Request) -> poem::Result<Response> {
        let mut response = Response::default();
        match &self.text {
            Cow::Borrowed(text) => response.set_body(*text),
            Cow::Owned(text) => response.set_body(text.clone()),
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if self.media_type.starts_with("text/html") {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE));
        }
        Ok(response)
    }
}

/// Paths and what is there.
pub(crate) fn routes() -> impl Iterator<Item = (String, HashMap<Method, BoxEndpoint<'static>>)> {
    const HTML: &str = "text/html; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    let files = [
        ("/", HTML, Cow::Borrowed(include_str!("assets/index.html"))),
        ("/api/docs", HTML, Cow::Borrowed(include_str!("assets/docs.html"))),
        ("/auth/verify", HTML, Cow::Borrowed(include_str!("assets/verify.html"))),
        ("/auth/reset", HTML, Cow::Borrowed(include_str!("assets/reset.html"))),
        ("/auth/auth.js", SCRIPT, Cow::Borrowed(include_str!("assets/auth.js"))),
        ("/api/start.js", SCRIPT, Cow::Borrowed(include_str!("assets/start.js"))),
        ("/api/docs.js", SCRIPT, Cow::Borrowed(include_str!("assets/docs.js"))),
        (
            "/api/docs.css",
            "text/css; charset=utf-8",
            Cow::Borrowed(include_str!("assets/docs.css")),
        ),
        ("/api/openapi.json", "application/json", Cow::Owned(crate::document())),
    ];
    files.into_iter().map(|(path, media_type, text)| {
        let file = File { media_type, text }.boxed();
        (path.to_owned(), HashMap::from([(Method::GET, file)]))
    })
}
