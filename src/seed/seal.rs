//! From drafts to events: personal data go under keys.

use std::{collections::HashMap, net::IpAddr};

use async_trait::async_trait;
use cqrs_es::DomainEvent;
use doorbook_domain::{
    attempts::LoginAttemptsEvent,
    claim::ClaimEvent,
    id::UserId,
    seal::{ClaimId, Sealed},
    session::{Method, SessionEvent},
    signup::SignUpEvent,
    time::Timestamp,
    user::{PasswordCause, UserEvent},
};
use doorbook_projections::{fault::Fault, keyring::Place as Spot};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{
    draft::{Draft, Fact, Place, Stream},
    people::{address, browser, name, network, stranger},
};
use crate::store::NewEvent;

/// A key, by what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A user's own.
    User(UserId),
    /// Of one password's hash.
    Password(Uuid),
    /// Of the attempts stream of an address that nobody has.
    Attempts(ClaimId),
    /// Derived from the owner's for the month of an instant.
    Month(Box<Self>, Timestamp),
}

/// What has the keys of a history.
#[async_trait]
pub trait Sealer: Send + Sync {
    /// Makes keys that are not there yet. Keys of months derive from others and are not among them.
    ///
    /// # Errors
    ///
    /// The keys cannot be reached.
    async fn create(&self, keys: &[Key]) -> Result<(), Fault>;
    /// Seals a value that stands at `spot`.
    ///
    /// # Errors
    ///
    /// The key is missing or cannot be reached.
    async fn seal(&self, key: &Key, spot: Spot<'_>, plain: &[u8]) -> Result<Sealed, Fault>;
    /// The claim that an address needs.
    ///
    /// # Errors
    ///
    /// The address is none.
    fn claim(&self, address: &str) -> Result<ClaimId, Fault>;
    /// Which bucket an address of the network is in, for searching.
    fn ip_bucket(&self, ip: IpAddr) -> u32;
    /// The hash of [`super::PASSWORD`]: computed once, sealed for each user.
    fn password_hash(&self) -> &str;
}

/// Seals drafts, in their order. Their keys are made first, in one go.
///
/// # Errors
///
/// The keys failed.
pub async fn seal(drafts: &[Draft], sealer: &dyn Sealer) -> Result<Vec<NewEvent>, Fault> {
    let mut desk = Desk {
        sealer,
        claims: HashMap::new(),
    };
    let keys = drafts
        .iter()
        .map(|draft| desk.keys(draft))
        .collect::<Result<Vec<_>, Fault>>()?;
    sealer.create(&keys.concat()).await?;
    let mut events = Vec::with_capacity(drafts.len());
    for draft in drafts {
        events.push(desk.event(draft).await?);
    }
    Ok(events)
}

struct Desk<'a> {
    sealer: &'a dyn Sealer,
    claims: HashMap<String, ClaimId>,
}

