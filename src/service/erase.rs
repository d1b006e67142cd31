//! The end of an account.
//!
//! `user.erased` comes first: from then on nobody is let in. What follows can be repeated, and is finished by
//! [`super::process`] after a crash: the user is noted in the list that outlives the databases, its claims are released,
//! its letters deleted and its keys destroyed. Only then is the erasure answered.

use std::{collections::HashSet, time::Duration};

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand, ClaimEvent},
    email::EmailAddress,
    event::Event,
    id::UserId,
    seal::{ClaimId, Sealed},
    time::Timestamp,
    user::{self, User, UserCommand, UserEvent},
};
use doorbook_openapi::app::{LiveSession, Origin, Refusal};
use doorbook_projections::{
    engine::Engine,
    fault::Fault,
    keyring::{Keyring as _, Place},
    signups,
};

use super::{
    Service,
    admins::{self, Leave},
    erasures::{Erased, Erasures},
    unexpected,
};
use crate::{
    clock::Clock,
    ids,
    keys::{KeyName, Keyring},
    mail::Post,
    store::{CommandMetadata, Failure, Store},
};

/// Attempts at one address that are looked at: far more than sign-up lets through.
const ATTEMPTS: u32 = 10_000;
/// How long to wait for the read model of the attempts.
const PATIENCE: Duration = Duration::from_secs(5);

/// What erasing works with.
pub(crate) struct Erasure<'a> {
    pub(crate) store: &'a Store,
    pub(crate) keyring: &'a Keyring,
    pub(crate) engine: &'a Engine,
    pub(crate) clock: &'a Clock,
    pub(crate) list: &'a Erasures,
    pub(crate) post: &'a Post,
}

/// What a user's stream says about what there is to erase.
#[derive(Default)]
struct Traces {
    erased_at: Timestamp,
    /// Number of the last event.
    sequence: u64,
    /// Addresses, as they stand in their events.
    addresses: Vec<(Box<str>, Sealed)>,
    /// Claims that it needed at some time. Not all of them need have become its own.
    claims: Vec<ClaimId>,
    passwords: Vec<KeyName>,
}

impl Service {
    pub(super) async fn do_erase_me(self, session: LiveSession, origin: Origin) -> Result<(), Refusal> {
        self.must_be_proven(&session)?;
        let user = self.user_of(&session).await?;
        self.must_be_of_epoch(&session, user.epoch()).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let leave = admins::leave(&self.store, &self.keyring, &self.engine, session.user, None).await?;
        let Leave::Granted(alone) = leave else {
            return Err(Refusal::LastAdmin);
        };
        let erase = UserCommand::Erase(user::Erase { at: self.clock.now() });
        self.command_user(session.user, erase, &metadata)
            .await
            .map_err(unexpected)?;
        drop(alone);
        Ok(self.erasure().finish(session.user, &metadata).await?)
    }

    pub(super) fn erasure(&self) -> Erasure<'_> {
        Erasure {
            store: &self.store,
            keyring: &self.keyring,
            engine: &self.engine,
            clock: &self.clock,
            list: &self.rules.erasures,
            post: &self.post,
        }
    }
}

