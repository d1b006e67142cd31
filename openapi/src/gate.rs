//! What every request passes: who sent it, from which page, and with which session.

use std::{net::IpAddr, sync::Arc};

use poem::{
    Request,
    http::{
        HeaderMap, HeaderName, HeaderValue,
        header::{SET_COOKIE, USER_AGENT},
    },
};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::{
    app::{App, Check, DeviceCookie, LiveSession, Opened, Origin, SessionCookie, Settings},
    client,
    cookie::{self, Attributes},
    csrf::CsrfKey,
    origin::Origins,
    problem::{Kind, Problem},
};

/// Longest user agent that is kept, in bytes.
const USER_AGENT_BYTES: usize = 512;
/// Longest device cookie that is looked at, in bytes. The service's own are far shorter.
const DEVICE_BYTES: usize = 512;
/// Most CSRF cookies that are looked at: about as many as browsers keep for a site.
const MOST_COOKIES: usize = 200;
/// How long a browser is known: as long as browsers keep a cookie (RFC 6265bis), 400 days.
const DEVICE_AGE: u64 = 400 * 24 * 60 * 60;

/// The service and, made ready once, what its settings mean for a request.
pub(crate) struct Gate {
    pub(crate) app: Arc<dyn App>,
    pub(crate) settings: Settings,
    pub(crate) origins: Origins,
    session_cookie: &'static str,
    device_cookie: &'static str,
    csrf_header: HeaderName,
    csrf: CsrfKey,
}

impl Gate {
    pub(crate) fn new(app: Arc<dyn App>) -> Self {
        let settings = app.settings().clone();
        Self {
            app,
            origins: Origins::new(&settings),
            session_cookie: if settings.https {
                "__Host-sessionid"
            } else {
                "sessionid"
            },
            device_cookie: if settings.https {
                "__Host-doorbook_device"
            } else {
                "doorbook_device"
            },
            csrf_header: HeaderName::try_from(settings.csrf_header.as_str())
                .unwrap_or(HeaderName::from_static("x-csrftoken")),
            csrf: CsrfKey::new(settings.csrf_key),
            settings,
        }
    }

    /// The live session whose cookie the request carries.
    ///
    /// # Errors
    ///
    /// A problem when the cookie came twice, or when only the log could tell and it cannot be read: an outage must not look
    /// like a logout.
    pub(crate) async fn session(&self, headers: &HeaderMap) -> Result<Option<LiveSession>, Problem> {
        let Some(value) = self
            .cookie(headers, self.session_cookie)?
            .and_then(|value| str::from_utf8(value).ok())
        else {
            return Ok(None);
        };
        match self.app.check(value) {
            Check::Live(session) => Ok(Some(session)),
            Check::Dead => Ok(None),
            Check::Unknown => Ok(self.app.resolve(value).await?),
        }
    }

    /// The value of the session cookie, whatever it is worth.
    ///
    /// # Errors
    ///
    /// A problem when the cookie came twice.
    pub(crate) fn presented(&self, headers: &HeaderMap) -> Result<Option<SessionCookie>, Problem> {
        let value = self.cookie(headers, self.session_cookie)?;
        let text = value.and_then(|value| str::from_utf8(value).ok());
        Ok(text.map(|text| SessionCookie(text.to_owned())))
    }

    /// A cookie's value.
    ///
    /// # Errors
    ///
    /// A problem when it came twice.
    pub(crate) fn cookie<'a>(&self, headers: &'a HeaderMap, name: &'a str) -> Result<Option<&'a [u8]>, Problem> {
        cookie::find(headers, name).map_err(|cookie::Twice| {
            let known = if name == self.session_cookie { "session" } else { "flow" };
            Problem::new(Kind::DuplicateCookie).detail(format!("The {known} cookie was sent more than once."))
        })
    }

    /// The CSRF cookies of a request. Other hosts of the site can toss some under the same name, which must not lock people out
    /// of logging in: each is worth what its tag says, and one that fits is enough.
    fn csrf_cookies<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a [u8]> {
        cookie::all(headers, &self.settings.csrf_cookie).take(MOST_COOKIES)
    }

