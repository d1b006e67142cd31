//! The log as everybody reads it: all events of all streams in one order.

use std::{fmt, str::FromStr};

use async_trait::async_trait;
use doorbook_domain::{
    event::{Event, Unreadable},
    time::Timestamp,
};
use serde::Deserialize;
use tokio::sync::watch;
use uuid::Uuid;

use crate::fault::Fault;

/// A place in the log: opaque, ordered, text on the wire. [`Position::START`] is before the first event.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);

    /// The position that a store numbers `number`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number that the store gave it.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the log.
    pub position: Position,
    /// Kind of its stream: `user`, `session` ….
    pub aggregate: Box<str>,
    /// Id of its stream within the kind. The stream's name is `<aggregate>-<stream_id>`.
    pub stream_id: Box<str>,
    /// Its number within the stream: 1, 2, 3 ….
    pub sequence: u64,
    /// Dotted, past tense: `session.started`.
    pub event_type: Box<str>,
    /// Version of the payload's form.
    pub version: Box<str>,
    /// JSON.
    pub payload: Box<str>,
    /// JSON: see [`Metadata`].
    pub metadata: Box<str>,
    /// When the database stored it.
    pub recorded_at: Timestamp,
}

/// Where an event comes from. Stored as a JSON object of strings.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    /// The command that caused it; the same for every event of the command.
    pub command_id: Uuid,
    /// Who sent the command: `user-<id>`, `cli`, `anonymous`, `system`.
    #[serde(default)]
    pub actor: Option<String>,
    /// The HTTP request that carried it.
    #[serde(default)]
    pub request_id: Option<String>,
    /// The event or request that led to the command.
    #[serde(default)]
    pub causation: Option<String>,
}

impl Recorded {
    /// What happened.
    ///
    /// # Errors
    ///
    /// [`Unreadable`] when this program does not know the event or its payload is broken.
    pub fn event(&self) -> Result<Event, Unreadable> {
        Event::read(&self.aggregate, &self.event_type, &self.version, &self.payload)
    }

    /// The id of its stream as a UUID, which those of users, sessions and sign-ups are. Another, which somebody must have
    /// written by hand, has a UUID v5 of its own: also one that spells a UUID otherwise, since two streams are not one.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let name = &*self.stream_id;
        let own = |id: &Uuid| *id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == *name;
        let id = Uuid::try_parse(name).ok().filter(own);
        id.unwrap_or_else(|| Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
    }

    /// Its identity: UUID v5 of its command and its sequence, or of its stream and its sequence where the metadata
    /// names no command.
    #[must_use]
    pub fn event_id(&self) -> Uuid {
        serde_json::from_str::<Metadata>(&self.metadata).map_or_else(
            |_| {
                Uuid::new_v5(
                    &Uuid::NAMESPACE_URL,
                    format!("{}-{}#{}", self.aggregate, self.stream_id, self.sequence).as_bytes(),
                )
            },
            |metadata| Uuid::new_v5(&metadata.command_id, self.sequence.to_string().as_bytes()),
        )
    }
}

/// The log, read only. One order for everybody, each stream in its own order within it; an event that was seen once is
/// seen at the same position for ever.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// Which log this is: made at the first start, and kept by dump and restore.
    async fn id(&self) -> Result<Uuid, Fault>;

    /// At most `limit` events after `after`, in order. Empty when there are none yet.
    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault>;

    /// As [`EventLog::read`], for those who follow the log's end: what somebody read from the database a moment ago need not be
    /// read from it again.
    async fn follow(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        self.read(after, limit).await
    }

    /// The position of the last event that [`EventLog::read`] would return; [`Position::START`] for an empty log.
    async fn head(&self) -> Result<Position, Fault>;

    /// Events of one stream after `sequence`, in order. Sees every committed event, also those that have no position
    /// yet; their position is then [`Position::START`].
    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault>;

    /// Changes whenever there may be something new to read. A reader also polls, since a signal may be lost.
    fn wake(&self) -> watch::Receiver<u64>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_stream(stream_id: &str) -> Uuid {
        let recorded = Recorded {
            position: Position::START,
            aggregate: "session".into(),
            stream_id: stream_id.into(),
            sequence: 1,
            event_type: "session.ended".into(),
            version: "1.0".into(),
            payload: "{}".into(),
            metadata: "{}".into(),
            recorded_at: Timestamp::default(),
        };
        recorded.id()
    }

    #[test]
    fn id_is_that_of_the_stream_and_another_name_has_one_of_its_own() {
        let id = Uuid::from_u128(7);
        assert_eq!(of_stream(&id.to_string()), id);
        assert_eq!(of_stream("by-hand"), of_stream("by-hand"));
        assert_ne!(of_stream("by-hand"), of_stream("by-another-hand"));
        let upper = "0000000000000000000000000000000A";
        let spelt = [of_stream(upper), of_stream(&Uuid::from_u128(10).to_string())];
        assert_ne!(spelt[0], spelt[1], "two streams are two rows");
        assert_eq!([of_stream("by-hand"), spelt[0]].map(|id| id.get_version_num()), [5, 5]);
    }
}
