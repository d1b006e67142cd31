//! From a refusal to its problem, and the failures that an operation documents.

use std::{error::Error as _, fmt::Write as _, time::Duration};

use doorbook_projections::fault::Fault;
use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::Type,
};

use crate::{
    app::Refusal,
    problem::{Cause, Kind, Problem},
    runs::RunRefusal,
    schema::ProblemDetails,
    social::SocialRefusal,
};

/// A set of kinds, for [`Refused`].
pub(crate) const fn kinds(list: &[Kind]) -> u64 {
    let mut set = 0;
    let mut rest = list;
    while let [first, tail @ ..] = rest {
        set |= first.bit();
        rest = tail;
    }
    set
}

/// What every operation that looks at the session can answer.
pub(crate) const LOOK: u64 = kinds(&[Kind::DuplicateCookie, Kind::Internal, Kind::Unavailable]);
/// What every operation for the signed-in can answer.
pub(crate) const READ: u64 = LOOK | Kind::Unauthenticated.bit();
/// What a state-changing operation adds.
pub(crate) const WRITE: u64 = kinds(&[Kind::CsrfFailed, Kind::OriginRefused]);
/// What every operation for auditors and admins can answer.
pub(crate) const ROLE: u64 = READ | Kind::Forbidden.bit();
/// What a body adds.
pub(crate) const BODY: u64 = kinds(&[
    Kind::Malformed,
    Kind::RequestTimeout,
    Kind::PayloadTooLarge,
    Kind::UnsupportedMediaType,
    Kind::Invalid,
]);

/// A problem in the place of an answer. `KINDS` are those that the operation documents.
pub(crate) struct Refused<const KINDS: u64>(Problem);

impl<const KINDS: u64> From<Problem> for Refused<KINDS> {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl<const KINDS: u64> From<Refusal> for Refused<KINDS> {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.into())
    }
}

impl<const KINDS: u64> From<Refused<KINDS>> for poem::Error {
    fn from(refused: Refused<KINDS>) -> Self {
        refused.0.into()
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::InvalidCredentials => Self::new(Kind::InvalidCredentials)
                .detail("The address or the password is wrong, or the address has not been confirmed yet."),
            Refusal::NotSignedIn => Self::new(Kind::Unauthenticated),
            Refusal::WrongPassword => Self::new(Kind::WrongPassword),
            Refusal::ReauthenticationRequired => Self::new(Kind::ReauthenticationRequired)
                .detail("This needs a proof of who you are from the last five minutes: reauthenticate and try again."),
            Refusal::LastAdmin => {
                Self::new(Kind::LastAdmin).detail("Give somebody else the role `admin` first, then try again.")
            }
            Refusal::AddressTaken => Self::new(Kind::AddressTaken).detail("A user has this address already."),
            Refusal::UserDeactivated => Self::new(Kind::UserDeactivated).detail("Reactivate the user first."),
            Refusal::LinkDead => Self::new(Kind::TokenDead)
                .detail("The link was used, has expired, or another one has taken its place. Ask for a new one."),
            Refusal::Throttled(wait) => Self::new(Kind::TooManyRequests).retry_after(whole_seconds(wait)),
            Refusal::SignUpClosed => Self::new(Kind::SignUpClosed),
            Refusal::Social(refusal) => social(refusal),
            Refusal::Runs(refusal) => runs(refusal),
            Refusal::Invalid(errors) => Self::invalid(errors),
            Refusal::NotFound => Self::new(Kind::NotFound),
            Refusal::Conflict => Self::new(Kind::Conflict).retry_after(1),
            Refusal::Busy(wait) => Self::new(Kind::Busy).retry_after(whole_seconds(wait)),
            Refusal::Fault(fault) => Self::from(fault),
        }
    }
}

