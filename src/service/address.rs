//! Moving to another address: asked for, proven by a mailed link, and only then done.
//!
//! `user.email_change_confirmed` uses the link up. Then the claim of the new address is taken, `user.email_changed` moves
//! the user, and the old claim is given up. Each step is harmless when repeated, and [`super::process`] finishes what a
//! crash interrupted.

use std::time::Duration;

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    email::EmailAddress,
    event::Event,
    id::{RequestId, UserId},
    seal::{ClaimId, Sealed},
    user::{self, EmailChange, User, UserCommand, UserEvent},
};
use doorbook_openapi::app::{LiveSession, Origin, Refusal};
use doorbook_projections::{fault::Fault, keyring::Place};

use super::{Service, unexpected};
use crate::{
    ids,
    keys::KeyName,
    store::{CommandMetadata, Failure},
};

/// How long the link to the new address lives.
const CONFIRM_WITHIN: Duration = Duration::from_hours(24);
const REQUESTED: &str = "user.email_change_requested";
const CHANGED: &str = "user.email_changed";

impl Service {
    /// Asks for another address. Nobody looks whether it is taken before the letter is written: the answer cannot tell.
    pub(super) async fn do_change_email(
        self,
        session: LiveSession,
        email: String,
        origin: Origin,
    ) -> Result<(), Refusal> {
        self.must_be_proven(&session)?;
        let email = EmailAddress::parse(&email).map_err(|error| Refusal::Invalid(vec![error.into()]))?;
        let claim = self.keyring.claim("email", email.canonical());
        self.throttle.mail(&claim, origin.ip).await?;
        self.throttle.change(session.user).await?;
        let sealed = self.seal_address(session.user, REQUESTED, email.as_typed()).await?;
        // The counters may have been waited for: the session is looked at after them.
        let user = self.owner_of_live(&session).await?;
        let at = self.clock.now();
        let request = UserCommand::RequestEmailChange(user::RequestEmailChange {
            request: RequestId(ids::uuid_v7(at)),
            email: sealed,
            claim,
            until: at.plus(CONFIRM_WITHIN),
            epoch: user.epoch(),
            at,
        });
        let metadata = self.metadata(&origin, Some(session.user));
        match self.command_user(session.user, request, &metadata).await {
            Ok(_) => Ok(()),
            Err(Failure::Refused(_)) => Err(Refusal::NotSignedIn),
            Err(failure) => Err(unexpected(failure)),
        }
    }

