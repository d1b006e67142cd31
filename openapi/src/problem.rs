//! One form for every failure: RFC 9457.

use std::borrow::Cow;

use poem::{
    Response,
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;

use crate::app::FieldError;

/// What can go wrong, as clients tell it apart: `urn:doorbook:problem:<slug>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Malformed,
    DuplicateCookie,
    StateInvalid,
    Unauthenticated,
    InvalidCredentials,
    CsrfFailed,
    OriginRefused,
    WrongPassword,
    ReauthenticationRequired,
    Forbidden,
    SignUpClosed,
    ProviderRefused,
    AccountInactive,
    NotAdmitted,
    NotLinked,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    Conflict,
    LastAdmin,
    UserDeactivated,
    EmailNeeded,
    ProofNeeded,
    AddressTaken,
    LinkedToAnother,
    LastWayIn,
    RunUnderWay,
    RunOver,
    NotBuilt,
    NoEarlierGeneration,
    StillUnreadable,
    TokenDead,
    PayloadTooLarge,
    UnsupportedMediaType,
    Invalid,
    TooManyRequests,
    Internal,
    Busy,
    Unavailable,
    ProviderDown,
}

impl Kind {
    /// Every kind, by status.
    pub(crate) const ALL: [Self; 40] = [
        Self::Malformed,
        Self::DuplicateCookie,
        Self::StateInvalid,
        Self::Unauthenticated,
        Self::InvalidCredentials,
        Self::CsrfFailed,
        Self::OriginRefused,
        Self::WrongPassword,
        Self::ReauthenticationRequired,
        Self::Forbidden,
        Self::SignUpClosed,
        Self::ProviderRefused,
        Self::AccountInactive,
        Self::NotAdmitted,
        Self::NotLinked,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::Conflict,
        Self::LastAdmin,
        Self::UserDeactivated,
        Self::EmailNeeded,
        Self::ProofNeeded,
        Self::AddressTaken,
        Self::LinkedToAnother,
        Self::LastWayIn,
        Self::RunUnderWay,
        Self::RunOver,
        Self::NotBuilt,
        Self::NoEarlierGeneration,
        Self::StillUnreadable,
        Self::TokenDead,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::TooManyRequests,
        Self::Internal,
        Self::Busy,
        Self::Unavailable,
        Self::ProviderDown,
    ];

    /// The table: status, slug, title.
    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::Malformed => (400, "malformed", "The request cannot be parsed"),
            Self::DuplicateCookie => (400, "duplicate-cookie", "A cookie was sent twice"),
            Self::StateInvalid => (400, "state-invalid", "This sign-in was not begun here, or is over"),
            Self::Unauthenticated => (401, "unauthenticated", "Not signed in"),
            Self::InvalidCredentials => (401, "invalid-credentials", "The credentials are not valid"),
            Self::CsrfFailed => (403, "csrf-failed", "The CSRF token is missing or does not fit"),
            Self::OriginRefused => (403, "origin-refused", "The request comes from a page of another origin"),
            Self::WrongPassword => (403, "wrong-password", "The password is wrong"),
            Self::ReauthenticationRequired => (403, "reauthentication-required", "Prove again who you are first"),
            Self::Forbidden => (403, "forbidden", "Your roles do not allow this"),
            Self::SignUpClosed => (403, "sign-up-closed", "Sign-up is closed"),
            Self::ProviderRefused => (403, "provider-refused", "The identity provider refused"),
            Self::AccountInactive => (403, "account-inactive", "The account is inactive"),
            Self::NotAdmitted => (403, "not-admitted", "This service does not admit this account"),
            Self::NotLinked => (403, "not-linked", "That account is not linked to this user"),
            Self::NotFound => (404, "not-found", "There is nothing here"),
            Self::MethodNotAllowed => (405, "method-not-allowed", "The method is not allowed here"),
            Self::RequestTimeout => (408, "request-timeout", "The request took too long to arrive"),
            Self::Conflict => (409, "conflict", "Somebody else changed the same thing"),
            Self::LastAdmin => (409, "last-admin", "Nobody could manage users any more"),
            Self::UserDeactivated => (409, "user-deactivated", "The user is deactivated"),
            Self::EmailNeeded => (409, "email-needed", "An address is needed first"),
            Self::ProofNeeded => (409, "proof-needed", "Prove first that the account is yours"),
            Self::AddressTaken => (409, "address-taken", "The address belongs to an account"),
            Self::LinkedToAnother => (409, "linked-to-another", "That account is linked to another user"),
            Self::LastWayIn => (409, "last-way-in", "The last way in stays"),
            Self::RunUnderWay => (409, "run-under-way", "The projection is being worked on"),
            Self::RunOver => (409, "run-over", "The run is over"),
            Self::NotBuilt => (409, "not-built", "The projection is not built"),
            Self::NoEarlierGeneration => (409, "no-earlier-generation", "There is nothing to go back to"),
            Self::StillUnreadable => (409, "still-unreadable", "The event still cannot be read"),
            Self::TokenDead => (410, "token-dead", "The link leads nowhere any more"),
            Self::PayloadTooLarge => (413, "payload-too-large", "The body is too large"),
            Self::UnsupportedMediaType => (415, "unsupported-media-type", "The body is not `application/json`"),
            Self::Invalid => (422, "invalid", "Some fields are not valid"),
            Self::TooManyRequests => (429, "too-many-requests", "Too many attempts"),
            Self::Internal => (500, "internal", "The service failed"),
            Self::Busy => (503, "busy", "The service is busy"),
            Self::Unavailable => (503, "unavailable", "The service cannot answer now"),
            Self::ProviderDown => (503, "provider-down", "The identity provider cannot be reached"),
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> u16 {
        self.row().0
    }

