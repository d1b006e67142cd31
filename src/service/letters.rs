//! Which events cause which letters. The outbox asks; nobody else sends mail.
//!
//! A letter is made from what the log says when it is sent, not when its event was recorded: a link that was used, has
//! expired or was superseded is not mailed any more, and to a person whose keys are gone nothing is.

use async_trait::async_trait;
use doorbook_domain::{
    event::Event,
    id::UserId,
    seal::Sealed,
    session::SessionEvent,
    signup::SignUpEvent,
    time::Timestamp,
    user::{PasswordCause, User, UserEvent},
};
use doorbook_projections::{
    fault::Fault,
    keyring::{ERASED, Place},
    log::Recorded,
};

use super::Service;
use crate::mail::{Addressed, Circumstances, Letter, Letters};

mod links;
mod news;

pub(super) use news::News;

#[async_trait]
impl Letters for Service {
    fn concerns(&self, recorded: &Recorded) -> bool {
        if &*recorded.event_type == "session.started" {
            let event = recorded.event();
            return match event {
                Ok(Event::Session(SessionEvent::Started {
                    new_device: true,
                    user_id,
                    at,
                    ..
                })) => self.news.is_told(user_id, at),
                Ok(_) => false,
                // It is looked at again where it is said why.
                Err(_) => true,
            };
        }
        matches!(
            &*recorded.event_type,
            "signup.requested"
                | "signup.link_requested"
                | "user.password_reset_requested"
                | "user.email_change_requested"
                | "user.password_changed"
                | "user.password_removed"
                | "user.email_changed"
                | "user.deactivated"
                | "social_account.linked"
                | "social_account.unlinked"
        )
    }

    async fn letters(&self, recorded: &Recorded) -> Result<Vec<Addressed>, Fault> {
        let event = recorded
            .event()
            .map_err(Fault::because("an event that causes letters cannot be read"))?;
        // The one that always goes out stands first: letters of an event are known by their number.
        let notice = self.notice_at_once(recorded, &event).await?;
        let letter = match event {
            Event::SignUp(event) => self.of_sign_up(recorded, &event).await?,
            Event::User(event) => self.of_user(recorded, event).await?,
            Event::Session(event) => self.of_session(recorded, event).await?,
            Event::Claim(_) | Event::LoginAttempts(_) | Event::Reading(_) | Event::Projection(_) => None,
        };
        let said = notice.into_iter().chain(letter);
        Ok(said.map(|(to, letter)| self.addressed(recorded, to, letter)).collect())
    }
}

/// An address and what is said to it.
type Said = Option<(String, Letter)>;

impl Service {
    async fn of_sign_up(&self, recorded: &Recorded, event: &SignUpEvent) -> Result<Said, Fault> {
        match event {
            SignUpEvent::Requested { verify: true, .. } => self.sign_up_letter(recorded, false).await,
            SignUpEvent::LinkRequested { address_only, .. } => self.sign_up_letter(recorded, *address_only).await,
            SignUpEvent::Requested { .. }
            | SignUpEvent::Verified { .. }
            | SignUpEvent::Completed { .. }
            | SignUpEvent::Refused { .. } => Ok(None),
        }
    }

    async fn of_user(&self, recorded: &Recorded, event: UserEvent) -> Result<Said, Fault> {
        match event {
            UserEvent::PasswordResetRequested { request, origin, .. } => {
                self.reset_letter(recorded, request, origin).await
            }
            UserEvent::EmailChangeRequested { request, .. } => self.confirm_letter(recorded, request).await,
            UserEvent::PasswordChanged { cause, at, .. } => self.password_notice(recorded, cause, at).await,
            UserEvent::PasswordRemoved { at, .. } => self.notice(recorded, Letter::TakenOver { at }).await,
            UserEvent::EmailChanged { at, .. } => {
                self.notice_to_old_address(recorded, Letter::AddressChanged { at })
                    .await
            }
            UserEvent::Deactivated { at, .. } => self.notice(recorded, Letter::Deactivated { at }).await,
            UserEvent::SocialAccountLinked { provider, at, .. } => {
                let provider = provider.into_string();
                // What somebody signed up with is no news to them.
                let news = self.user_in(recorded).await?.registered_at() != Some(at);
                let letter = Letter::SocialLinked { provider, at };
                if news {
                    self.notice(recorded, letter).await
                } else {
                    Ok(None)
                }
            }
            UserEvent::SocialAccountUnlinked { provider, at, .. } => {
                let provider = provider.into_string();
                self.notice(recorded, Letter::SocialUnlinked { provider, at }).await
            }
            UserEvent::Registered { .. }
            | UserEvent::ProfileChanged { .. }
            | UserEvent::PasswordUpgraded { .. }
            | UserEvent::RoleGranted { .. }
            | UserEvent::RoleRevoked { .. }
            | UserEvent::Reactivated { .. }
            | UserEvent::Unlocked { .. }
            | UserEvent::SessionsEnded { .. }
            | UserEvent::EmailVerified { .. }
            | UserEvent::EmailChangeConfirmed { .. }
            | UserEvent::EmailChangeRefused { .. }
            | UserEvent::Erased { .. } => Ok(None),
        }
    }