impl Erasure<'_> {
    /// Does what is left to do about a user whose erasure stands in the log. Again changes nothing.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it is not certain that everything was done; repeat it.
    pub(crate) async fn finish(&self, user: UserId, metadata: &CommandMetadata) -> Result<(), Fault> {
        let traces = self.traces(user).await?;
        self.attempts_known(user, &traces).await?;
        let mut erased = Erased {
            user,
            claims: Vec::new(),
            keys: Vec::new(),
        };
        let mut keys = vec![KeyName::user(user)];
        keys.extend(traces.passwords.iter().cloned());
        for claim in &traces.claims {
            self.release(claim, user, metadata).await?;
            if let Some(events) = self.held(claim, user).await? {
                keys.extend(self.keys_at(claim, events, &traces).await?);
                erased.claims.push(claim.clone());
            }
        }
        erased.keys = keys.iter().map(|key| key.as_str().to_owned()).collect();
        self.list.note(&erased).await?;
        let addresses = self.addresses(user, &traces).await?;
        self.forget_letters(&addresses).await?;
        self.keyring.destroy_all(&keys).await?;
        // One that was being written meanwhile.
        self.forget_letters(&addresses).await
    }

    async fn traces(&self, user: UserId) -> Result<Traces, Fault> {
        let mut traces = Traces::default();
        let mut seen = HashSet::new();
        for recorded in self.store.log().stream("user", &user.to_string(), 0).await? {
            traces.sequence = recorded.sequence;
            let unreadable = Fault::because("an event of an erased user cannot be read");
            let Event::User(event) = recorded.event().map_err(unreadable)? else {
                continue;
            };
            if let UserEvent::Erased { at, .. } = event {
                traces.erased_at = at;
            }
            if let UserEvent::Registered { email, .. }
            | UserEvent::EmailChangeRequested { email, .. }
            | UserEvent::EmailChanged { email, .. } = &event
            {
                traces.addresses.push((recorded.event_type.clone(), email.clone()));
            }
            if let UserEvent::Registered { claim, .. }
            | UserEvent::EmailChangeRequested { claim, .. }
            | UserEvent::EmailChanged { claim, .. }
            | UserEvent::SocialAccountLinked { claim, .. } = &event
                && seen.insert(claim.clone())
            {
                traces.claims.push(claim.clone());
            }
            if let UserEvent::Registered {
                password: Some(password),
                ..
            }
            | UserEvent::PasswordChanged { password, .. }
            | UserEvent::PasswordUpgraded { password, .. } = &event
            {
                traces.passwords.push(KeyName::parse(password.key())?);
            }
        }
        Ok(traces)
    }

    /// Gives the claim up, if it is this user's.
    async fn release(&self, claim: &ClaimId, user_id: UserId, metadata: &CommandMetadata) -> Result<(), Fault> {
        let at = self.clock.now();
        let release = ClaimCommand::Release(claim::Release { user_id, at });
        let metadata = CommandMetadata {
            command_id: ids::uuid_v7(at),
            causation: Some(metadata.command_id.to_string()),
            at,
            ..metadata.clone()
        };
        match self
            .store
            .execute::<Claim>(&claim.to_string(), release, &metadata)
            .await
        {
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Conflict) => Err(Fault::plain("a claim was changed by others again and again")),
            Err(Failure::Broken(fault)) => Err(fault),
        }
    }

    /// How many events the claim's stream had when this user gave it up for good; `None` if it never was its own.
    async fn held(&self, claim: &ClaimId, user: UserId) -> Result<Option<u64>, Fault> {
        let mut held = None;
        for recorded in self.store.log().stream("claim", &claim.to_string(), 0).await? {
            let unreadable = Fault::because("an event of a claim cannot be read");
            if let Event::Claim(ClaimEvent::Taken { user_id, .. } | ClaimEvent::Released { user_id, .. }) =
                recorded.event().map_err(unreadable)?
                && user_id == user
            {
                held = Some(recorded.sequence);
            }
        }
        Ok(held)
    }

    /// Keys of what others left at an address before its owner was erased: failed logins while it was nobody's, and
    /// attempts to sign up with it.
    async fn keys_at(&self, claim: &ClaimId, events: u64, traces: &Traces) -> Result<Vec<KeyName>, Fault> {
        if !claim.0.starts_with("email-") {
            return Ok(Vec::new());
        }
        let mut keys: Vec<KeyName> = (0..events).map(|events| KeyName::attempts(claim, events)).collect();
        for attempt in signups::at_claim(&self.engine.reads(), claim, ATTEMPTS).await? {
            if attempt.requested_at <= traces.erased_at && !self.became_somebody(attempt.user_id).await? {
                keys.push(KeyName::user(attempt.user_id));
                keys.push(KeyName::parse(&attempt.password_key)?);
            }
        }
        Ok(keys)
    }

    /// Whether an attempt became a user that lives, under another address by now.
    async fn became_somebody(&self, id: UserId) -> Result<bool, Fault> {
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let Some(claim) = user.claim().filter(|_| !user.is_erased()) else {
            return Ok(false);
        };
        let claim = self.store.load::<Claim>(&claim.to_string()).await?.aggregate;
        Ok(claim.owner() == Some(id))
    }

    /// Waits until the attempts that were made before the erasure can be found.
    async fn attempts_known(&self, user: UserId, traces: &Traces) -> Result<(), Fault> {
        let erased = self
            .store
            .position_of("user", &user.to_string(), traces.sequence)
            .await?;
        if self.engine.wait_for(signups::NAME, erased, PATIENCE).await? {
            return Ok(());
        }
        Err(Fault::plain(
            "the read model of sign-ups is behind: what there is to erase is not known",
        ))
    }

    /// The addresses that can still be read.
    async fn addresses(&self, user: UserId, traces: &Traces) -> Result<Vec<EmailAddress>, Fault> {
        let stream = format!("user-{user}");
        let mut addresses = Vec::new();
        for (event_type, sealed) in &traces.addresses {
            let place = Place {
                stream: &stream,
                event_type,
                field: "email",
            };
            let text = self.keyring.open(sealed, &place).await?.into_text()?;
            addresses.extend(text.and_then(|text| EmailAddress::parse(&text).ok()));
        }
        Ok(addresses)
    }

    /// Deletes the messages that are kept in files.
    async fn forget_letters(&self, addresses: &[EmailAddress]) -> Result<(), Fault> {
        for address in addresses {
            self.post.forget(address).await?;
        }
        Ok(())
    }
}
