//! Any stored event, read back.

use cqrs_es::Aggregate;

use crate::{
    attempts::{LoginAttempts, LoginAttemptsEvent},
    claim::{Claim, ClaimEvent},
    projection::{Projection, ProjectionEvent},
    reading::{Reading, ReadingEvent},
    session::{Session, SessionEvent},
    signup::{SignUp, SignUpEvent},
    user::{User, UserEvent},
};

#[cfg(test)]
mod tests;

/// An event of any aggregate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Of a `signup-…` stream.
    SignUp(SignUpEvent),
    /// Of a `user-…` stream.
    User(UserEvent),
    /// Of a `claim-…` stream.
    Claim(ClaimEvent),
    /// Of a `session-…` stream.
    Session(SessionEvent),
    /// Of an `attempts-…` stream.
    LoginAttempts(LoginAttemptsEvent),
    /// Of a `reading-…` stream.
    Reading(ReadingEvent),
    /// Of a `projection-…` stream.
    Projection(ProjectionEvent),
}

macro_rules! from {
    ($($event:ident => $variant:ident),*) => {
        $(impl From<$event> for Event {
            fn from(event: $event) -> Self {
                Self::$variant(event)
            }
        })*
    };
}

from! {
    SignUpEvent => SignUp,
    UserEvent => User,
    ClaimEvent => Claim,
    SessionEvent => Session,
    LoginAttemptsEvent => LoginAttempts,
    ReadingEvent => Reading,
    ProjectionEvent => Projection
}

/// The stored event cannot be read: its type is unknown, its version is newer than this program, or its payload is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event_type} {version} of a {aggregate} stream cannot be read: {reason}")]
pub struct Unreadable {
    /// Kind of its stream.
    pub aggregate: String,
    /// As stored.
    pub event_type: String,
    /// As stored.
    pub version: String,
    /// Why.
    pub reason: String,
}

/// The version that every event is written in.
pub const VERSION: &str = "1.0";

/// Every kind of stream.
pub const KINDS: [&str; 7] = [
    SignUp::TYPE,
    User::TYPE,
    Claim::TYPE,
    Session::TYPE,
    LoginAttempts::TYPE,
    Reading::TYPE,
    Projection::TYPE,
];

/// Every stored name.
pub fn types() -> impl Iterator<Item = &'static str> {
    let names = [
        SignUpEvent::NAMES,
        UserEvent::NAMES,
        ClaimEvent::NAMES,
        SessionEvent::NAMES,
        LoginAttemptsEvent::NAMES,
        ReadingEvent::NAMES,
        ProjectionEvent::NAMES,
    ];
    names.into_iter().flatten().copied()
}

/// Fields of payloads that are secrets, though they are sealed or hashed: nobody is shown them.
pub const SECRETS: [&str; 2] = ["password", "secret"];

/// Fields of payloads that hold instants, in microseconds since 1970.
pub const INSTANTS: [&str; 5] = ["at", "until", "from", "idle_until", "absolute_until"];

impl Event {
    /// Reads a stored event, old versions through their upcasters.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when the kind of stream, the type or the version is unknown, when the payload does not fit, or
    /// when it is the payload of another type.
    pub fn read(aggregate: &str, event_type: &str, version: &str, payload: &str) -> Result<Self, Unreadable> {
        Self::parse(aggregate, event_type, version, payload).map_err(|reason| Unreadable {
            aggregate: aggregate.to_owned(),
            event_type: event_type.to_owned(),
            version: version.to_owned(),
            reason,
        })
    }

    fn parse(aggregate: &str, event_type: &str, version: &str, payload: &str) -> Result<Self, String> {
        if version != VERSION {
            return Err("unknown version".to_owned());
        }
        let event = match aggregate {
            SignUp::TYPE => serde_json::from_str(payload).map(Self::SignUp),
            User::TYPE => serde_json::from_str(payload).map(Self::User),
            Claim::TYPE => serde_json::from_str(payload).map(Self::Claim),
            Session::TYPE => serde_json::from_str(payload).map(Self::Session),
            LoginAttempts::TYPE => serde_json::from_str(payload).map(Self::LoginAttempts),
            Reading::TYPE => serde_json::from_str(payload).map(Self::Reading),
            Projection::TYPE => serde_json::from_str(payload).map(Self::Projection),
            _ => return Err("unknown kind of stream".to_owned()),
        };
        let event = event.map_err(|error| error.to_string())?;
        if event.event_type() == event_type {
            Ok(event)
        } else {
            Err(format!("its payload is of {}", event.event_type()))
        }
    }

    /// Its stored name, e.g. `session.started`.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self {
            Self::SignUp(event) => event.name(),
            Self::User(event) => event.name(),
            Self::Claim(event) => event.name(),
            Self::Session(event) => event.name(),
            Self::LoginAttempts(event) => event.name(),
            Self::Reading(event) => event.name(),
            Self::Projection(event) => event.name(),
        }
    }

    /// The kind of its stream, e.g. `session`.
    #[must_use]
    pub const fn aggregate(&self) -> &'static str {
        match self {
            Self::SignUp(_) => SignUp::TYPE,
            Self::User(_) => User::TYPE,
            Self::Claim(_) => Claim::TYPE,
            Self::Session(_) => Session::TYPE,
            Self::LoginAttempts(_) => LoginAttempts::TYPE,
            Self::Reading(_) => Reading::TYPE,
            Self::Projection(_) => Projection::TYPE,
        }
    }
}
