//! Events for the person that they are about: opened, without secrets.

use doorbook_domain::{
    attempts::LoginAttemptsEvent,
    claim::ClaimEvent,
    event::{Event, INSTANTS, SECRETS},
    id::UserId,
    reading::ReadingEvent,
    seal::{ClaimId, Sealed},
    time::Timestamp,
    user::UserEvent,
};
use doorbook_openapi::export::{ExportedEvent, Instant, Json};
use doorbook_projections::{
    fault::Fault,
    keyring::{ERASED, Place},
    log::Recorded,
    sessions::SessionRow,
    signups,
};
use serde_json::{Map, Value};

use crate::{keys::KeyName, service::Service};

/// Most events of an export.
const EVENTS: usize = 20_000;
/// What is for indices only: it outlives the address of the network that it was made of.
const BUCKET: &str = "ip_bucket";
/// Attempts at one address among which the user's own is looked for.
const ATTEMPTS: u32 = 10_000;
/// Sealed fields that hold objects.
const OBJECTS: [&str; 2] = ["origin", "filters"];

impl Service {
    /// The events about a user, oldest first, and whether they are all.
    pub(super) async fn every_event(
        &self,
        user: UserId,
        sessions: &[SessionRow],
    ) -> Result<(Vec<ExportedEvent>, bool), Fault> {
        let log = self.store.log();
        let mut found = log.stream("user", &user.to_string(), 0).await?;
        let claims = claims(&found);
        for claim in &claims {
            found.extend(log.stream("claim", &claim.0, 0).await?);
            found.extend(log.stream("attempts", &claim.0, 0).await?);
            let attempts = signups::at_claim(&self.engine.reads(), claim, ATTEMPTS).await?;
            for attempt in attempts.iter().filter(|attempt| attempt.user_id == user) {
                found.extend(log.stream("signup", &attempt.id.to_string(), 0).await?);
            }
        }
        for session in sessions {
            if found.len() > EVENTS {
                break;
            }
            found.extend(log.stream("session", &session.session_id.to_string(), 0).await?);
        }
        found.retain(|recorded| is_about(recorded, user));
        found.sort_by_key(|recorded| recorded.position);
        let all = found.len() <= EVENTS;
        let mut events = Vec::with_capacity(found.len().min(EVENTS));
        for recorded in found.into_iter().take(EVENTS) {
            events.push(self.exported(&recorded).await?);
        }
        Ok((events, all))
    }

    async fn exported(&self, recorded: &Recorded) -> Result<ExportedEvent, Fault> {
        Ok(ExportedEvent {
            position: recorded.position.to_string(),
            stream: format!("{}-{}", recorded.aggregate, recorded.stream_id),
            r#type: recorded.event_type.to_string(),
            at: Instant(recorded.recorded_at),
            data: Json(Value::Object(self.opened_fields(recorded).await?)),
        })
    }

    /// What an event holds: opened, without secrets.
    pub(in crate::service) async fn opened_fields(&self, recorded: &Recorded) -> Result<Map<String, Value>, Fault> {
        let payload: Map<String, Value> =
            serde_json::from_str(&recorded.payload).map_err(Fault::because("an event is no JSON object"))?;
        let fields = payload.into_iter().next().map(|(_, fields)| fields);
        let Some(Value::Object(fields)) = fields else {
            return Ok(Map::new());
        };
        let mut opened = Map::new();
        for (name, value) in fields {
            if SECRETS.contains(&name.as_str()) || name == BUCKET {
                continue;
            }
            let value = match value {
                Value::String(text) => self.opened_text(recorded, &name, text).await?,
                Value::Number(number) if INSTANTS.contains(&name.as_str()) => instant(&number),
                other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other,
            };
            opened.insert(name, value);
        }
        Ok(opened)
    }

    /// The text, opened where it is sealed.
    async fn opened_text(&self, recorded: &Recorded, field: &str, text: String) -> Result<Value, Fault> {
        let sealed = Sealed::new(text.as_str());
        if KeyName::parse(sealed.key()).is_err() {
            return Ok(Value::String(text));
        }
        let stream = format!("{}-{}", recorded.aggregate, recorded.stream_id);
        let place = Place {
            stream: &stream,
            event_type: &recorded.event_type,
            field,
        };
        let opened = self.seals.open(&sealed, &place).await?;
        let opened = opened.unwrap_or_else(|| ERASED.to_owned());
        // An origin, and what an auditor looked for, are objects within their seals.
        match serde_json::from_str(&opened) {
            Ok(Value::Object(object)) if OBJECTS.contains(&field) => Ok(Value::Object(object)),
            Ok(_) | Err(_) => Ok(Value::String(opened)),
        }
    }
}

fn instant(number: &serde_json::Number) -> Value {
    number.as_i64().map_or(Value::Null, |micros| {
        Value::String(Timestamp::from_micros(micros).to_string())
    })
}

/// Every claim that the user asked for at some time.
fn claims(stream: &[Recorded]) -> Vec<ClaimId> {
    let mut claims: Vec<ClaimId> = Vec::new();
    for recorded in stream {
        let Ok(Event::User(event)) = recorded.event() else {
            continue;
        };
        if let UserEvent::Registered { claim, .. }
        | UserEvent::EmailChangeRequested { claim, .. }
        | UserEvent::EmailChanged { claim, .. }
        | UserEvent::SocialAccountLinked { claim, .. } = event
            && !claims.contains(&claim)
        {
            claims.push(claim);
        }
    }
    claims
}

/// Streams of claims and of failed logins are shared: others may have had the same address before or after.
fn is_about(recorded: &Recorded, user: UserId) -> bool {
    match recorded.event() {
        Ok(Event::User(_) | Event::Session(_) | Event::SignUp(_)) => true,
        Ok(Event::Claim(ClaimEvent::Taken { user_id, .. } | ClaimEvent::Released { user_id, .. })) => user_id == user,
        Ok(
            Event::LoginAttempts(
                LoginAttemptsEvent::Failed { user_id, .. } | LoginAttemptsEvent::Summarized { user_id, .. },
            )
            | Event::Reading(ReadingEvent::Read { user_id, .. }),
        ) => user_id == Some(user),
        Ok(
            Event::LoginAttempts(LoginAttemptsEvent::LinkRefused { .. })
            | Event::Reading(ReadingEvent::ExportEnded { .. })
            | Event::Projection(_),
        )
        | Err(_) => false,
    }
}
