//! Followers of the log that act on it: each keeps a durable cursor, so that a crash repeats an action rather than losing
//! it. Every action is harmless when repeated, and none is triggered by the rebuild of a projection.
//!
//! * [`Finisher`] completes sign-ups, changes of address and unlinking that a crash interrupted.
//! * [`Shredder`] destroys the keys that an event made obsolete: of a replaced password, of a refused sign-up, of the
//!   password of one that only proved its address.
//! * [`Eraser`] finishes erasures, [`Reaper`] destroys the keys of what came to nothing.
//!
//! An event that cannot be acted on holds the others up for a minute, then it is parked and tried again every hour.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::{
    event::Event,
    id::{SignUpId, UserId},
    seal::Sealed,
    signup::{SignUp, SignUpEvent},
    time::Timestamp,
    user::UserEvent,
};
use doorbook_openapi::app::Refusal;
use doorbook_projections::{fault::Fault, log::Recorded};

use super::{Service, metadata_of};
use crate::{keys::KeyName, store::CommandMetadata};

mod eraser;
mod figures;
mod follow;
mod reaper;
#[cfg(test)]
mod tests;

pub use eraser::Eraser;
pub use figures::{Figure, Figures};
pub use follow::follow;
pub use reaper::Reaper;

/// All of them.
pub const FOLLOWERS: [&dyn Reaction; 4] = [&Finisher, &Shredder, &Eraser, &Reaper];

/// What one follower does with an event.
#[async_trait]
pub trait Reaction: Send + Sync {
    /// Names the cursor.
    fn name(&self) -> &'static str;
    /// How old an event must be before it is acted on.
    fn patience(&self) -> Duration;
    /// From when on the event is acted on, where that does not follow from its age alone.
    fn ripe_at(&self, recorded: &Recorded) -> Timestamp {
        recorded.recorded_at.plus(self.patience())
    }
    /// Whether the event is of interest; decided on its stored type.
    fn concerns(&self, event_type: &str) -> bool;
    /// Acts. Repeating it must be harmless.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it could not be done now; it is tried again.
    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault>;
}

/// What the event says; `None`, with a line in the log, when this program cannot read it: it never will.
fn readable(recorded: &Recorded) -> Option<Event> {
    recorded
        .event()
        .inspect_err(|error| tracing::error!(%error, position = %recorded.position, "event skipped"))
        .ok()
}

/// Completes sign-ups, changes of address and unlinking that a crash interrupted.
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
        matches!(
            event_type,
            "signup.requested"
                | "signup.verified"
                | "user.email_change_confirmed"
                | "user.email_changed"
                | "social_account.unlinked"
        )
    }

    async fn react(&self, service: &Service, recorded: &Recorded) -> Result<(), Fault> {
        let metadata = CommandMetadata {
            causation: Some(recorded.event_id().to_string()),
            ..metadata_of("system", service.clock.now())
        };
        let finished = match readable(recorded) {
            Some(Event::SignUp(SignUpEvent::Requested { verify: false, .. } | SignUpEvent::Verified { .. })) => {
                let Ok(id) = recorded.stream_id.parse::<SignUpId>() else {
                    return Ok(());
                };
                service.complete_sign_up(id, &metadata).await.map(drop)
            }
            Some(Event::User(UserEvent::EmailChangeConfirmed { request, .. })) => {
                let Ok(id) = recorded.stream_id.parse::<UserId>() else {
                    return Ok(());
                };
                service.finish_email_change(id, request, &metadata).await.map(drop)
            }
            Some(Event::User(UserEvent::EmailChanged { .. })) => {
                let Ok(id) = recorded.stream_id.parse::<UserId>() else {
                    return Ok(());
                };
                service.give_up_other_claims(id, &metadata).await
            }
            Some(Event::User(UserEvent::SocialAccountUnlinked { claim, .. })) => {
                let Ok(id) = recorded.stream_id.parse::<UserId>() else {
                    return Ok(());
                };
                service.give_up_link(id, &claim, &metadata).await
            }
            _ => return Ok(()),
        };
        match finished {
            Ok(()) => Ok(()),
            Err(Refusal::Fault(fault)) => Err(fault),
            Err(refusal) => Err(Fault::new("what a request left behind was not finished", refusal)),
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
            "user.password_changed"
                | "user.password_upgraded"
                | "user.password_removed"
                | "signup.refused"
                | "signup.verified"
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
            Some(Event::SignUp(SignUpEvent::Verified { address_only: true, .. })) => {
                let attempt = service.store.load::<SignUp>(&recorded.stream_id).await?.aggregate;
                let password = attempt.requested().map(|wish| key_of(&wish.password));
                password.transpose()?.into_iter().collect()
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
        Event::User(event) => event.password().cloned(),
        Event::SignUp(_)
        | Event::Claim(_)
        | Event::Session(_)
        | Event::LoginAttempts(_)
        | Event::Reading(_)
        | Event::Projection(_) => None,
    }
}
