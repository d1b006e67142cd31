//! Making, undoing and listing links.
//!
//! The event of a link comes first and the claim last: only what the claim names can be logged in with. Undoing goes the
//! same way, so a claim whose owner has no such link any more is a left-over, and is given up by whoever meets it.

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand, ClaimError},
    email::EmailAddress,
    id::{LinkId, UserId},
    name::DisplayName,
    seal::ClaimId,
    session::{Method, Session},
    time::Timestamp,
    user::{self, SocialAccount, User, UserCommand, UserError, UserEvent},
};
use doorbook_openapi::{
    app::{LiveSession, Opened, Origin, Refusal},
    social::{SocialAccountEntry, SocialRefusal},
};
use doorbook_projections::{fault::Fault, keyring::Place};

use super::{Proven, Service};
use crate::{
    ids,
    keys::KeyName,
    service::unexpected,
    store::{CommandMetadata, Failure},
};

const LINKED: &str = "social_account.linked";

/// What lets somebody link an account.
#[derive(Clone, Copy)]
pub(super) enum Right<'a> {
    /// A session of the user. It has to live at the very moment of the link: provider and hook may have been waited for.
    Session(&'a LiveSession),
    /// The provider vouches for the address of the user, who has this epoch.
    Address(u32),
}

impl Service {
    /// The user who can log in with the identity.
    pub(super) async fn owner(&self, proven: &Proven) -> Result<Option<(UserId, User)>, Refusal> {
        let claim = &proven.claim;
        let Some(id) = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner() else {
            return Ok(None);
        };
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        if user.social_accounts().iter().any(|account| account.claim == *claim) {
            return Ok(Some((id, user)));
        }
        let metadata = super::super::metadata_of("system", self.clock.now());
        self.release(id, claim, &metadata).await?;
        Ok(None)
    }

    /// The epoch that a link is decided at, and how the session that asks has shown whose it is.
    async fn shown(&self, right: Right<'_>) -> Result<(Option<u32>, Option<Method>), Refusal> {
        match right {
            Right::Session(session) => {
                let state = self.store.load::<Session>(&session.id.to_string()).await?.aggregate;
                let proof = state.login().map(|login| login.method.clone());
                Ok((Some(self.owner_of_live(session).await?.epoch()), proof))
            }
            Right::Address(epoch) => Ok((Some(epoch), None)),
        }
    }

    /// Lets the user log in with the identity. Repeating it changes nothing. [`Refusal::NotSignedIn`] when the sessions of
    /// the user were ended since the right was shown.
    pub(super) async fn link(
        &self,
        user: UserId,
        right: Right<'_>,
        proven: &Proven,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        match self.owner(proven).await? {
            Some((owner, _)) if owner != user => return Err(SocialRefusal::LinkedToAnother.into()),
            _ => {}
        }
        let metadata = self.metadata(origin, Some(user));
        let at = self.clock.now();
        let account = self.seal_account(user, proven).await?;
        let (epoch, proof) = self.shown(right).await?;
        let link = UserCommand::LinkSocialAccount(user::LinkSocialAccount {
            account,
            proof,
            epoch,
            at,
        });
        let linked = self
            .command_user(user, link, &metadata)
            .await
            .map_err(refused)?
            .aggregate;
        let mut accounts = linked.social_accounts().iter();
        let account = accounts.find(|account| account.claim == proven.claim);
        let account = account.ok_or(Refusal::NotSignedIn)?;
        let take = ClaimCommand::Take(claim::Take { user_id: user, at });
        match self
            .store
            .execute::<Claim>(&proven.claim.to_string(), take, &metadata)
            .await
        {
            Ok(_) => Ok(self.account_entry(user, account).await?),
            Err(Failure::Refused(ClaimError::TakenByAnother)) => {
                let link = account.link;
                let refuse = UserCommand::RefuseSocialAccount(user::RefuseSocialAccount { link, at });
                self.command_user(user, refuse, &metadata).await.map_err(unexpected)?;
                Err(SocialRefusal::LinkedToAnother.into())
            }
            Err(failure) => Err(unexpected(failure)),
        }
    }

    pub(super) async fn seal_account(&self, user: UserId, proven: &Proven) -> Result<SocialAccount, Fault> {
        let (stream, key) = (format!("user-{user}"), KeyName::user(user));
        let place = |field| Place {
            stream: &stream,
            event_type: LINKED,
            field,
        };
        let identity = &proven.identity;
        let label = identity.email.as_ref().map(EmailAddress::as_typed);
        let label = match label.or_else(|| identity.name.as_ref().map(DisplayName::as_str)) {
            Some(label) => Some(self.seals.text(&key, &place("label"), label).await?),
            None => None,
        };
        Ok(SocialAccount {
            link: LinkId(ids::uuid_v7(self.clock.now())),
            provider: proven.provider.as_str().into(),
            claim: proven.claim.clone(),
            subject: self.seals.text(&key, &place("subject"), &identity.subject).await?,
            label,
            by_password: false,
        })
    }