/// Each says how to go on.
fn social(refusal: SocialRefusal) -> Problem {
    let (kind, detail) = match refusal {
        SocialRefusal::StateInvalid => (
            Kind::StateInvalid,
            "It was begun in another browser, more than ten minutes ago, or has been used. Begin again.",
        ),
        SocialRefusal::ProviderRefused => (
            Kind::ProviderRefused,
            "It was declined there, or the answer could not be accepted. Begin again, or log in another way.",
        ),
        SocialRefusal::ProviderDown => (Kind::ProviderDown, "Other ways to log in work. Try again in a while."),
        SocialRefusal::EmailNeeded => (
            Kind::EmailNeeded,
            "The provider vouches for no address. Log in, or sign up with an address; then continue, and the accounts are linked.",
        ),
        SocialRefusal::ProofNeeded => (
            Kind::ProofNeeded,
            "An account has this address. Log in to it; then continue, and the accounts are linked.",
        ),
        SocialRefusal::AddressTaken => (
            Kind::AddressTaken,
            "An account has this address. Log in to it, and link the provider from there.",
        ),
        SocialRefusal::AccountInactive => (Kind::AccountInactive, "Ask whoever runs this service."),
        SocialRefusal::NotAdmitted => (
            Kind::NotAdmitted,
            "Use another account at the provider, or ask whoever runs this service.",
        ),
        SocialRefusal::LinkedToAnother => (Kind::LinkedToAnother, "Log in with it, and unlink it there first."),
        SocialRefusal::NotLinked => (Kind::NotLinked, "Use an account that is linked to this user."),
        SocialRefusal::LastWayIn => (Kind::LastWayIn, "Set a password or link another account first."),
    };
    let problem = Problem::new(kind).detail(detail);
    if refusal == SocialRefusal::ProviderDown {
        problem.retry_after(30)
    } else {
        problem
    }
}

/// Each says how to go on.
fn runs(refusal: RunRefusal) -> Problem {
    match refusal {
        RunRefusal::UnderWay => Problem::new(Kind::RunUnderWay).detail(
            "Somebody rebuilds or verifies it, here or on the command line. Wait for the run to end, or cancel it.",
        ),
        RunRefusal::Over => Problem::new(Kind::RunOver).detail("It has ended already: its state says how."),
        RunRefusal::NotBuilt => Problem::new(Kind::NotBuilt)
            .detail("It has no tables that fit this program and this log. It builds them by itself, or rebuild it."),
        RunRefusal::NoEarlier => Problem::new(Kind::NoEarlierGeneration)
            .detail("No generation before this one is kept that fits this program and this log. Rebuild instead."),
        RunRefusal::StillUnreadable(which) => Problem::new(Kind::StillUnreadable).detail(format!(
            "The stream stays parked from here on: {which}. Run a program that can read the event, and try again."
        )),
    }
}

/// Rounded up.
const fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + if wait.subsec_nanos() > 0 { 1 } else { 0 }
}

/// An outage: its chain is for the log, and never shown.
impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let mut chain = fault.to_string();
        let mut cause = fault.source();
        while let Some(error) = cause {
            // Writing to a `String` cannot fail.
            let _ = write!(chain, ": {error}");
            cause = error.source();
        }
        Self::new(Kind::Unavailable).retry_after(5).cause(Cause(chain))
    }
}

impl<const KINDS: u64> ApiResponse for Refused<KINDS> {
    fn meta() -> MetaResponses {
        let mut statuses: Vec<u16> = Kind::ALL
            .into_iter()
            .filter(|kind| KINDS & kind.bit() != 0)
            .map(Kind::status)
            .collect();
        statuses.dedup();
        MetaResponses {
            responses: statuses.into_iter().map(response).collect(),
        }
    }

    fn register(registry: &mut Registry) {
        ProblemDetails::register(registry);
    }
}

fn response(status: u16) -> MetaResponse {
    let retry = matches!(status, 409 | 429 | 503).then(|| MetaHeader {
        name: "Retry-After".to_owned(),
        description: Some("When to try again, in seconds.".to_owned()),
        // Waiting does not help against every conflict.
        required: status != 409,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("integer", "int32"))),
    });
    MetaResponse {
        description: describe(status),
        status: Some(status),
        status_range: None,
        content: vec![MetaMediaType {
            content_type: "application/problem+json",
            schema: ProblemDetails::schema_ref(),
        }],
        headers: retry.into_iter().collect(),
    }
}

const fn describe(status: u16) -> &'static str {
    match status {
        400 => {
            "The request cannot be parsed (`malformed`), a cookie was sent twice (`duplicate-cookie`), or as `type` says"
        }
        401 => "Not signed in (`unauthenticated`), or the credentials are not valid (`invalid-credentials`)",
        403 => "Not allowed: `csrf-failed` (sets a fresh token: try once more), `origin-refused`, or as `type` says",
        404 => "There is no such thing for this user (`not-found`)",
        409 => "Somebody else changed the same thing at the same time; try again (`conflict`); or as `type` says",
        410 => "The link was used, has expired, was superseded, or never was: one answer for all (`token-dead`)",
        413 => "The body is too large (`payload-too-large`)",
        415 => "The body is not `application/json` (`unsupported-media-type`)",
        422 => "Some fields are not valid; `errors` names all of them (`invalid`)",
        429 => "Too many attempts; try again later (`too-many-requests`)",
        503 => "No room now (`busy`), or something that is needed is down (`unavailable`); try again",
        _ => "The service failed (`internal`)",
    }
}
