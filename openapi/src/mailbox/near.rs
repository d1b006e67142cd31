//! Whether somebody asks from this machine, and from no page of somebody else's. The listener cannot tell: a tunnel or a proxy
//! on the same machine connects from there as well, and so does a browser whose page had its name rebound to it.

use poem::{
    Request,
    http::{
        HeaderMap, HeaderName,
        header::{FORWARDED, HOST, VIA},
    },
};

use crate::gate::Gate;

/// Names of this machine that nobody else can have.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
/// What proxies and tunnels write.
static OF_PROXIES: [HeaderName; 9] = [
    FORWARDED,
    VIA,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-forwarded-host"),
    HeaderName::from_static("x-forwarded-proto"),
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("cf-connecting-ip"),
    HeaderName::from_static("true-client-ip"),
];

pub(super) fn is_near(request: &Request, gate: &Gate) -> bool {
    let headers = request.headers();
    let listened = request.local_addr().as_socket_addr().map(std::net::SocketAddr::port);
    let ports = [listened, port_of(&gate.settings.public_url)];
    let named = one(headers, &HOST)
        .and_then(split)
        .is_some_and(|(name, port)| NAMES.contains(&name) && ports.contains(&Some(port)));
    named && !OF_PROXIES.iter().any(|name| headers.contains_key(name)) && is_wished(headers)
}

/// Whether no page of another origin asks.
fn is_wished(headers: &HeaderMap) -> bool {
    let site = HeaderName::from_static("sec-fetch-site");
    match headers.get(&site).map(poem::http::HeaderValue::as_bytes) {
        None => true,
        Some(_) => matches!(one(headers, &site), Some("none" | "same-origin")),
    }
}

/// The value of a header that is there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Name and port of plain http, which is all that is spoken here.
fn split(authority: &str) -> Option<(&str, u16)> {
    let bare = authority.ends_with(']') || !authority.contains(':');
    if bare {
        return Some((authority, 80));
    }
    let (name, port) = authority.rsplit_once(':')?;
    Some((name, port.parse().ok()?))
}

fn port_of(origin: &str) -> Option<u16> {
    let authority = origin.strip_prefix("http://")?;
    split(authority).map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::{port_of, split};

    #[test]
    fn names_and_ports_are_taken_apart() {
        assert_eq!(split("localhost:8080"), Some(("localhost", 8080)));
        assert_eq!(split("localhost"), Some(("localhost", 80)));
        assert_eq!(split("[::1]:8080"), Some(("[::1]", 8080)));
        assert_eq!(split("[::1]"), Some(("[::1]", 80)));
        assert_eq!(split("localhost:"), None);
        assert_eq!(port_of("http://localhost:8080"), Some(8080));
        assert_eq!(port_of("https://localhost:8080"), None);
    }
}