    pub(super) async fn do_unlink(self, session: LiveSession, link: LinkId, origin: Origin) -> Result<Opened, Refusal> {
        self.must_be_proven(&session)?;
        self.owner_of_live(&session).await?;
        let metadata = self.metadata(&origin, Some(session.user));
        let at = self.clock.now();
        let unlink = UserCommand::UnlinkSocialAccount(user::UnlinkSocialAccount { link, at });
        let committed = self
            .command_user(session.user, unlink, &metadata)
            .await
            .map_err(refused)?;
        for appended in committed.events {
            self.release_unlinked(session.user, &appended.event, &metadata).await?;
        }
        // Whoever came by it goes (ASVS 5.0, 7.4.3).
        self.do_revoke_others(session, origin).await
    }

    /// Gives the claim of a link up that an event undid.
    pub(super) async fn release_unlinked(
        &self,
        user: UserId,
        event: &UserEvent,
        metadata: &CommandMetadata,
    ) -> Result<(), Refusal> {
        if let UserEvent::SocialAccountUnlinked { claim, .. } = event {
            self.release(user, claim, metadata).await?;
        }
        Ok(())
    }

    /// Gives the claim of an account up that the user no longer has, unless it was linked anew.
    pub(in crate::service) async fn give_up_link(
        &self,
        user: UserId,
        claim: &ClaimId,
        metadata: &CommandMetadata,
    ) -> Result<(), Refusal> {
        let state = self.store.load::<User>(&user.to_string()).await?.aggregate;
        if state.social_accounts().iter().any(|account| account.claim == *claim) {
            return Ok(());
        }
        self.release(user, claim, metadata).await?;
        // It may have been linked anew in this very moment.
        let state = self.store.load::<User>(&user.to_string()).await?.aggregate;
        if state.social_accounts().iter().any(|account| account.claim == *claim) {
            let take = ClaimCommand::Take(claim::Take {
                user_id: user,
                at: self.clock.now(),
            });
            let taken = self.store.execute::<Claim>(&claim.to_string(), take, metadata).await;
            taken.map_err(unexpected)?;
        }
        Ok(())
    }

    async fn release(&self, user_id: UserId, claim: &ClaimId, metadata: &CommandMetadata) -> Result<(), Refusal> {
        let at = self.clock.now();
        let release = ClaimCommand::Release(claim::Release { user_id, at });
        match self.store.execute::<Claim>(&claim.to_string(), release, metadata).await {
            // Another user has taken it already.
            Ok(_) | Err(Failure::Refused(ClaimError::TakenByAnother)) => Ok(()),
            Err(failure) => Err(unexpected(failure)),
        }
    }

    pub(in crate::service) async fn list_social_accounts(
        &self,
        user: UserId,
    ) -> Result<Vec<SocialAccountEntry>, Refusal> {
        let state = self.store.load::<User>(&user.to_string()).await?.aggregate;
        let mut entries = Vec::with_capacity(state.social_accounts().len());
        for account in state.social_accounts() {
            entries.push(self.account_entry(user, account).await?);
        }
        Ok(entries)
    }

    async fn account_entry(&self, user: UserId, account: &SocialAccount) -> Result<SocialAccountEntry, Fault> {
        let stream = format!("user-{user}");
        let place = Place {
            stream: &stream,
            event_type: LINKED,
            field: "label",
        };
        let label = match &account.label {
            Some(label) => self.seals.open(label, &place).await?,
            None => None,
        };
        Ok(SocialAccountEntry {
            id: account.link,
            provider: self.entry_of(&account.provider),
            label,
            linked_at: made_at(account.link),
        })
    }
}

/// A link's id says when it was made (UUID v7, in milliseconds).
fn made_at(link: LinkId) -> Timestamp {
    let (millis, _) = link.0.as_u64_pair();
    Timestamp::from_micros(i64::try_from((millis >> 16) * 1000).unwrap_or_default())
}

fn refused(failure: Failure<UserError>) -> Refusal {
    match failure {
        Failure::Refused(UserError::NotLinked) => Refusal::NotFound,
        Failure::Refused(UserError::LastWayIn) => SocialRefusal::LastWayIn.into(),
        Failure::Refused(UserError::Inactive) => SocialRefusal::AccountInactive.into(),
        Failure::Refused(UserError::NotRegistered | UserError::SessionEnded) => Refusal::NotSignedIn,
        failure @ (Failure::Refused(
            UserError::AlreadyRegistered
            | UserError::PasswordReplaced
            | UserError::LinkDead
            | UserError::EpochExhausted,
        )
        | Failure::Conflict
        | Failure::Broken(_)) => unexpected(failure),
    }
}