    /// What the address of an account is told of a wish to leave it, while there is time to stop that (ASVS 6.3.7).
    async fn notice_at_once(&self, recorded: &Recorded, event: &Event) -> Result<Said, Fault> {
        let Event::User(UserEvent::EmailChangeRequested { at, .. }) = event else {
            return Ok(None);
        };
        let letter = Letter::AddressChangeRequested { at: *at };
        self.notice_to_old_address(recorded, letter).await
    }

    async fn password_notice(&self, recorded: &Recorded, cause: PasswordCause, at: Timestamp) -> Result<Said, Fault> {
        let letter = match cause {
            PasswordCause::Changed | PasswordCause::Set => Letter::PasswordChanged { at },
            PasswordCause::Reset => {
                let user = self.user_in(recorded).await?;
                let accounts = user.social_accounts().iter();
                let accounts = accounts.map(|account| account.provider.to_string()).collect();
                Letter::PasswordReset { accounts, at }
            }
        };
        self.notice(recorded, letter).await
    }

    /// A login from a device that its user has not used before (ASVS 6.3.5).
    async fn of_session(&self, recorded: &Recorded, event: SessionEvent) -> Result<Said, Fault> {
        let SessionEvent::Started {
            user_id,
            new_device: true,
            origin,
            at,
            ..
        } = event
        else {
            return Ok(None);
        };
        let stream = format!("session-{}", recorded.stream_id);
        let seen = self
            .circumstances(&stream, &recorded.event_type, origin.as_ref(), at)
            .await?;
        let user = self.store.load::<User>(&user_id.to_string()).await?.aggregate;
        let to = self.address_of(user_id, &user).await?;
        Ok(to.map(|to| (to, Letter::NewDevice { seen })))
    }

    /// A letter to the user of the event's stream, at the address that the account has now. None to those that were
    /// erased.
    async fn notice(&self, recorded: &Recorded, letter: Letter) -> Result<Said, Fault> {
        let user = self.user_in(recorded).await?;
        let to = self.address_of(id_in(recorded)?, &user).await?;
        Ok(to.map(|to| (to, letter)))
    }

    /// To the address that the account had before the event.
    async fn notice_to_old_address(&self, recorded: &Recorded, letter: Letter) -> Result<Said, Fault> {
        let log = self.store.log();
        let history = log.stream(&recorded.aggregate, &recorded.stream_id, 0).await?;
        let earlier = history.iter().filter(|one| one.sequence < recorded.sequence).rev();
        let mut old = earlier.filter_map(|one| Some((one, address_in(one.event().ok()?)?)));
        let Some((before, sealed)) = old.next() else {
            return Ok(None);
        };
        let stream = format!("user-{}", recorded.stream_id);
        let place = Place {
            stream: &stream,
            event_type: &before.event_type,
            field: "email",
        };
        let to = self.seals.open(&sealed, &place).await?;
        Ok(to.map(|to| (to, letter)))
    }

    async fn user_in(&self, recorded: &Recorded) -> Result<User, Fault> {
        Ok(self.store.load::<User>(&recorded.stream_id).await?.aggregate)
    }

    async fn circumstances(
        &self,
        stream: &str,
        event_type: &str,
        origin: Option<&Sealed>,
        at: Timestamp,
    ) -> Result<Circumstances, Fault> {
        let place = Place {
            stream,
            event_type,
            field: "origin",
        };
        let whence = self.seals.open_origin(origin, &place).await?;
        let known = |text: Option<String>| text.filter(|text| text != ERASED);
        Ok(Circumstances {
            at,
            ip: known(whence.ip),
            user_agent: known(whence.user_agent),
        })
    }

    fn addressed(&self, recorded: &Recorded, to: String, letter: Letter) -> Addressed {
        Addressed {
            to,
            locale: self.rules.locale,
            letter,
            key: recorded.event_id(),
            caused_at: recorded.recorded_at,
        }
    }
}

/// The address that an event gives the user.
fn address_in(event: Event) -> Option<Sealed> {
    match event {
        Event::User(event) => event.address().cloned(),
        Event::SignUp(_)
        | Event::Claim(_)
        | Event::Session(_)
        | Event::LoginAttempts(_)
        | Event::Reading(_)
        | Event::Projection(_) => None,
    }
}

fn id_in(recorded: &Recorded) -> Result<UserId, Fault> {
    let id = recorded.stream_id.parse();
    id.map_err(Fault::because("the stream of a user has no id"))
}
