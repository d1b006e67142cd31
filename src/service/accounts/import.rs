//! Users of another system, many at once. The domain decides as ever; what it decided for a batch is appended in one
//! transaction, each user before the claim that makes it reachable.

use std::collections::BTreeSet;

use cqrs_es::{Aggregate, DomainEvent};
use doorbook_domain::{
    claim::{self, Claim, ClaimEvent},
    decide::Decide,
    email::EmailAddress,
    name::DisplayName,
    role::Roles,
    time::Timestamp,
    user::{self, User, UserCommand, UserEvent},
};
use doorbook_openapi::app::Secret;
use doorbook_projections::fault::Fault;
use serde::Serialize;

use super::{AccountError, Accounts, entry::Entry};
use crate::{
    hashing::recognise,
    keys::KeyName,
    store::{Loaded, NewEvent},
};

/// A user as another system knew it.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// As typed there.
    pub email: String,
    /// As typed there.
    pub name: Option<String>,
    /// The hash of its password; without one it needs a reset.
    pub password_hash: Option<Secret>,
    /// What it may do.
    pub roles: Roles,
    /// Whether it may log in.
    pub active: bool,
    /// Whether the address was proven there.
    pub email_verified: bool,
    /// When it registered there; now where that is not known.
    pub created_at: Option<Timestamp>,
}

/// What became of a newcomer.
#[derive(Debug)]
pub enum Outcome {
    /// It is a user now; or would be.
    Created,
    /// The address has a user, which stays as it is.
    Exists,
    /// It cannot be one.
    Refused(AccountError),
}

/// A newcomer that can be taken in.
struct Admitted {
    /// Its place in the batch.
    index: usize,
    entry: Entry,
    /// The claim of its address, as the log had it: one that was given back has a history.
    claim: Loaded<Claim>,
    roles: Roles,
    active: bool,
}

impl Accounts {
    /// Takes newcomers in, and says in their order what became of each. With `dry` nothing is written. Beside others who
    /// write; repeating it changes nothing.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the log or the keys fail. Of the batch, some may have been taken in: repeat it.
    pub async fn import(&self, newcomers: Vec<Newcomer>, dry: bool) -> Result<Vec<Outcome>, Fault> {
        let mut outcomes = Vec::with_capacity(newcomers.len());
        let (mut admitted, mut claims) = (Vec::new(), BTreeSet::new());
        for (index, newcomer) in newcomers.into_iter().enumerate() {
            outcomes.push(match self.admit(index, newcomer) {
                Ok(found) => {
                    let claim = self.claim(&found.entry).await?;
                    if claim.aggregate.owner().is_some() || !claims.insert(found.entry.claim.to_string()) {
                        Outcome::Exists
                    } else {
                        admitted.push(Admitted { claim, ..found });
                        Outcome::Created
                    }
                }
                Err(error) => Outcome::Refused(error),
            });
        }
        if dry || admitted.is_empty() {
            return Ok(outcomes);
        }
        for lost in self.append(&admitted).await? {
            if let Some(outcome) = outcomes.get_mut(lost) {
                *outcome = Outcome::Exists;
            }
        }
        Ok(outcomes)
    }

    fn admit(&self, index: usize, newcomer: Newcomer) -> Result<Admitted, AccountError> {
        let email = EmailAddress::parse(&newcomer.email)?;
        let name = newcomer.name.as_deref().map(DisplayName::parse).transpose()?;
        let hash = newcomer.password_hash.map(|Secret(hash)| hash);
        if let Some(hash) = &hash {
            recognise(hash)?;
        }
        let now = self.clock.now();
        if newcomer.created_at.is_some_and(|at| at > now) {
            return Err(AccountError::Future);
        }
        let entry = Entry {
            email_verified: newcomer.email_verified,
            at: newcomer.created_at.unwrap_or(now),
            ..Entry::new(&self.keyring, email, name, hash, now)
        };
        Ok(Admitted {
            index,
            entry,
            claim: Loaded {
                aggregate: Claim::default(),
                sequence: 0,
            },
            roles: newcomer.roles,
            active: newcomer.active,
        })
    }

    async fn claim(&self, entry: &Entry) -> Result<Loaded<Claim>, Fault> {
        self.store.load(&entry.claim.to_string()).await
    }

    /// Keys first, then events. Returns the places of those whose address somebody else took meanwhile.
    async fn append(&self, admitted: &[Admitted]) -> Result<Vec<usize>, Fault> {
        let keys: Vec<KeyName> = admitted.iter().flat_map(|found| found.entry.keys()).collect();
        self.keyring.create_all(&keys).await?;
        let mut pages = Vec::with_capacity(admitted.len());
        for found in admitted {
            pages.push(self.events(found).await?);
        }
        if self.store.import(&pages.concat()).await.is_ok() {
            return Ok(Vec::new());
        }
        // Nothing of the batch was appended. Somebody may have signed up meanwhile: one by one, only that one is lost.
        let mut lost = Vec::new();
        for (found, events) in admitted.iter().zip(&pages) {
            if let Err(fault) = self.store.import(events).await {
                if self.claim(&found.entry).await?.aggregate.owner().is_none() {
                    return Err(fault);
                }
                self.keyring.destroy_all(&found.entry.keys()).await?;
                lost.push(found.index);
            }
        }
        Ok(lost)
    }

    /// What the domain decides for one newcomer.
    async fn events(&self, found: &Admitted) -> Result<Vec<NewEvent>, Fault> {
        let now = self.clock.now();
        let register = found.entry.seal(&self.keyring).await?;
        let mut commands = vec![UserCommand::Register(register)];
        let grants = found.roles.iter().map(|role| user::GrantRole { role, at: now }.into());
        commands.extend(grants);
        if !found.active {
            commands.push(user::Deactivate { at: now }.into());
        }
        let mut user = User::default();
        let mut decided: Vec<UserEvent> = Vec::new();
        for command in commands {
            let events = user
                .decide(command)
                .map_err(Fault::because("a rule refused an import"))?;
            for event in events {
                user.apply(event.clone());
                decided.push(event);
            }
        }
        let take = claim::Take {
            user_id: found.entry.id,
            at: now,
        };
        let claimed: Vec<ClaimEvent> = found
            .claim
            .aggregate
            .decide(take.into())
            .map_err(Fault::because("a rule refused an import"))?;
        let mut events = self.written("user", &found.entry.id.to_string(), 0, &decided)?;
        events.extend(self.written("claim", &found.entry.claim.to_string(), found.claim.sequence, &claimed)?);
        Ok(events)
    }

    /// Events of one command, behind the `after` that the stream has.
    fn written<E: DomainEvent + Serialize>(
        &self,
        aggregate: &str,
        stream_id: &str,
        after: u64,
        events: &[E],
    ) -> Result<Vec<NewEvent>, Fault> {
        let metadata = self.metadata();
        let because = "an event has no JSON";
        let text = serde_json::to_string(&metadata.to_map()).map_err(Fault::because(because))?;
        let numbered = events.iter().zip(after + 1..);
        let event = |(event, sequence): (&E, u64)| {
            Ok(NewEvent {
                aggregate: aggregate.into(),
                stream_id: stream_id.into(),
                sequence,
                event_type: event.event_type().into(),
                version: event.event_version().into(),
                payload: serde_json::to_string(event).map_err(Fault::because(because))?.into(),
                metadata: text.as_str().into(),
                recorded_at: metadata.at,
            })
        };
        numbered.map(event).collect()
    }
}
