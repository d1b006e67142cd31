use std::fmt::Write as _;

use doorbook_domain::role::Role;
use poem::http::{HeaderName, HeaderValue};
use poem::{IntoResponse, Response};
use poem_openapi::{
    ApiResponse, OpenApi,
    registry::{MetaHeader, MetaResponses, Registry},
    types::Type,
};

use super::Tag;
use crate::{
    app::LiveSession,
    caller::Bearer,
    problem::Kind,
    refused::{Refused, kinds},
    reply::Done,
};

/// 204 with who asks. Every header is always there, so that a proxy overwrites what a client wrote in its place.
struct Who(Done);

const HEADERS: [(&str, &str); 4] = [
    ("remote-user", "The user's id."),
    ("remote-email", "The address."),
    ("remote-name", "The name; empty when there is none."),
    (
        "remote-groups",
        "The roles, joined by commas; empty when there is none.",
    ),
];

impl Who {
    fn of(session: &LiveSession) -> Self {
        let roles: Vec<&str> = session.roles.iter().map(Role::as_str).collect();
        let values = [
            session.user.to_string(),
            encode(session.identity.email()),
            encode(session.identity.name().unwrap_or_default()),
            roles.join(","),
        ];
        let done = HEADERS
            .into_iter()
            .zip(values)
            .fold(Done::default(), |done, ((name, _), value)| {
                let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
                done.header(HeaderName::from_static(name), value)
            });
        Self(done)
    }
}

/// A text as a header: printable ASCII as it is, every other byte of its UTF-8, and `%`, as `%XX`.
fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl IntoResponse for Who {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl ApiResponse for Who {
    fn meta() -> MetaResponses {
        let mut meta = Done::meta();
        for response in &mut meta.responses {
            response.description = "Signed in. Bytes outside printable ASCII, and `%`, are percent-encoded UTF-8";
            response.headers = HEADERS.into_iter().map(header).collect();
        }
        meta
    }

    fn register(_: &mut Registry) {}
}

fn header((name, description): (&str, &str)) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: true,
        deprecated: false,
        schema: String::schema_ref(),
    }
}

/// Nothing but 401 may refuse here: nginx takes any other status for a failure of its own.
const DENIED: u64 = kinds(&[Kind::Unauthenticated, Kind::Internal, Kind::Unavailable]);

pub(crate) struct Authz;

#[OpenApi(prefix_path = "/api/authz", tag = "Tag::Authz")]
#[expect(clippy::unused_async, reason = "poem-openapi takes asynchronous operations only")]
impl Authz {
    /// Answer nginx's `auth_request`
    ///
    /// 204 without a body and with every identity header, or 401. Identity headers of the client are ignored. It counts as
    /// activity of the session.
    #[oai(path = "/auth-request", method = "get", operation_id = "authorizeForNginx")]
    async fn auth_request(&self, bearer: Bearer) -> Result<Who, Refused<DENIED>> {
        Ok(Who::of(&bearer.session))
    }

    /// Answer `forward_auth` of Caddy and `ForwardAuth` of Traefik
    ///
    /// As `authorizeForNginx`.
    #[oai(path = "/forward-auth", method = "get", operation_id = "authorizeForward")]
    async fn forward_auth(&self, bearer: Bearer) -> Result<Who, Refused<DENIED>> {
        Ok(Who::of(&bearer.session))
    }

    /// Answer `ext_authz` of Envoy
    ///
    /// As `authorizeForNginx`, with any method, and with any path behind this one.
    #[oai(path = "/ext-authz", method = "get", operation_id = "authorizeForEnvoy")]
    async fn ext_authz(&self, bearer: Bearer) -> Result<Who, Refused<DENIED>> {
        Ok(Who::of(&bearer.session))
    }
}

#[cfg(test)]
mod tests;
