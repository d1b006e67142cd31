//! Reading sessions and users from the log, and opening what is sealed.

use std::sync::Arc;

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
    seal::Sealed,
    user::UserEvent,
};
use doorbook_openapi::app::Identity;
use doorbook_projections::{
    fault::Fault,
    keyring::{ERASED, Keyring, Place},
    log::{EventLog, Recorded},
};
use tokio::sync::Semaphore;

use super::{
    session::{Effect, Session},
    user::User,
};

/// Streams that are read at the same time: a storm of unknown cookies leaves the database to others.
const READS: usize = 16;

/// Reads single streams of the log.
pub(super) struct Reader {
    log: Arc<dyn EventLog>,
    keyring: Arc<dyn Keyring>,
    permits: Semaphore,
}

/// A session as its stream tells it.
pub(super) enum Read {
    /// The stream is empty.
    Nothing,
    /// It ended with the event of this number.
    Ended(u64),
    /// It goes on, as far as its own stream knows.
    Open(UserId, Session),
}

impl Reader {
    pub(super) fn new(log: Arc<dyn EventLog>, keyring: Arc<dyn Keyring>) -> Self {
        Self {
            log,
            keyring,
            permits: Semaphore::new(READS),
        }
    }

    pub(super) fn log(&self) -> &dyn EventLog {
        &*self.log
    }

    /// The session, as it is now.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the stream cannot be read or breaks the order of a session's events.
    pub(super) async fn session(&self, id: SessionId) -> Result<Read, Fault> {
        let mut read = Read::Nothing;
        for recorded in self.stream("session", &id.to_string()).await? {
            let Event::Session(event) = recorded.event().map_err(Fault::because(UNREADABLE))? else {
                return Err(Fault::plain(UNREADABLE));
            };
            read = match read {
                Read::Nothing => Session::start(id, &event).map(|(user, session)| Read::Open(user, session)),
                Read::Ended(_) => Some(Read::Ended(recorded.sequence)),
                Read::Open(user, mut session) => match session.apply(&event) {
                    Effect::Goes => Some(Read::Open(user, session)),
                    Effect::Ends => Some(Read::Ended(recorded.sequence)),
                    Effect::Misfit => None,
                },
            }
            .ok_or(Fault::plain("a session's events are not in the order of a session"))?;
        }
        Ok(read)
    }

    /// The user, as it is now, its identity opened.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the stream or the keys cannot be read.
    pub(super) async fn user(&self, id: UserId) -> Result<User, Fault> {
        let mut user = User::unread(id);
        let mut address = None;
        let mut address_event = "";
        let mut name = None;
        for recorded in self.stream("user", &id.to_string()).await? {
            let Event::User(event) = recorded.event().map_err(Fault::because(UNREADABLE))? else {
                return Err(Fault::plain(UNREADABLE));
            };
            user.apply(&event);
            let event_type = event.name();
            match event {
                UserEvent::Registered { email, .. } | UserEvent::EmailChanged { email, .. } => {
                    (address, address_event) = (Some(email), event_type);
                }
                UserEvent::ProfileChanged { name: changed, .. } => name = changed,
                UserEvent::PasswordChanged { .. }
                | UserEvent::PasswordUpgraded { .. }
                | UserEvent::RoleGranted { .. }
                | UserEvent::RoleRevoked { .. }
                | UserEvent::Deactivated { .. }
                | UserEvent::Reactivated { .. }
                | UserEvent::Unlocked { .. }
                | UserEvent::SessionsEnded { .. }
                | UserEvent::PasswordRemoved { .. }
                | UserEvent::PasswordResetRequested { .. }
                | UserEvent::EmailVerified { .. }
                | UserEvent::EmailChangeRequested { .. }
                | UserEvent::EmailChangeConfirmed { .. }
                | UserEvent::EmailChangeRefused { .. }
                | UserEvent::SocialAccountLinked { .. }
                | UserEvent::SocialAccountUnlinked { .. }
                | UserEvent::Erased { .. } => {}
            }
        }
        user.active &= address.is_some();
        let email = self.open(id, address, address_event, "email").await?;
        let name = self.open(id, name, "user.profile_changed", "name").await?;
        user.identity = Identity::new(email.as_deref().unwrap_or_default(), name.as_deref());
        user.fresh = true;
        Ok(user)
    }

    async fn stream(&self, aggregate: &'static str, id: &str) -> Result<Vec<Recorded>, Fault> {
        let _permit = self.permits.acquire().await.map_err(Fault::because(UNREADABLE))?;
        let events = self.log.stream(aggregate, id, 0).await?;
        if (1..).zip(&events).any(|(sequence, event)| event.sequence != sequence) {
            return Err(Fault::plain("a stream has a gap"));
        }
        Ok(events)
    }

    async fn open(
        &self,
        id: UserId,
        sealed: Option<Sealed>,
        event_type: &str,
        field: &str,
    ) -> Result<Option<String>, Fault> {
        let Some(sealed) = sealed else { return Ok(None) };
        let stream = &format!("user-{id}");
        let place = Place {
            stream,
            event_type,
            field,
        };
        let text = self.keyring.open(&sealed, &place).await?.into_text()?;
        Ok(Some(text.unwrap_or_else(|| ERASED.to_owned())))
    }
}

/// Says what, never the payload.
const UNREADABLE: &str = "an event of a session or its user cannot be read";
