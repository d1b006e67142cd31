//! Requests, signed as Standard Webhooks say: an HMAC over id, instant and body.

use base64::{Engine, prelude::BASE64_STANDARD};
use doorbook_domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use oauth2::{
    HttpRequest,
    http::{HeaderName, HeaderValue, Method, header},
};
use sha2::Sha256;
use url::Url;

/// The request that posts `body`, signed with each of the secrets. `id` names what is posted: the same at each try.
///
/// `None` where something does not fit into a header.
pub(crate) fn signed<'a>(
    url: &Url,
    secrets: impl IntoIterator<Item = &'a [u8]>,
    id: &str,
    now: Timestamp,
    body: Vec<u8>,
) -> Option<HttpRequest> {
    let at = now.micros() / 1_000_000;
    let signatures = secrets.into_iter().map(|secret| signature(secret, id, at, &body));
    let signatures = signatures.collect::<Option<Vec<_>>>()?.join(" ");
    let mut request = HttpRequest::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = url.as_str().parse().ok()?;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [
        ("webhook-id", id),
        ("webhook-timestamp", &at.to_string()),
        ("webhook-signature", &signatures),
    ] {
        headers.insert(HeaderName::from_static(name), value.parse().ok()?);
    }
    Some(request)
}

/// `v1,` and the HMAC-SHA256 of `id.at.body` in base64.
fn signature(secret: &[u8], id: &str, at: i64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector that the libraries of Standard Webhooks are tested with.
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SECRET: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn headers(secrets: &[&[u8]]) -> Vec<String> {
        let url = Url::parse("https://crm.example.org/hook?a=b").unwrap();
        let now = Timestamp::from_micros(1_614_265_330_999_999);
        let request = signed(&url, secrets.iter().copied(), ID, now, BODY.to_vec()).unwrap();
        assert_eq!(request.uri().to_string(), url.as_str());
        assert_eq!(request.body(), BODY);
        let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
        ["webhook-id", "webhook-timestamp", "webhook-signature"]
            .map(header)
            .to_vec()
    }

    #[test]
    fn signature_is_that_of_the_published_vector() {
        let secret = BASE64_STANDARD.decode(SECRET).unwrap();
        assert_eq!(headers(&[&secret]), [ID, "1614265330", SIGNATURE]);
    }

    #[test]
    fn two_secrets_make_two_signatures() {
        let (secret, other) = (BASE64_STANDARD.decode(SECRET).unwrap(), [7; 24]);
        let both = headers(&[&other, &secret]).pop().unwrap();
        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && first != SIGNATURE);
        assert_eq!(second, SIGNATURE);
    }
}
