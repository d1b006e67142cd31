//! Setting a password by a mailed link.

use std::time::Duration;

use doorbook_domain::{
    attempts::{self, LinkPurpose, LoginAttempts, LoginAttemptsCommand},
    claim::Claim,
    email::EmailAddress,
    id::{RequestId, UserId},
    seal::{ClaimId, Sealed},
    user::{self, User, UserCommand},
};
use doorbook_openapi::app::{Origin, Refusal, Secret};
use doorbook_projections::{fault::Fault, keyring::Place};
use uuid::Uuid;

use super::{Service, links::Link, seals::Owner, unexpected};
use crate::{
    ids,
    keys::KeyName,
    store::{CommandMetadata, Failure},
};

/// How long such a link lives (ASVS 6.4.1 asks for short; OWASP: single use and soon dead).
const RESET_WITHIN: Duration = Duration::from_mins(30);
const REQUESTED: &str = "user.password_reset_requested";
const CHANGED: &str = "user.password_changed";

impl Service {
    /// Asks for a link. A known, an unknown, an inactive and a passwordless account cost the same: two loads and one
    /// append, and the letter is written by the outbox (ASVS 6.3.8).
    pub(super) async fn do_request_password_reset(self, email: String, origin: Origin) -> Result<(), Refusal> {
        let claim = self.claim_of(&email)?;
        self.throttle.mail(&claim, origin.ip).await?;
        let (owner, user) = self.owner_of(&claim).await?;
        let asked = match owner.filter(|_| user.is_active()) {
            Some(id) => self.request_reset(id, &origin).await?,
            None => false,
        };
        if asked {
            return Ok(());
        }
        self.refuse_link(&claim, LinkPurpose::PasswordReset, &origin).await
    }

    async fn request_reset(&self, id: UserId, origin: &Origin) -> Result<bool, Refusal> {
        let stream = format!("user-{id}");
        let at = self.clock.now();
        let sealed = self
            .seals
            .origin(&Owner::User(id), &stream, REQUESTED, origin, at)
            .await?;
        self.mail_reset(id, sealed, &self.metadata(origin, None)).await
    }

    /// Asks for a letter with a link to set a password by. `false` when none goes out: after several that nobody followed,
    /// the last has to do as long as it lives; or the user was deactivated or erased meanwhile, which nobody is to learn.
    pub(super) async fn mail_reset(
        &self,
        id: UserId,
        origin: Option<Sealed>,
        metadata: &CommandMetadata,
    ) -> Result<bool, Refusal> {
        let at = self.clock.now();
        let request = UserCommand::RequestPasswordReset(user::RequestPasswordReset {
            request: RequestId(ids::uuid_v7(at)),
            until: at.plus(RESET_WITHIN),
            origin,
            at,
        });
        match self.command_user(id, request, metadata).await {
            Ok(committed) => Ok(!committed.events.is_empty()),
            Err(Failure::Refused(_)) => Ok(false),
            Err(failure) => Err(unexpected(failure)),
        }
    }

    /// Sets another password, and ends every session. The link is asked about before the password is hashed, and decided
    /// on with the append: of many redemptions at once one wins. A password that breaks a rule does not use it up.
    pub(super) async fn do_reset_password(self, token: Secret, new: Secret, origin: Origin) -> Result<(), Refusal> {
        self.throttle.redemption(&token.0, origin.ip).await?;
        let Some(Link::PasswordReset(id, request)) = self.links.read(&token.0) else {
            return Err(Refusal::LinkDead);
        };
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let now = self.clock.now();
        let alive = |reset: &user::PasswordReset| reset.request == request && now < reset.until;
        if !user.is_active() || !user.reset().is_some_and(alive) {
            return Err(Refusal::LinkDead);
        }
        self.throttle.judging(origin.ip).await?;
        self.must_be_a_good_password(id, &user, &new).await?;
        let hash = self.hasher.asked_by(origin.ip).hash(new.0.as_bytes()).await?;
        let password = self.seals.password(id, CHANGED, ids::uuid_v4(), &hash).await?;
        let key = KeyName::parse(password.key())?;
        let reset = UserCommand::ResetPassword(user::ResetPassword {
            request,
            password,
            at: self.clock.now(),
        });
        match self.command_user(id, reset, &self.metadata(&origin, Some(id))).await {
            Ok(_) => {
                // Who holds the mailbox is no guesser.
                if let Some(claim) = user.claim() {
                    self.throttle.forgive(claim).await;
                }
                Ok(())
            }
            Err(Failure::Refused(_)) => {
                self.keyring.destroy(&key).await?;
                Err(Refusal::LinkDead)
            }
            Err(failure) => Err(unexpected(failure)),
        }
    }

    async fn must_be_a_good_password(&self, id: UserId, user: &User, new: &Secret) -> Result<(), Refusal> {
        let email = self.address_of(id, user).await?;
        let name = self.name_of(id, user).await?;
        let words = [email.as_deref(), name.as_deref()];
        let wrong = self.broken_rules("new_password", new, words).await?;
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(wrong))
        }
    }

    /// The user's address as it was typed; `None` when it was erased.
    pub(super) async fn address_of(&self, id: UserId, user: &User) -> Result<Option<String>, Fault> {
        let (Some(sealed), Some(event_type)) = (user.email(), user.email_event()) else {
            return Ok(None);
        };
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type,
            field: "email",
        };
        self.seals.open(sealed, &place).await
    }

    /// The user's name; `None` without one, or when it was erased.
    pub(super) async fn name_of(&self, id: UserId, user: &User) -> Result<Option<String>, Fault> {
        let Some(sealed) = user.name() else { return Ok(None) };
        let stream = format!("user-{id}");
        let place = Place {
            stream: &stream,
            event_type: "user.profile_changed",
            field: "name",
        };
        self.seals.open(sealed, &place).await
    }

    /// The claim on an address. What is no address says nothing of an account, and is told.
    pub(super) fn claim_of(&self, email: &str) -> Result<ClaimId, Refusal> {
        let email = EmailAddress::parse(email).map_err(|error| Refusal::Invalid(vec![error.into()]))?;
        Ok(self.keyring.claim("email", email.canonical()))
    }

    /// Who has an address. Two loads, whether or not somebody has it.
    pub(super) async fn owner_of(&self, claim: &ClaimId) -> Result<(Option<UserId>, User), Fault> {
        let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
        // Nobody is the user with the nil id: its stream is as empty as the answer, and costs as much to look up.
        let id = owner.unwrap_or(UserId(Uuid::nil()));
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        // Between moving to another address and giving the old one up, a claim names a user that has left it.
        let owner = owner.filter(|_| user.claim() == Some(claim));
        Ok((owner, user))
    }

    /// Records that a link was asked for where there is none to send.
    pub(super) async fn refuse_link(
        &self,
        claim: &ClaimId,
        purpose: LinkPurpose,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let at = self.clock.now();
        let refuse = LoginAttemptsCommand::RefuseLink(attempts::RefuseLink { purpose, at });
        let metadata: CommandMetadata = self.metadata(origin, None);
        self.store
            .execute::<LoginAttempts>(&claim.to_string(), refuse, &metadata)
            .await
            .map_err(unexpected)?;
        Ok(())
    }
}
