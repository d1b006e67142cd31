use poem_openapi::{Object, OpenApi, types::Example};

use super::{
    Tag,
    social::{self, IdentityProvider},
};
use crate::{
    caller::{Anyone, Call},
    problem::Kind,
    refused::{LOOK, Refused, kinds},
    reply::Reply,
};

/// What a page needs to draw its forms.
#[derive(Object)]
#[oai(example)]
struct Config {
    /// Signing up.
    signup: SignUpConfig,
    /// Rules of passwords.
    password: PasswordConfig,
    /// Identity providers that can be signed in with.
    providers: Vec<IdentityProvider>,
    /// How requests are protected against forgery.
    csrf: CsrfConfig,
    /// How long sessions live.
    session: SessionConfig,
}

/// Signing up.
#[derive(Object)]
struct SignUpConfig {
    /// Whether it is open.
    enabled: bool,
    /// Whether an address must be proven before the account can be used.
    verify_email: bool,
}

/// Rules of passwords.
#[derive(Object)]
struct PasswordConfig {
    /// Fewest characters, counted in Unicode code points.
    min_length: u64,
    /// Most characters.
    max_length: u64,
}

/// How requests are protected against forgery.
#[derive(Object)]
struct CsrfConfig {
    /// Name of the readable cookie that holds the token.
    cookie: String,
    /// Name of the header that repeats it.
    header: String,
}

/// How long sessions of users without a role live.
#[derive(Object)]
struct SessionConfig {
    /// From login, in seconds.
    absolute_seconds: u64,
    /// From the last use, in seconds.
    idle_seconds: u64,
}

impl Example for Config {
    fn example() -> Self {
        Self {
            signup: SignUpConfig {
                enabled: true,
                verify_email: true,
            },
            password: PasswordConfig {
                min_length: 8,
                max_length: 1024,
            },
            providers: Vec::new(),
            csrf: CsrfConfig {
                cookie: "csrftoken".to_owned(),
                header: "X-CSRFToken".to_owned(),
            },
            session: SessionConfig {
                absolute_seconds: 1_209_600,
                idle_seconds: 604_800,
            },
        }
    }
}

/// A CSRF token.
#[derive(Object)]
#[oai(example)]
struct CsrfToken {
    /// What to send in the CSRF header.
    csrf_token: String,
}

impl Example for CsrfToken {
    fn example() -> Self {
        Self {
            csrf_token: "kP8…Zw".to_owned(),
        }
    }
}

/// The cookie was set.
#[derive(Object)]
#[oai(example)]
struct CookieSet {
    /// `CSRF cookie set`.
    details: String,
}

impl Example for CookieSet {
    fn example() -> Self {
        Self {
            details: "CSRF cookie set".to_owned(),
        }
    }
}

pub(crate) struct Start;

#[OpenApi(prefix_path = "/api", tag = "Tag::Start")]
#[expect(clippy::unused_async, reason = "poem-openapi takes asynchronous operations only")]
impl Start {
    /// Show what a page needs to draw its forms
    ///
    /// It changes with the configuration only.
    #[oai(path = "/config", method = "get", operation_id = "getConfig")]
    async fn config(&self, call: Call) -> Result<Reply<Config>, Refused<{ kinds(&[Kind::Internal]) }>> {
        let settings = &call.gate().settings;
        let characters = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        Ok(Reply::json(&Config {
            signup: SignUpConfig {
                enabled: settings.signup_enabled,
                verify_email: settings.verify_email,
            },
            password: PasswordConfig {
                min_length: characters(settings.password_min_length),
                max_length: characters(settings.password_max_length),
            },
            providers: social::listed(call.gate()),
            csrf: CsrfConfig {
                cookie: settings.csrf_cookie.clone(),
                header: settings.csrf_header.clone(),
            },
            session: SessionConfig {
                absolute_seconds: settings.session_absolute.as_secs(),
                idle_seconds: settings.session_idle.as_secs(),
            },
        }))
    }

    /// Get a CSRF token
    ///
    /// Answers with the token and sets it as a readable cookie. A token that the browser holds already and that still fits
    /// is given again, so that several tabs do not take it from each other.
    #[oai(path = "/csrf", method = "get", operation_id = "getCsrfToken")]
    async fn csrf(&self, anyone: Anyone) -> Result<Reply<CsrfToken>, Refused<LOOK>> {
        let cookie = anyone.call.gate().csrf_cookie(&anyone.token);
        Ok(Reply::json(&CsrfToken {
            csrf_token: anyone.token,
        })
        .cookie(cookie))
    }

    /// Set the CSRF cookie
    ///
    /// As `getCsrfToken`, for pages that read the cookie.
    #[oai(path = "/login-set-cookie", method = "get", operation_id = "setCsrfCookie")]
    async fn csrf_cookie(&self, anyone: Anyone) -> Result<Reply<CookieSet>, Refused<LOOK>> {
        Ok(Reply::json(&CookieSet::example()).cookie(anyone.call.gate().csrf_cookie(&anyone.token)))
    }
}
