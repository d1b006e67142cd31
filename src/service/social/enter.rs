//! Coming in: an old user, a new one, or the owner of an address that somebody else had prepared.

use doorbook_domain::{
    admission::{Admission, AdmissionError, Arrival, Holder, admit},
    claim::{self, Claim, ClaimCommand},
    email::EmailAddress,
    id::{SessionId, UserId},
    name::DisplayName,
    session::EndReason,
    user::{self, User, UserCommand},
};
use doorbook_openapi::{
    app::{Opened, Origin, Refusal},
    social::SocialRefusal,
};
use doorbook_projections::{fault::Fault, keyring::Place};

use super::{Proven, Service, flow::method};
use crate::{
    ids,
    keys::KeyName,
    service::unexpected,
    social::{Browser, Flow, HookAnswer, HookQuestion},
    store::Failure,
};

/// How often it is decided anew when somebody else took an address or an identity meanwhile.
const ATTEMPTS: u32 = 3;

impl Service {
    /// Opens a session for whoever was proven, or says what is missing.
    pub(super) async fn enter(
        &self,
        proven: &Proven,
        browser: &Browser,
        flow: &Flow,
        replaces: Option<SessionId>,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        for _ in 0..ATTEMPTS {
            let admission = match self.admission(proven).await? {
                Ok(admission) => admission,
                Err(error) => return Err(self.wait_for_account(proven, browser, flow, error).await?),
            };
            let Some(user) = self.carry_out(admission, proven, origin).await? else {
                continue;
            };
            let state = self.store.load::<User>(&user.to_string()).await?.aggregate;
            let opened = self.open_session(user, &state, method(proven), true, origin).await?;
            if let Some(old) = replaces {
                self.end(old, EndReason::Replaced, Some(user), origin).await?;
            }
            return Ok(opened);
        }
        Err(Refusal::Conflict)
    }

    async fn admission(&self, proven: &Proven) -> Result<Result<Admission, AdmissionError>, Refusal> {
        let holder = |id: UserId, user: &User| Holder {
            user: id,
            active: user.is_active(),
            proven: user.email_verified(),
            linked: user
                .social_accounts()
                .iter()
                .any(|account| account.claim == proven.claim),
        };
        let identity = self.owner(proven).await?.map(|(id, user)| holder(id, &user));
        let email = proven.identity.verified_email();
        let account = match email {
            Some(email) => self.owner_of_address(email).await?,
            None => None,
        };
        let arrival = Arrival {
            admitted: self.social.admits(&proven.identity),
            identity,
            address: email.is_some(),
            account: account.map(|(id, user)| holder(id, &user)),
        };
        Ok(admit(self.social.policy, &arrival))
    }

    async fn owner_of_address(&self, email: &EmailAddress) -> Result<Option<(UserId, User)>, Refusal> {
        let claim = self.keyring.claim("email", email.canonical()).to_string();
        let Some(id) = self.store.load::<Claim>(&claim).await?.aggregate.owner() else {
            return Ok(None);
        };
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        Ok(Some((id, user)))
    }

    /// Does what was decided. `None`: somebody was faster, so it has to be decided anew.
    async fn carry_out(
        &self,
        admission: Admission,
        proven: &Proven,
        origin: &Origin,
    ) -> Result<Option<UserId>, Refusal> {
        match admission {
            Admission::LogIn(user) => Ok(Some(user)),
            Admission::Link(user) => {
                self.ask_hook("link", proven).await?;
                self.link(user, proven, None, origin).await?;
                Ok(Some(user))
            }
            Admission::TakeOver(user) => {
                self.ask_hook("link", proven).await?;
                self.take_over(user, origin).await?;
                self.link(user, proven, None, origin).await?;
                Ok(Some(user))
            }
            Admission::SignUp => {
                let name = self.ask_hook("sign-up", proven).await?;
                self.register(proven, name, origin).await
            }
        }
    }

