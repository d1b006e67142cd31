//! Who calls: the extractors that stand first in every operation, so that 401 comes before 400 and 422.

use doorbook_domain::role::Role;
use poem::{Request, RequestBody, http::HeaderMap};
use poem_openapi::{
    ApiExtractor, ApiExtractorType, ExtractParamOptions,
    registry::{MetaSecurityScheme, Registry},
};

use crate::{
    app::{LiveSession, Origin, SessionCookie},
    gate::{Gate, Visit},
    navigation::login_page,
    problem::{Kind, Problem},
};

/// One request and where it came from.
pub(crate) struct Call {
    pub(crate) visit: Visit,
    pub(crate) origin: Origin,
}

impl Call {
    fn of(request: &Request) -> Result<Self, Problem> {
        let visit = Visit::of(request)?;
        Ok(Self {
            visit: visit.clone(),
            origin: visit.origin(request),
        })
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.visit.gate
    }
}

/// Anybody, for what changes nothing. The session is looked at.
pub(crate) struct Anyone {
    pub(crate) call: Call,
    pub(crate) session: Option<LiveSession>,
    pub(crate) token: String,
}

/// Anybody with a CSRF token, signed in or not.
pub(crate) struct Visitor {
    pub(crate) call: Call,
    pub(crate) session: Option<LiveSession>,
}

/// Anybody who wants to be signed out: a live session needs a CSRF token, nothing else does.
pub(crate) struct Leaver {
    pub(crate) call: Call,
    pub(crate) session: Option<LiveSession>,
}

/// Somebody signed in who only reads.
pub(crate) struct Reader {
    pub(crate) call: Call,
    pub(crate) session: LiveSession,
}

/// A page that follows its session. Whether it is signed in, the service tells; it is no use of the session.
pub(crate) struct Watcher {
    pub(crate) call: Call,
    pub(crate) cookie: SessionCookie,
}

/// Somebody signed in on whose behalf a proxy asks.
pub(crate) struct Bearer {
    pub(crate) session: LiveSession,
}

/// Somebody on whose behalf a proxy asks, or a browser that is to be sent to log in.
pub(crate) enum Passer {
    /// Signed in.
    Known(LiveSession),
    /// To be sent there.
    Stranger(String),
}

/// Somebody signed in, with a CSRF token for this very session.
pub(crate) struct Actor {
    pub(crate) call: Call,
    pub(crate) session: LiveSession,
}

/// Somebody signed in who may read the audit trail: an auditor or an admin.
pub(crate) struct Auditor {
    pub(crate) call: Call,
    pub(crate) session: LiveSession,
}

/// An admin who only reads.
pub(crate) struct Supervisor {
    pub(crate) call: Call,
    pub(crate) session: LiveSession,
}

/// An admin who follows something. When the session dies, whoever answers finds out by its cookie.
pub(crate) struct Onlooker {
    pub(crate) call: Call,
    pub(crate) cookie: SessionCookie,
}

/// An admin, with a CSRF token for this very session.
pub(crate) struct Admin {
    pub(crate) call: Call,
    pub(crate) session: LiveSession,
}

impl Call {
    /// Nothing is asked of the caller.
    #[expect(clippy::unused_async, reason = "as the other callers")]
    async fn read(request: &Request) -> Result<Self, Problem> {
        Self::of(request)
    }
}

impl Anyone {
    /// The session is looked at, and nothing else is asked.
    pub(crate) async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let session = call.gate().session(request.headers()).await?;
        let token = call.gate().token(request.headers(), session.as_ref());
        Ok(Self { call, session, token })
    }
}

impl Visitor {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let session = call.gate().session(request.headers()).await?;
        call.gate().check_csrf(request.headers(), session.as_ref())?;
        Ok(Self { call, session })
    }
}

impl Leaver {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let session = call.gate().session(request.headers()).await?;
        if session.is_some() {
            call.gate().check_csrf(request.headers(), session.as_ref())?;
        }
        Ok(Self { call, session })
    }
}

impl Reader {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let session = signed_in(call.gate(), request.headers()).await?;
        call.gate().app.touch(&session);
        Ok(Self { call, session })
    }
}

impl Watcher {
    #[expect(clippy::unused_async, reason = "as the other callers")]
    async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let cookie = call.gate().presented(request.headers())?;
        let cookie = cookie.ok_or(Problem::new(Kind::Unauthenticated))?;
        Ok(Self { call, cookie })
    }
}

impl Bearer {
    /// A cookie that came twice is as good as none: proxies understand nothing but 401.
    async fn read(request: &Request) -> Result<Self, Problem> {
        let gate = &Visit::of(request)?.gate;
        let session = match signed_in(gate, request.headers()).await {
            Err(problem) if problem.is(Kind::DuplicateCookie) => return Err(Problem::new(Kind::Unauthenticated)),
            other => other?,
        };
        gate.app.touch(&session);
        Ok(Self { session })
    }
}

