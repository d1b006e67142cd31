//! Which events cause which letters. The outbox asks; nobody else sends mail.

use async_trait::async_trait;
use doorbook_domain::{
    event::Event,
    time::Timestamp,
    user::{PasswordCause, User, UserEvent},
};
use doorbook_projections::{fault::Fault, keyring::Place, log::Recorded};

use super::Service;
use crate::mail::{Addressed, Letter, Letters};

#[async_trait]
impl Letters for Service {
    fn concerns(&self, recorded: &Recorded) -> bool {
        matches!(&*recorded.event_type, "user.password_changed")
    }

    async fn letters(&self, recorded: &Recorded) -> Result<Vec<Addressed>, Fault> {
        let event = recorded
            .event()
            .map_err(Fault::because("an event that causes letters cannot be read"))?;
        match event {
            Event::User(UserEvent::PasswordChanged { cause, at, .. }) => {
                self.notice(recorded, password_notice(cause, at)).await
            }
            Event::User(_) | Event::SignUp(_) | Event::Claim(_) | Event::Session(_) | Event::LoginAttempts(_) => {
                Ok(Vec::new())
            }
        }
    }
}

impl Service {
    /// A letter to the user of the event's stream, at the address that the account has now. None to those that were
    /// erased.
    async fn notice(&self, recorded: &Recorded, letter: Letter) -> Result<Vec<Addressed>, Fault> {
        let user = self.store.load::<User>(&recorded.stream_id).await?.aggregate;
        let (Some(sealed), Some(event_type)) = (user.email(), user.email_event()) else {
            return Ok(Vec::new());
        };
        let stream = format!("user-{}", recorded.stream_id);
        let place = Place {
            stream: &stream,
            event_type,
            field: "email",
        };
        let to = self.seals.open(sealed, &place).await?;
        Ok(to.map(|to| self.addressed(recorded, to, letter)).into_iter().collect())
    }

    fn addressed(&self, recorded: &Recorded, to: String, letter: Letter) -> Addressed {
        Addressed {
            to,
            locale: self.rules.locale,
            letter,
            key: recorded.event_id(),
        }
    }
}

fn password_notice(cause: PasswordCause, at: Timestamp) -> Letter {
    match cause {
        PasswordCause::Changed | PasswordCause::Set => Letter::PasswordChanged { at },
        PasswordCause::Reset => Letter::PasswordReset { at },
    }
}
