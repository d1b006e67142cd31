//! Any stored event, read back.

use crate::{
    attempts::LoginAttemptsEvent, claim::ClaimEvent, session::SessionEvent, signup::SignUpEvent, user::UserEvent,
};

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

impl Event {
    /// Reads a stored event, old versions through their upcasters.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when the type is unknown, the version is not known or the payload does not fit.
    pub fn read(aggregate: &str, event_type: &str, version: &str, payload: &str) -> Result<Self, Unreadable> {
        let unreadable = |reason: String| Unreadable {
            aggregate: aggregate.to_owned(),
            event_type: event_type.to_owned(),
            version: version.to_owned(),
            reason,
        };
        if version != "1.0" {
            return Err(unreadable("unknown version".to_owned()));
        }
        let event = match aggregate {
            "signup" => serde_json::from_str(payload).map(Self::SignUp),
            "user" => serde_json::from_str(payload).map(Self::User),
            "claim" => serde_json::from_str(payload).map(Self::Claim),
            "session" => serde_json::from_str(payload).map(Self::Session),
            "attempts" => serde_json::from_str(payload).map(Self::LoginAttempts),
            _ => return Err(unreadable("unknown kind of stream".to_owned())),
        };
        event.map_err(|error| unreadable(error.to_string()))
    }
}
