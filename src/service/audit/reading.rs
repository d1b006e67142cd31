//! Reading is itself an event: who asked for what, when, from where.

use doorbook_domain::reading::{self, Reading, ReadingCommand};
use doorbook_openapi::{
    app::{LiveSession, Origin, PageRequest, Refusal},
    audit::{EventFilter, LoginFilter},
};
use doorbook_projections::{fault::Fault, keyring::Place};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    ids,
    keys::KeyName,
    service::{Service, metadata_of, seals::Owner, unexpected},
    store::Failure,
};

const READ: &str = "audit.read";
/// The actor of what the command line asks.
const OPERATOR: &str = "cli";

/// What was looked for, as it is recorded.
#[derive(Debug, Default)]
pub(super) struct Wish(Map<String, Value>);

impl Wish {
    pub(super) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), Value::String(value.to_string()));
        }
        self
    }

    pub(super) fn page(self, page: &PageRequest) -> Self {
        self.with("cursor", page.cursor.as_ref())
            .with("limit", Some(page.limit))
    }
}

/// Who reads.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    /// Somebody with a session, and from where the request came.
    Session(LiveSession, Origin),
    /// Whoever may use the command line.
    Operator,
}

impl Service {
    /// Records a question of somebody with a session.
    pub(super) async fn note_reading(
        &self,
        reader: &LiveSession,
        operation: &str,
        wish: Wish,
        origin: &Origin,
    ) -> Result<Uuid, Refusal> {
        let reader = Reader::Session(reader.clone(), origin.clone());
        self.note_question(&reader, operation, wish).await
    }

    /// Records that somebody asked for the proof of an event.
    pub(in crate::service) async fn note_proof(
        &self,
        reader: &LiveSession,
        position: u64,
        size: u64,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let wish = Wish::default()
            .with("position", Some(position))
            .with("size", Some(size));
        self.note_reading(reader, "getInclusionProof", wish, origin)
            .await
            .map(drop)
    }

    /// Records a question, in a stream of its own: one append, however much was read before. The next question does not wait
    /// until read models have it. Whoever may use the command line may ask without a limit.
    pub(super) async fn note_question(&self, reader: &Reader, operation: &str, wish: Wish) -> Result<Uuid, Refusal> {
        if let Reader::Session(session, _) = reader {
            self.throttle.question(session.user).await?;
        }
        let at = self.clock.now();
        let id = ids::uuid_v7(at);
        let stream = format!("reading-{id}");
        let place = Place {
            stream: &stream,
            event_type: READ,
            field: "filters",
        };
        // An address that somebody looked for is known no longer than that from which somebody came.
        let of_month = wish.0.contains_key("ip");
        let (user_id, key, origin, metadata) = match reader {
            Reader::Session(session, origin) => {
                let owner = Owner::User(session.user);
                let key = owner.key();
                let key = if of_month { key.of_month(at) } else { key };
                let sealed = self.seals.origin(&owner, &stream, READ, origin, at).await?;
                let metadata = self.metadata(origin, Some(session.user));
                (Some(session.user), key, sealed, metadata)
            }
            Reader::Operator => {
                let month = KeyName::month(at);
                self.keyring.create(&month).await?;
                (None, month, None, metadata_of(OPERATOR, at))
            }
        };
        let text = Value::Object(wish.0).to_string();
        let begin = reading::Begin {
            user_id,
            operation: operation.into(),
            filters: self.seals.text(&key, &place, &text).await?,
            origin,
            at,
        };
        self.store
            .execute_aside::<Reading>(&id.to_string(), ReadingCommand::Begin(begin), &metadata)
            .await
            .map_err(unexpected)?;
        Ok(id)
    }

    /// Records how an export ended.
    pub(super) async fn note_end(
        &self,
        reading: Uuid,
        reader: &Reader,
        rows: u64,
        complete: bool,
    ) -> Result<(), Fault> {
        let at = self.clock.now();
        let end = ReadingCommand::End(reading::End { rows, complete, at });
        let metadata = match reader {
            Reader::Session(session, _) => metadata_of(&format!("user-{}", session.user), at),
            Reader::Operator => metadata_of(OPERATOR, at),
        };
        match self
            .store
            .execute_aside::<Reading>(&reading.to_string(), end, &metadata)
            .await
        {
            Ok(_) => Ok(()),
            Err(Failure::Refused(refusal)) => Err(Fault::new("an export that never began ended", refusal)),
            Err(Failure::Conflict) => Err(Fault::plain("the stream was changed by others again and again")),
            Err(Failure::Broken(fault)) => Err(fault),
        }
    }

    /// An address is recorded as its claim only, wherever it was typed: who is erased later must not live on in what others
    /// looked for.
    pub(super) fn login_wish(&self, filter: &LoginFilter) -> Wish {
        // What can be asked is recorded: another filter does not compile until it stands here and below.
        let LoginFilter {
            user: _,
            email: _,
            ip: _,
            outcome: _,
            method: _,
            provider: _,
            reason: _,
            from: _,
            to: _,
        } = filter;
        let claim = filter.email.as_deref().map(|email| self.claim_as_typed(email));
        Wish::default()
            .with("user_id", filter.user)
            .with("email_claim", claim)
            .with("ip", filter.ip)
            .with(
                "outcome",
                filter.outcome.map(doorbook_projections::login_history::Won::as_str),
            )
            .with("method", self.word(filter.method.as_ref()))
            .with("provider", self.word(filter.provider.as_ref()))
            .with("reason", self.word(filter.reason.as_ref()))
            .with("from", filter.from)
            .with("to", filter.to)
    }

    /// As [`Self::login_wish`].
    pub(super) fn event_wish(&self, filter: &EventFilter) -> Wish {
        let EventFilter {
            event_type: _,
            stream: _,
            actor: _,
            from: _,
            to: _,
        } = filter;
        Wish::default()
            .with("type", self.word(filter.event_type.as_ref()))
            .with("stream", self.word(filter.stream.as_ref()))
            .with("actor", self.word(filter.actor.as_ref()))
            .with("from", filter.from)
            .with("to", filter.to)
    }

    /// A word that was looked for; the claim of one that may be an address, which nothing that is found by words is.
    fn word(&self, word: Option<&String>) -> Option<String> {
        let kept = |word: &String| {
            if word.contains(['@', '\u{ff20}', '\u{fe6b}']) {
                self.claim_as_typed(word).0.into()
            } else {
                word.clone()
            }
        };
        word.map(kept)
    }
}