impl Passer {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let problem = match Bearer::read(request).await {
            Ok(Bearer { session }) => return Ok(Self::Known(session)),
            Err(problem) => problem,
        };
        let settings = &Visit::of(request)?.gate.settings;
        let page = problem.is(Kind::Unauthenticated).then(|| login_page(settings, request));
        page.flatten().map(Self::Stranger).ok_or(problem)
    }
}

impl Actor {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let call = Call::of(request)?;
        let session = signed_in(call.gate(), request.headers()).await?;
        call.gate().check_csrf(request.headers(), Some(&session))?;
        call.gate().app.touch(&session);
        Ok(Self { call, session })
    }
}

impl Auditor {
    /// What is read is written down as read by this user, so no page may ask that could not change something either.
    async fn read(request: &Request) -> Result<Self, Problem> {
        let Reader { call, session } = Reader::read(request).await?;
        allowed(&call, &session, &[Role::Auditor, Role::Admin])?;
        call.gate().origins.check_reading(request.headers())?;
        Ok(Self { call, session })
    }
}

impl Supervisor {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let Reader { call, session } = Reader::read(request).await?;
        allowed(&call, &session, &[Role::Admin])?;
        Ok(Self { call, session })
    }
}

impl Onlooker {
    async fn read(request: &Request) -> Result<Self, Problem> {
        let Supervisor { call, .. } = Supervisor::read(request).await?;
        let cookie = call.gate().presented(request.headers())?;
        let cookie = cookie.ok_or(Problem::new(Kind::Unauthenticated))?;
        Ok(Self { call, cookie })
    }
}

impl Admin {
    /// The role comes first: who may not do it at all need not fetch a token to learn that.
    async fn read(request: &Request) -> Result<Self, Problem> {
        let Supervisor { call, session } = Supervisor::read(request).await?;
        call.gate().check_csrf(request.headers(), Some(&session))?;
        Ok(Self { call, session })
    }
}

/// The roles of a live session are those that its user has now: a grant or a removal ends the sessions before it. Who asks
/// for more is named in the log (ASVS 16.3.2).
fn allowed(call: &Call, session: &LiveSession, roles: &[Role]) -> Result<(), Problem> {
    if roles.iter().any(|&role| session.roles.contains(role)) {
        return Ok(());
    }
    let (request_id, user) = (call.visit.request_id, session.user);
    tracing::warn!(%request_id, %user, "somebody asked for what needs another role");
    Err(Problem::new(Kind::Forbidden))
}

async fn signed_in(gate: &Gate, headers: &HeaderMap) -> Result<LiveSession, Problem> {
    gate.session(headers).await?.ok_or(Problem::new(Kind::Unauthenticated))
}

macro_rules! extractor {
    ($caller:ty, $schemes:expr, optional: $optional:expr) => {
        impl<'a> ApiExtractor<'a> for $caller {
            const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

            type ParamType = ();
            type ParamRawType = ();

            fn register(registry: &mut Registry) {
                register(registry);
            }

            fn security_schemes() -> Vec<&'static str> {
                $schemes.to_vec()
            }

            fn has_security_fallback() -> bool {
                $optional
            }

            async fn from_request(
                request: &'a Request,
                _: &mut RequestBody,
                _: ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                Ok(Self::read(request).await?)
            }
        }
    };
}

// poem-openapi would write the schemes of one extractor as alternatives; `finish` joins them.
extractor!(Call, [], optional: false);
extractor!(Anyone, [], optional: false);
extractor!(Visitor, ["csrf"], optional: false);
extractor!(Leaver, ["session", "csrf"], optional: true);
extractor!(Reader, ["session"], optional: false);
extractor!(Watcher, ["session"], optional: false);
extractor!(Bearer, ["session"], optional: false);
extractor!(Passer, ["session"], optional: false);
extractor!(Actor, ["session", "csrf"], optional: false);
// Its name says which role is needed: `finish` writes that as `x-required-role`.
extractor!(Auditor, ["session", "role:auditor"], optional: false);
extractor!(Supervisor, ["session", "role:admin"], optional: false);
extractor!(Onlooker, ["session", "role:admin"], optional: false);
extractor!(Admin, ["session", "csrf", "role:admin"], optional: false);

fn register(registry: &mut Registry) {
    registry.create_security_scheme(
        "session",
        scheme(
            "cookie",
            "sessionid",
            "The session cookie, HttpOnly. Over https its name is `__Host-sessionid`.",
        ),
    );
    registry.create_security_scheme(
        "csrf",
        scheme(
            "header",
            "X-CSRFToken",
            "The value of the readable cookie `csrftoken`, or of `getCsrfToken`. Both names are configurable: see `getConfig`.",
        ),
    );
}

const fn scheme(place: &'static str, name: &'static str, description: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "apiKey",
        description: Some(description),
        name: Some(name),
        key_in: Some(place),
        scheme: None,
        bearer_format: None,
        flows: None,
        openid_connect_url: None,
    }
}