    /// Ends everything that somebody prepared under an address that they never proved: password, sessions, links, and
    /// what was asked for.
    async fn take_over(&self, user: UserId, origin: &Origin) -> Result<(), Refusal> {
        let metadata = self.metadata(origin, Some(user));
        let prove = UserCommand::ProveEmail(user::ProveEmail { at: self.clock.now() });
        let committed = self.command_user(user, prove, &metadata).await.map_err(unexpected)?;
        for appended in committed.events {
            self.release_unlinked(user, &appended.event, &metadata).await?;
        }
        Ok(())
    }

    /// Makes an account. The claim on the address commits it, and comes before the one on the identity: a crash in between
    /// is finished by the next login. `None` when somebody else took the address meanwhile.
    async fn register(
        &self,
        proven: &Proven,
        name: Option<DisplayName>,
        origin: &Origin,
    ) -> Result<Option<UserId>, Refusal> {
        let email = proven.identity.verified_email().ok_or(SocialRefusal::EmailNeeded)?;
        let at = self.clock.now();
        let id = UserId(ids::uuid_v7(at));
        let metadata = self.metadata(origin, Some(id));
        let register = self.seal_registration(id, proven, email, name.as_ref()).await?;
        let claim = register.claim.to_string();
        self.command_user(id, UserCommand::Register(register), &metadata)
            .await
            .map_err(unexpected)?;
        let take = ClaimCommand::Take(claim::Take { user_id: id, at });
        match self.store.execute::<Claim>(&claim, take, &metadata).await {
            Ok(_) => {}
            Err(Failure::Refused(_)) => {
                // Nothing names the user that was just made, and nothing will.
                self.keyring.destroy(&KeyName::user(id)).await?;
                return Ok(None);
            }
            Err(failure) => return Err(unexpected(failure)),
        }
        self.link(id, proven, None, origin).await?;
        Ok(Some(id))
    }

    async fn seal_registration(
        &self,
        id: UserId,
        proven: &Proven,
        email: &EmailAddress,
        name: Option<&DisplayName>,
    ) -> Result<user::Register, Fault> {
        let key = KeyName::user(id);
        self.keyring.create(&key).await?;
        let stream = format!("user-{id}");
        let place = |event_type, field| Place {
            stream: &stream,
            event_type,
            field,
        };
        let registered = place("user.registered", "email");
        let name = match name {
            Some(name) => {
                let place = place("user.profile_changed", "name");
                Some(self.seals.text(&key, &place, name.as_str()).await?)
            }
            None => None,
        };
        Ok(user::Register {
            email: self.seals.text(&key, &registered, email.as_typed()).await?,
            claim: self.keyring.claim("email", email.canonical()),
            email_verified: true,
            password: None,
            name,
            social: Some(self.seal_account(id, proven).await?),
            at: self.clock.now(),
        })
    }

    /// Asks the operator's own service, where there is one; gives the name that the person shall have.
    pub(super) async fn ask_hook(&self, action: &'static str, proven: &Proven) -> Result<Option<DisplayName>, Refusal> {
        let identity = &proven.identity;
        let Some(hook) = &self.social.hook else {
            return Ok(identity.name.clone());
        };
        let question = HookQuestion {
            action,
            provider: &proven.provider,
            subject: &identity.subject,
            email: identity.email.as_ref().map(EmailAddress::as_typed),
            email_verified: identity.verified,
            name: identity.name.as_ref().map(DisplayName::as_str),
        };
        let now = self.clock.now();
        match hook.ask(&question, ids::uuid_v7(now), now).await {
            HookAnswer::Allowed(name) => Ok(name.or_else(|| identity.name.clone())),
            HookAnswer::Refused(reason) => {
                tracing::warn!(
                    provider = proven.provider,
                    action,
                    "the hook of social logins refused: {reason}"
                );
                Err(SocialRefusal::NotAdmitted.into())
            }
        }
    }
}
