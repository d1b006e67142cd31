//! Browsers that a proxy asks about and that are on their way to a page: they may be sent to log in.

use poem::{Request, http::HeaderMap};
use url::Url;

use crate::app::Settings;

/// The page to log in at, with the way back where that is known; `None` where there is no such page, or where the request
/// is of a script, which could do nothing with one.
///
/// The way back is what the proxy says of the request (`X-Forwarded-Proto`, `-Host` and `-Uri`), if it is of the own origin
/// or a listed one: nobody is sent elsewhere by a header.
pub(crate) fn login_page(settings: &Settings, request: &Request) -> Option<String> {
    let headers = request.headers();
    let page = settings.login_page.as_deref().filter(|_| navigates(request))?;
    let mut url = Url::parse(page).ok()?;
    if let Some(back) = way_back(settings, headers) {
        url.query_pairs_mut().append_pair("return_to", &back);
    }
    Some(url.into())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Browsers say so (Fetch Metadata); of older ones, whoever asks for HTML.
/// Envoy asks with the method that it asks about; the others name it.
fn navigates(request: &Request) -> bool {
    let headers = request.headers();
    let method = text(headers, "x-forwarded-method").unwrap_or(request.method().as_str());
    matches!(method, "GET" | "HEAD")
        && match text(headers, "sec-fetch-mode") {
            Some(mode) => mode == "navigate",
            None => text(headers, "accept").is_some_and(|accept| accept.contains("text/html")),
        }
}

fn way_back(settings: &Settings, headers: &HeaderMap) -> Option<String> {
    let (scheme, host) = (text(headers, "x-forwarded-proto")?, text(headers, "x-forwarded-host")?);
    let origin = format!("{scheme}://{host}");
    let path = text(headers, "x-forwarded-uri").filter(|path| path.starts_with('/'))?;
    let listed = origin == settings.public_url || settings.allowed_origins.contains(&origin);
    listed.then(|| format!("{origin}{path}"))
}