    async fn seal_address(&self, id: UserId, event_type: &str, email: &str) -> Result<Sealed, Fault> {
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type,
            field: "email",
        };
        self.seals.text(&KeyName::user(id), &place, email).await
    }

    /// Follows the link to the new address: once.
    pub(super) async fn verify_email_change(
        &self,
        id: UserId,
        request: RequestId,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let at = self.clock.now();
        let confirm = UserCommand::ConfirmEmailChange(user::ConfirmEmailChange { request, at });
        let metadata = self.metadata(origin, Some(id));
        match self.command_user(id, confirm, &metadata).await {
            Ok(_) => {}
            Err(Failure::Refused(_)) => return Err(Refusal::LinkDead),
            Err(failure) => return Err(unexpected(failure)),
        }
        if self.finish_email_change(id, request, &metadata).await? {
            Ok(())
        } else {
            Err(Refusal::LinkDead)
        }
    }

    /// Moves the user to the address whose link was followed, or refuses the change when the address is another's. Tells
    /// whether the user has moved. Repeating it changes nothing.
    pub(super) async fn finish_email_change(
        &self,
        id: UserId,
        request: RequestId,
        metadata: &CommandMetadata,
    ) -> Result<bool, Refusal> {
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let confirmed = |change: &&EmailChange| change.request == request && change.confirmed;
        let moved = match user.email_change().filter(confirmed) {
            Some(change) => self.move_to(id, change, metadata).await?,
            None => false,
        };
        self.give_up_other_claims(id, metadata).await?;
        Ok(moved)
    }

    async fn move_to(&self, id: UserId, change: &EmailChange, metadata: &CommandMetadata) -> Result<bool, Refusal> {
        let (request, at) = (change.request, self.clock.now());
        let take = ClaimCommand::Take(claim::Take { user_id: id, at });
        match self
            .store
            .execute::<Claim>(&change.claim.to_string(), take, metadata)
            .await
        {
            Ok(_) => {}
            Err(Failure::Refused(_)) => {
                let refuse = UserCommand::RefuseEmailChange(user::RefuseEmailChange { request, at });
                self.command_user(id, refuse, metadata).await.map_err(unexpected)?;
                return Ok(false);
            }
            Err(failure) => return Err(unexpected(failure)),
        }
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type: REQUESTED,
            field: "email",
        };
        let Some(email) = self.seals.open(&change.email, &place).await? else {
            return Ok(false);
        };
        let complete = UserCommand::CompleteEmailChange(user::CompleteEmailChange {
            request,
            email: self.seal_address(id, CHANGED, &email).await?,
            at,
        });
        match self.command_user(id, complete, metadata).await {
            // Superseded by a deactivation, another password or the end of all sessions, it changes nothing.
            Ok(committed) => Ok(committed.aggregate.claim() == Some(&change.claim)),
            // Erased meanwhile.
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(unexpected(failure)),
        }
    }

    /// Gives up every address that the user had, or was about to have, and does not have.
    pub(super) async fn give_up_other_claims(&self, id: UserId, metadata: &CommandMetadata) -> Result<(), Refusal> {
        // The history is read before the state: a claim that is taken after it is not among these.
        let had = self.claims_until_now(id).await?;
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let coming = user.email_change().filter(|change| change.confirmed);
        for claim in had {
            let kept = user.claim() == Some(&claim) || coming.is_some_and(|change| change.claim == claim);
            if !kept {
                self.give_up(id, &claim, metadata).await?;
            }
        }
        Ok(())
    }

    async fn give_up(&self, id: UserId, claim: &ClaimId, metadata: &CommandMetadata) -> Result<(), Refusal> {
        let at = self.clock.now();
        let release = ClaimCommand::Release(claim::Release { user_id: id, at });
        match self.store.execute::<Claim>(&claim.to_string(), release, metadata).await {
            Ok(_) => {}
            // It is another's by now.
            Err(Failure::Refused(_)) => return Ok(()),
            Err(failure) => return Err(unexpected(failure)),
        }
        // The user may have come back to the address in this very moment.
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        if user.claim() == Some(claim) && !user.is_erased() {
            let take = ClaimCommand::Take(claim::Take { user_id: id, at });
            let taken = self.store.execute::<Claim>(&claim.to_string(), take, metadata).await;
            taken.map_err(unexpected)?;
        }
        Ok(())
    }

    /// The claims on addresses that the user had, or whose link it followed.
    async fn claims_until_now(&self, id: UserId) -> Result<Vec<ClaimId>, Fault> {
        let history = self.store.log().stream("user", &id.to_string(), 0).await?;
        let (mut had, mut asked) = (Vec::new(), Vec::new());
        for recorded in history {
            match recorded.event() {
                Ok(Event::User(UserEvent::Registered { claim, .. } | UserEvent::EmailChanged { claim, .. })) => {
                    had.push(claim);
                }
                Ok(Event::User(UserEvent::EmailChangeRequested { request, claim, .. })) => asked.push((request, claim)),
                Ok(Event::User(UserEvent::EmailChangeConfirmed { request, .. })) => {
                    let confirmed = asked.iter().find(|(asked, _)| *asked == request);
                    had.extend(confirmed.map(|(_, claim)| claim.clone()));
                }
                _ => {}
            }
        }
        had.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        had.dedup();
        Ok(had)
    }
}