impl Desk<'_> {
    fn claim(&mut self, address: String) -> Result<ClaimId, Fault> {
        if let Some(claim) = self.claims.get(&address) {
            return Ok(claim.clone());
        }
        let claim = self.sealer.claim(&address)?;
        self.claims.insert(address, claim.clone());
        Ok(claim)
    }

    /// The keys that a draft is the first to need.
    fn keys(&mut self, draft: &Draft) -> Result<Vec<Key>, Fault> {
        Ok(match &draft.fact {
            Fact::Requested { user, password, .. } => vec![Key::User(user.0), Key::Password(*password)],
            Fact::PasswordChanged { password, .. } => vec![Key::Password(*password)],
            Fact::Failed { user: None, number, .. } if draft.sequence == 1 => {
                vec![Key::Attempts(self.claim(stranger(*number))?)]
            }
            Fact::Registered { .. }
            | Fact::Named { .. }
            | Fact::Taken(_)
            | Fact::Completed(_)
            | Fact::Granted { .. }
            | Fact::Revoked { .. }
            | Fact::Deactivated(_)
            | Fact::Reactivated
            | Fact::Started { .. }
            | Fact::Refreshed(_)
            | Fact::Reauthenticated
            | Fact::Rotated { .. }
            | Fact::Ended { .. }
            | Fact::Failed { .. } => Vec::new(),
        })
    }

    /// Kind and id of a stream.
    fn stream(&mut self, stream: Stream) -> Result<(&'static str, String), Fault> {
        Ok(match stream {
            Stream::SignUp(id) => ("signup", id.to_string()),
            Stream::User(id) => ("user", id.to_string()),
            Stream::Claim(number) => ("claim", self.claim(address(number))?.to_string()),
            Stream::Session(id) => ("session", id.to_string()),
            Stream::Attempts(number) => ("attempts", self.claim(address(number))?.to_string()),
            Stream::StrangerAttempts(number) => ("attempts", self.claim(stranger(number))?.to_string()),
        })
    }

    async fn event(&mut self, draft: &Draft) -> Result<NewEvent, Fault> {
        let (aggregate, stream_id) = self.stream(draft.stream)?;
        let stream = format!("{aggregate}-{stream_id}");
        let page = Page {
            sealer: self.sealer,
            stream: &stream,
            at: draft.at,
        };
        let (event_type, version, payload) = match &draft.fact {
            Fact::Requested { user, password, place } => {
                let claim = self.claim(address(user.1))?;
                written(&page.requested(*user, *password, *place, claim).await?)
            }
            Fact::Registered { user, password } => {
                let claim = self.claim(address(user.1))?;
                written(&page.registered(*user, *password, claim).await?)
            }
            Fact::Named { user } => written(&page.named(*user).await?),
            Fact::PasswordChanged { password, epoch } => written(&page.password_changed(*password, *epoch).await?),
            Fact::Started { .. } => written(&page.started(&draft.fact).await?),
            Fact::Failed { .. } => written(&page.failed(&draft.fact, &stream_id).await?),
            fact @ (Fact::Taken(_)
            | Fact::Completed(_)
            | Fact::Granted { .. }
            | Fact::Revoked { .. }
            | Fact::Deactivated(_)
            | Fact::Reactivated
            | Fact::Refreshed(_)
            | Fact::Reauthenticated
            | Fact::Rotated { .. }
            | Fact::Ended { .. }) => plain(fact, draft.at),
        }
        .map_err(Fault::because("an event cannot be written"))?;
        Ok(NewEvent {
            aggregate: aggregate.into(),
            stream_id: stream_id.into(),
            sequence: draft.sequence,
            event_type: event_type.into(),
            version: version.into(),
            payload: payload.into(),
            metadata: metadata(draft).into(),
            recorded_at: draft.at,
        })
    }
}

fn metadata(draft: &Draft) -> String {
    let actor = draft
        .actor
        .map_or_else(|| "anonymous".to_owned(), |user| format!("user-{user}"));
    json!({
        "actor": actor,
        "at": draft.at.micros().to_string(),
        "command_id": draft.command,
    })
    .to_string()
}

/// Type, version and payload.
type Written = (String, String, String);

fn written<E: DomainEvent + Serialize>(event: &E) -> serde_json::Result<Written> {
    Ok((event.event_type(), event.event_version(), serde_json::to_string(event)?))
}

/// Facts without personal data.
fn plain(fact: &Fact, at: Timestamp) -> serde_json::Result<Written> {
    match *fact {
        Fact::Taken(user_id) => written(&ClaimEvent::Taken { user_id, at }),
        Fact::Completed(user_id) => written(&SignUpEvent::Completed { user_id, at }),
        Fact::Granted { role, epoch } => written(&UserEvent::RoleGranted { role, epoch, at }),
        Fact::Revoked { role, epoch } => written(&UserEvent::RoleRevoked { role, epoch, at }),
        Fact::Deactivated(epoch) => written(&UserEvent::Deactivated { epoch, at }),
        Fact::Reactivated => written(&UserEvent::Reactivated { at }),
        Fact::Refreshed(idle_until) => written(&SessionEvent::Refreshed { idle_until, at }),
        Fact::Reauthenticated => written(&SessionEvent::Reauthenticated {
            method: Method::Password,
            at,
        }),
        Fact::Rotated { secret, epoch } => written(&SessionEvent::Rotated { secret, epoch, at }),
        Fact::Ended { reason, by } => written(&SessionEvent::Ended {
            reason,
            by: Some(by),
            at,
        }),
        Fact::Requested { .. }
        | Fact::Registered { .. }
        | Fact::Named { .. }
        | Fact::PasswordChanged { .. }
        | Fact::Started { .. }
        | Fact::Failed { .. } => Err(serde::ser::Error::custom("personal data must be sealed")),
    }
}

/// One event's place in its stream.
struct Page<'a> {
    sealer: &'a dyn Sealer,
    stream: &'a str,
    at: Timestamp,
}