    /// Checks the CSRF token of a state-changing request.
    ///
    /// # Errors
    ///
    /// `csrf-failed`, which carries a fresh cookie, so that one retry succeeds.
    pub(crate) fn check_csrf(&self, headers: &HeaderMap, session: Option<&LiveSession>) -> Result<(), Problem> {
        let mut sent = headers.get_all(&self.csrf_header).into_iter();
        let token = match (sent.next(), sent.next()) {
            (Some(token), None) => Some(token.as_bytes()),
            _ => None,
        };
        let fits = match (token, session) {
            (None, _) => false,
            (Some(token), Some(session)) => self.csrf.fits(Some(session.id), token),
            (Some(token), None) => {
                let same = self.csrf_cookies(headers).any(|cookie| bool::from(cookie.ct_eq(token)));
                same && self.csrf.fits(None, token)
            }
        };
        if fits {
            return Ok(());
        }
        // Of a stranger it means nothing, and anybody could fill the log with it.
        if let Some(session) = session {
            tracing::warn!(user = %session.user, "a change without a token of its session was refused");
        }
        let detail = format!(
            "Send the value of the cookie `{}` in the header `{}`. This answer has set a fresh one: try once more.",
            self.settings.csrf_cookie, self.settings.csrf_header
        );
        let token = self.fresh_token(session);
        Err(Problem::new(Kind::CsrfFailed)
            .detail(detail)
            .cookie(self.csrf_cookie(&token)))
    }

    /// The CSRF token that the request already holds, if it still fits; else a fresh one.
    pub(crate) fn token(&self, headers: &HeaderMap, session: Option<&LiveSession>) -> String {
        let session_id = session.map(|session| session.id);
        let held = self
            .csrf_cookies(headers)
            .find(|token| self.csrf.fits(session_id, token))
            .and_then(|token| str::from_utf8(token).ok());
        held.map_or_else(|| self.fresh_token(session), str::to_owned)
    }

    /// A fresh CSRF token.
    pub(crate) fn fresh_token(&self, session: Option<&LiveSession>) -> String {
        self.csrf.token(session.map(|session| session.id), self.app.random())
    }

    /// The readable cookie that holds a CSRF token.
    pub(crate) fn csrf_cookie(&self, token: &str) -> HeaderValue {
        let attributes = Attributes {
            http_only: false,
            secure: self.settings.https,
        };
        attributes.set(&self.settings.csrf_cookie, token, None)
    }

    /// The cookie of a session: for its remaining life, or until the browser closes.
    pub(crate) fn session_cookie(&self, opened: &Opened) -> HeaderValue {
        let left = opened.session.absolute_until.since(self.app.now()).as_secs();
        self.session_attributes().set(
            self.session_cookie,
            &opened.cookie.0,
            opened.session.remember.then_some(left),
        )
    }

    /// The cookie by which a browser is known from now on, where the answer changes it.
    pub(crate) fn device_cookie(&self, opened: &Opened) -> Option<HeaderValue> {
        let device = opened.device.as_ref()?;
        Some(
            self.session_attributes()
                .set(self.device_cookie, &device.0, Some(DEVICE_AGE)),
        )
    }

    /// The device cookie of a request. One that came twice is none: nobody can tell whose it is.
    fn device(&self, headers: &HeaderMap) -> Option<DeviceCookie> {
        let value = cookie::find(headers, self.device_cookie).ok().flatten()?;
        let value = str::from_utf8(value).ok().filter(|value| value.len() <= DEVICE_BYTES)?;
        Some(DeviceCookie(value.to_owned()))
    }

    /// What goes with the end of the session that asks: its cookies are removed, a CSRF token for the signed-out is set, and
    /// what the page has stored is cleared (ASVS 14.3.1).
    pub(crate) fn farewell(&self) -> [(HeaderName, HeaderValue); 4] {
        [
            (
                HeaderName::from_static("clear-site-data"),
                HeaderValue::from_static("\"storage\""),
            ),
            (SET_COOKIE, self.session_attributes().remove(self.session_cookie)),
            (SET_COOKIE, self.no_flow_cookie()),
            (SET_COOKIE, self.csrf_cookie(&self.fresh_token(None))),
        ]
    }

    const fn session_attributes(&self) -> Attributes {
        Attributes {
            http_only: true,
            secure: self.settings.https,
        }
    }
}

/// One request, as the operations know it.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) gate: Arc<Gate>,
    pub(crate) request_id: Uuid,
}

impl Visit {
    /// The visit that [`crate::edge`] has put on the request.
    ///
    /// # Errors
    ///
    /// `internal` when it has not.
    pub(crate) fn of(request: &Request) -> Result<&Self, Problem> {
        request.data::<Self>().ok_or(Problem::new(Kind::Internal))
    }

    /// Where the request came from.
    pub(crate) fn origin(&self, request: &Request) -> Origin {
        Origin {
            request_id: self.request_id,
            ip: self.client(request),
            user_agent: request.headers().get(USER_AGENT).map(kept),
            device: self.gate.device(request.headers()),
        }
    }

    fn client(&self, request: &Request) -> Option<IpAddr> {
        let peer = request.remote_addr().as_socket_addr()?.ip();
        Some(client::address(
            peer,
            request.headers(),
            &self.gate.settings.trusted_proxies,
        ))
    }
}

fn kept(user_agent: &HeaderValue) -> String {
    let mut text = String::from_utf8_lossy(user_agent.as_bytes()).into_owned();
    text.truncate(text.floor_char_boundary(USER_AGENT_BYTES));
    text
}
