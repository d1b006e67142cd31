//! Followers of the log that act on it: each keeps a durable cursor, so that a crash repeats an action rather than losing
//! it. Every action is harmless when repeated, and none is triggered by the rebuild of a projection.
//!
//! * [`Finisher`] completes sign-ups that a crash interrupted.
//! * [`Shredder`] destroys the keys that an event made obsolete: of a replaced password, of a refused sign-up.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::{
    event::Event,
    id::SignUpId,
    seal::Sealed,
    signup::{SignUp, SignUpEvent},
    user::UserEvent,
};
use doorbook_openapi::app::Refusal;
use doorbook_projections::{fault::Fault, log::Recorded};
use tokio_util::sync::CancellationToken;

use super::{Service, metadata_of};
use crate::{keys::KeyName, store::CommandMetadata};

#[cfg(test)]
mod tests;

const BATCH: usize = 512;
/// A reader also polls, since a wake-up may be lost or come from another process.
const POLL: Duration = Duration::from_secs(1);
/// The pause after a failure, before the same event is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// What one follower does with an event.
#[async_trait]
pub trait Reaction: Send + Sync {
    /// Names the cursor.
    fn name(&self) -> &'static str;
    /// How old an event must be before it is acted on.
    fn patience(&self) -> Duration;
    /// Whether the event is of interest; decided on its stored type.
    fn concerns(&self, event_type: &str) -> bool;
    /// Acts. Repeating it must be harmless.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it could not be done now; it is tried again.
    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault>;
}

/// Follows the log until cancelled.
pub async fn follow(service: Service, reaction: &dyn Reaction, cancel: CancellationToken) {
    let mut wake = service.store.log().wake();
    while !cancel.is_cancelled() {
        let pause = match batch(&service, reaction, &cancel).await {
            Ok(0) => POLL,
            Ok(_) => continue,
            Err(fault) => {
                tracing::error!(error = fault.cause(), process = reaction.name(), "will be tried again");
                RETRY
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            _ = wake.changed(), if pause == POLL => {}
        }
    }
}

async fn batch(service: &Service, reaction: &dyn Reaction, cancel: &CancellationToken) -> Result<usize, Fault> {
    let cursor = service.keyring.cursor(reaction.name()).await?;
    let events = service.store.log().read(cursor, BATCH).await?;
    let Some(last) = events.last() else { return Ok(0) };
    for recorded in events.iter().filter(|recorded| reaction.concerns(&recorded.event_type)) {
        let ripe = recorded.recorded_at.plus(reaction.patience());
        tokio::select! {
            () = tokio::time::sleep(ripe.since(service.clock.now()).min(reaction.patience())) => {}
            () = cancel.cancelled() => return Ok(0),
        }
        reaction.react(service, recorded).await?;
    }
    service.keyring.set_cursor(reaction.name(), last.position).await?;
    Ok(events.len())
}

/// What the event says; `None`, with a line in the log, when this program cannot read it: it never will.
fn readable(recorded: &Recorded) -> Option<Event> {
    recorded
        .event()
        .inspect_err(|error| tracing::error!(%error, position = %recorded.position, "event skipped"))
        .ok()
}

/// Completes sign-ups that a crash interrupted.
pub struct Finisher;

#[async_trait]
impl Reaction for Finisher {
    fn name(&self) -> &'static str {
        "finisher"
    }

    /// The request itself completes its attempt; this is for those that it could not.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn concerns(&self, event_type: &str) -> bool {
        event_type == "signup.requested"
    }

    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault> {
        let Some(Event::SignUp(SignUpEvent::Requested { verify: false, .. })) = readable(recorded) else {
            return Ok(());
        };
        let Ok(id) = recorded.stream_id.parse::<SignUpId>() else {
            return Ok(());
        };
        if !service
            .store
            .load::<SignUp>(&recorded.stream_id)
            .await?
            .aggregate
            .is_pending()
        {
            return Ok(());
        }
        let metadata = CommandMetadata {
            causation: Some(recorded.event_id().to_string()),
            ..metadata_of("system", service.clock.now())
        };
        match service.complete_sign_up(id, &metadata).await {
            Ok(()) => Ok(()),
            Err(Refusal::Fault(fault)) => Err(fault),
            Err(refusal) => Err(Fault::new("a sign-up was not finished", refusal)),
        }
    }
}

/// Destroys keys that an event made obsolete.
pub struct Shredder;

#[async_trait]
impl Reaction for Shredder {
    fn name(&self) -> &'static str {
        "shredder"
    }

    fn patience(&self) -> Duration {
        Duration::ZERO
    }

    fn concerns(&self, event_type: &str) -> bool {
        matches!(
            event_type,
            "user.password_changed" | "user.password_upgraded" | "user.password_removed" | "signup.refused"
        )
    }

    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault> {
        let obsolete = match readable(recorded) {
            Some(Event::User(_)) => replaced_password(service, recorded).await?,
            Some(Event::SignUp(SignUpEvent::Refused { user_id, .. })) => {
                let attempt = service.store.load::<SignUp>(&recorded.stream_id).await?.aggregate;
                let mut keys = vec![KeyName::user(user_id)];
                keys.extend(attempt.requested().map(|wish| key_of(&wish.password)).transpose()?);
                keys
            }
            _ => Vec::new(),
        };
        for key in obsolete {
            service.keyring.destroy(&key).await?;
        }
        Ok(())
    }
}

fn key_of(sealed: &Sealed) -> Result<KeyName, Fault> {
    KeyName::parse(sealed.key())
}

/// The key of the password that stood before the event.
async fn replaced_password(service: &Service, recorded: &Recorded) -> Result<Vec<KeyName>, Fault> {
    let history = service
        .store
        .log()
        .stream(&recorded.aggregate, &recorded.stream_id, 0)
        .await?;
    let before = history
        .iter()
        .take_while(|earlier| earlier.sequence < recorded.sequence);
    let last = before.filter_map(readable).filter_map(password).last();
    last.as_ref()
        .map(key_of)
        .transpose()
        .map(|key| key.into_iter().collect())
}

fn password(event: Event) -> Option<Sealed> {
    match event {
        Event::User(UserEvent::Registered { password, .. }) => password,
        Event::User(UserEvent::PasswordChanged { password, .. } | UserEvent::PasswordUpgraded { password, .. }) => {
            Some(password)
        }
        Event::User(_) | Event::SignUp(_) | Event::Claim(_) | Event::Session(_) | Event::LoginAttempts(_) => None,
    }
}
