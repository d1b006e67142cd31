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
    caller::{Bearer, Passer},
    problem::Kind,
    redirect::Redirect,
    refused::{Refused, kinds},
    reply::Done,
};

/// 204 with who asks. Every header is always there, so that a proxy overwrites what a client wrote in its place.
struct Who(Done);

/// The names that Authelia, Caddy and Traefik use, those that oauth2-proxy uses, and what is in both.
const HEADERS: [(&str, &str, &str); 4] = [
    ("remote-user", "x-auth-request-user", "The user's id."),
    ("remote-email", "x-auth-request-email", "The address."),
    (
        "remote-name",
        "x-auth-request-preferred-username",
        "The name; empty when there is none.",
    ),
    (
        "remote-groups",
        "x-auth-request-groups",
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
        let mut done = Done::default();
        for ((remote, request, _), value) in HEADERS.into_iter().zip(values) {
            let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static(""));
            done = done
                .header(HeaderName::from_static(remote), value.clone())
                .header(HeaderName::from_static(request), value);
        }
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
            response.headers = HEADERS
                .into_iter()
                .flat_map(|(remote, request, description)| [(remote, description), (request, description)])
                .map(header)
                .collect();
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

/// Who asks, or where a browser is sent to log in.
enum Verdict {
    Known(Who),
    LogIn(Redirect),
}

impl From<Passer> for Verdict {
    fn from(passer: Passer) -> Self {
        match passer {
            Passer::Known(session) => Self::Known(Who::of(&session)),
            Passer::Stranger(page) => Self::LogIn(Redirect::to(&page)),
        }
    }
}

impl IntoResponse for Verdict {
    fn into_response(self) -> Response {
        match self {
            Self::Known(who) => who.into_response(),
            Self::LogIn(redirect) => redirect.into_response(),
        }
    }
}

impl ApiResponse for Verdict {
    fn meta() -> MetaResponses {
        let mut meta = Who::meta();
        meta.responses.extend(Redirect::meta().responses);
        meta
    }

    fn register(_: &mut Registry) {}
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
    /// As `authorizeForNginx`; but a browser on its way to a page is sent to `http.login_page`, where that is configured, with
    /// `return_to`.
    #[oai(path = "/forward-auth", method = "get", operation_id = "authorizeForward")]
    async fn forward_auth(&self, passer: Passer) -> Result<Verdict, Refused<DENIED>> {
        Ok(passer.into())
    }

    /// Answer `ext_authz` of Envoy
    ///
    /// As `authorizeForward`, with any method, and with any path behind this one.
    #[oai(path = "/ext-authz", method = "get", operation_id = "authorizeForEnvoy")]
    async fn ext_authz(&self, passer: Passer) -> Result<Verdict, Refused<DENIED>> {
        Ok(passer.into())
    }
}

#[cfg(test)]
mod tests;
