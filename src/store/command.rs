//! What a command leaves behind.

use std::collections::HashMap;

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

/// Where a command comes from. Stored with each of its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandMetadata {
    /// The command. The ids of its events derive from it.
    pub command_id: Uuid,
    /// Who sent it: `user-<id>`, `cli`, `anonymous`, `system`.
    pub actor: String,
    /// The HTTP request that carried it.
    pub request_id: Option<String>,
    /// The event or request that led to it.
    pub causation: Option<String>,
    /// When it was given.
    pub at: Timestamp,
}

impl CommandMetadata {
    /// The form in which cqrs-es stores it: an object of strings, `at` in microseconds, what is absent left out.
    #[must_use]
    pub fn to_map(&self) -> HashMap<String, String> {
        let fields = [
            ("command_id", Some(self.command_id.to_string())),
            ("actor", Some(self.actor.clone())),
            ("request_id", self.request_id.clone()),
            ("causation", self.causation.clone()),
            ("at", Some(self.at.micros().to_string())),
        ];
        let present = |(key, value): (&str, Option<String>)| value.map(|value| (key.to_owned(), value));
        fields.into_iter().filter_map(present).collect()
    }
}

/// A stream, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<A> {
    /// Its state; the default of an empty stream.
    pub aggregate: A,
    /// Sequence of its last event; 0 for an empty stream.
    pub sequence: u64,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<A, E> {
    /// The state afterwards.
    pub aggregate: A,
    /// Sequence of the stream's last event; 0 for an empty stream.
    pub sequence: u64,
    /// The events, committed and durable. Empty when it was already so.
    pub events: Vec<Appended<E>>,
}

/// An event that a command appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended<E> {
    /// Its number within the stream.
    pub sequence: u64,
    /// What happened.
    pub event: E,
}

/// An event for [`Store::import`](super::Store::import).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Kind of its stream.
    pub aggregate: Box<str>,
    /// Id of its stream within the kind.
    pub stream_id: Box<str>,
    /// Its number within the stream, from 1 without gaps.
    pub sequence: u64,
    /// Dotted, past tense.
    pub event_type: Box<str>,
    /// Version of the payload's form.
    pub version: Box<str>,
    /// JSON.
    pub payload: Box<str>,
    /// JSON, as [`CommandMetadata::to_map`] gives it.
    pub metadata: Box<str>,
    /// When the log shall say that it was stored.
    pub recorded_at: Timestamp,
}