impl Page<'_> {
    async fn seal(&self, key: &Key, event_type: &str, field: &str, plain: &[u8]) -> Result<Sealed, Fault> {
        let spot = Spot {
            stream: self.stream,
            event_type,
            field,
        };
        self.sealer.seal(key, spot, plain).await
    }

    /// IP and user agent, under the owner's key of the month.
    async fn origin(&self, owner: Key, event_type: &str, place: Place) -> Result<Option<Sealed>, Fault> {
        let key = Key::Month(Box::new(owner), self.at);
        let origin = json!({"ip": network(place.network), "user_agent": browser(place.browser)}).to_string();
        Ok(Some(self.seal(&key, event_type, "origin", origin.as_bytes()).await?))
    }

    async fn password(&self, key: Uuid, event_type: &str) -> Result<Sealed, Fault> {
        let hash = self.sealer.password_hash().as_bytes();
        self.seal(&Key::Password(key), event_type, "password", hash).await
    }

    async fn name(&self, user: (UserId, u32), event_type: &str) -> Result<Option<Sealed>, Fault> {
        Ok(match name(user.1) {
            Some(name) => Some(
                self.seal(&Key::User(user.0), event_type, "name", name.as_bytes())
                    .await?,
            ),
            None => None,
        })
    }

    async fn requested(
        &self,
        user: (UserId, u32),
        password: Uuid,
        place: Place,
        claim: ClaimId,
    ) -> Result<SignUpEvent, Fault> {
        const TYPE: &str = "signup.requested";
        let key = Key::User(user.0);
        Ok(SignUpEvent::Requested {
            user_id: user.0,
            email: self.seal(&key, TYPE, "email", address(user.1).as_bytes()).await?,
            claim,
            name: self.name(user, TYPE).await?,
            password: self.password(password, TYPE).await?,
            verify: false,
            until: None,
            origin: self.origin(key, TYPE, place).await?,
            at: self.at,
        })
    }

    async fn registered(&self, user: (UserId, u32), password: Uuid, claim: ClaimId) -> Result<UserEvent, Fault> {
        const TYPE: &str = "user.registered";
        Ok(UserEvent::Registered {
            email: self
                .seal(&Key::User(user.0), TYPE, "email", address(user.1).as_bytes())
                .await?,
            claim,
            email_verified: false,
            password: Some(self.password(password, TYPE).await?),
            at: self.at,
        })
    }

    async fn named(&self, user: (UserId, u32)) -> Result<UserEvent, Fault> {
        Ok(UserEvent::ProfileChanged {
            name: self.name(user, "user.profile_changed").await?,
            at: self.at,
        })
    }

    async fn password_changed(&self, password: Uuid, epoch: u32) -> Result<UserEvent, Fault> {
        Ok(UserEvent::PasswordChanged {
            password: self.password(password, "user.password_changed").await?,
            epoch,
            cause: PasswordCause::Changed,
            at: self.at,
        })
    }

    async fn failed(&self, fact: &Fact, stream_id: &str) -> Result<LoginAttemptsEvent, Fault> {
        const TYPE: &str = "login.failed";
        let Fact::Failed {
            user,
            number,
            reason,
            place,
        } = *fact
        else {
            return Err(Fault::plain("another event than login.failed"));
        };
        let (key, address) = match user {
            Some(user) => (Key::User(user), address(number)),
            None => (Key::Attempts(ClaimId(stream_id.into())), stranger(number)),
        };
        Ok(LoginAttemptsEvent::Failed {
            user_id: user,
            email: self.seal(&key, TYPE, "email", address.as_bytes()).await?,
            reason,
            provider: None,
            origin: self.origin(key, TYPE, place).await?,
            ip_bucket: Some(self.sealer.ip_bucket(network(place.network))),
            at: self.at,
        })
    }

    async fn started(&self, fact: &Fact) -> Result<SessionEvent, Fault> {
        let Fact::Started {
            user,
            epoch,
            secret,
            remember,
            idle_until,
            absolute_until,
            idle_ms,
            place,
        } = *fact
        else {
            return Err(Fault::plain("another event than session.started"));
        };
        Ok(SessionEvent::Started {
            user_id: user,
            epoch,
            secret,
            method: Method::Password,
            remember,
            new_device: false,
            idle_until,
            absolute_until,
            idle_ms,
            origin: self.origin(Key::User(user), "session.started", place).await?,
            ip_bucket: Some(self.sealer.ip_bucket(network(place.network))),
            at: self.at,
        })
    }
}