    /// What stands in `type`.
    pub(crate) fn urn(self) -> String {
        format!("urn:doorbook:problem:{}", self.row().1)
    }

    const fn title(self) -> &'static str {
        self.row().2
    }

    /// The kind as a member of a set.
    #[expect(clippy::as_conversions, reason = "the discriminant of a field-less enum is its bit")]
    pub(crate) const fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

/// A failure on its way out.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    kind: Kind,
    detail: Option<Cow<'static, str>>,
    errors: Vec<FieldError>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Cause>,
}

/// What broke, with its chain: for the operator's log, where [`crate::edge`] writes it with the name of the request.
#[derive(Debug, Clone)]
pub(crate) struct Cause(pub(crate) String);

#[derive(Serialize)]
struct Body<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Vec<BodyError<'a>>,
}

#[derive(Serialize)]
struct BodyError<'a> {
    field: &'a str,
    code: &'a str,
    message: &'a str,
}

impl Problem {
    pub(crate) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// A problem of fields, all of them at once.
    pub(crate) fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(Kind::Invalid)
        }
    }

    /// The name of its kind.
    pub(crate) const fn slug(&self) -> &'static str {
        self.kind.row().1
    }

    /// The cookies that it would set.
    pub(crate) fn into_cookies(self) -> Vec<HeaderValue> {
        let cookies = self.headers.into_iter().filter(|(name, _)| name == SET_COOKIE);
        cookies.map(|(_, value)| value).collect()
    }

    pub(crate) fn is(&self, kind: Kind) -> bool {
        self.kind == kind
    }

    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub(crate) fn cause(mut self, cause: Cause) -> Self {
        self.cause = Some(cause);
        self
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn cookie(self, value: HeaderValue) -> Self {
        self.header(SET_COOKIE, value)
    }

    /// When to try again, in whole seconds, at least one.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        self.header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
    }

    pub(crate) fn into_response(self) -> Response {
        let body = Body {
            r#type: self.kind.urn(),
            title: self.kind.title(),
            status: self.kind.status(),
            detail: self.detail.as_deref(),
            errors: self.errors.iter().map(BodyError::from).collect(),
        };
        let status = StatusCode::from_u16(body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::default();
        response.set_status(status);
        response.set_body(serde_json::to_string(&body).unwrap_or_default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Session realm=\"doorbook\""));
        }
        for (name, value) in self.headers {
            headers.append(name, value);
        }
        if let Some(cause) = self.cause {
            response.set_data(cause);
        }
        response
    }
}

impl<'a> From<&'a FieldError> for BodyError<'a> {
    fn from(error: &'a FieldError) -> Self {
        Self {
            field: &error.field,
            code: &error.code,
            message: &error.message,
        }
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        Self::from_response(problem.into_response())
    }
}

/// A field that breaks a rule.
pub(crate) fn field_error(field: &str, code: &str, message: impl Into<String>) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: code.to_owned(),
        message: message.into(),
    }
}
