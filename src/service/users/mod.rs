//! Users and the service at a glance, for admins.
//!
//! What is changed, [`super::accounts`] decides, as for the command line: on the log, and only while whoever asks is still
//! an admin there. [`show`] reads users, [`overview`] counts.

mod overview;
mod show;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{id::UserId, role::Roles, user::User};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal, SessionEntry},
    users::{Invitation, UserAction, UserDetail, UserEntry, UserSearch, Users},
};
use doorbook_projections::fault::Fault;

pub(super) use self::overview::Counting;
use super::{
    Service,
    accounts::{AccountError, Accounts, Actor, Change, NewPassword, NewUser},
};

/// How long a link lives that an admin has mailed: people may be told of it before they read their mail.
const RESET_WITHIN: Duration = Duration::from_hours(1);

impl Service {
    /// Accounts, as an admin manages them by a request.
    fn accounts(&self, admin: &LiveSession, origin: &Origin) -> Accounts {
        Accounts {
            store: self.store.clone(),
            keyring: Arc::clone(&self.keyring),
            engine: self.engine.clone(),
            erasures: self.rules.erasures.clone(),
            post: Arc::clone(&self.post),
            clock: self.clock.clone(),
            directory: Some(Arc::clone(&self.directory)),
            actor: Actor::Admin {
                user: admin.user,
                session: admin.id,
                request_id: origin.request_id.to_string(),
            },
        }
    }

    /// Roles decide who may do what: to give some needs a recent proof (ASVS 7.5.3).
    async fn do_invite(self, admin: LiveSession, wish: Invitation, origin: Origin) -> Result<UserDetail, Refusal> {
        if !wish.roles.is_empty() {
            self.must_be_proven(&admin)?;
        }
        let new = NewUser {
            email: wish.email,
            name: wish.name,
            roles: wish.roles,
            password: NewPassword::ByMail,
        };
        let min_length = self.rules.settings.password_min_length;
        let accounts = self.accounts(&admin, &origin);
        let made = accounts.create(new, &self.hasher, &self.strength, min_length);
        self.detail(made.await?).await
    }

    async fn do_set_roles(
        self,
        admin: LiveSession,
        user: UserId,
        roles: Roles,
        origin: Origin,
    ) -> Result<UserDetail, Refusal> {
        self.must_be_proven(&admin)?;
        let accounts = self.accounts(&admin, &origin);
        accounts.change(&user.to_string(), Change::SetRoles(roles)).await?;
        self.detail(user).await
    }

    async fn do_act(self, admin: LiveSession, user: UserId, action: UserAction, origin: Origin) -> Result<(), Refusal> {
        let accounts = self.accounts(&admin, &origin);
        let id = user.to_string();
        let done = match action {
            UserAction::Deactivate => accounts.change(&id, Change::Deactivate).await,
            UserAction::Reactivate => {
                // Who gets roles back gets power.
                let asked = self.store.load::<User>(&id).await?.aggregate;
                if !asked.roles().is_empty() {
                    self.must_be_proven(&admin)?;
                }
                accounts.change(&id, Change::Reactivate).await
            }
            UserAction::EndSessions => accounts.change(&id, Change::EndSessions).await,
            UserAction::Unlock => {
                accounts.change(&id, Change::Unlock).await?;
                return self.unlock(user).await;
            }
            UserAction::ResetPassword => accounts.reset_password(&id, RESET_WITHIN).await,
            UserAction::Erase => {
                self.must_be_proven(&admin)?;
                accounts.erase(&id).await
            }
        };
        Ok(done.map(drop)?)
    }

    /// The event comes first: what is lifted is known to have been lifted, by whom.
    async fn unlock(&self, id: UserId) -> Result<(), Refusal> {
        let user = self.store.load::<User>(&id.to_string()).await?;
        if let Some(claim) = user.aggregate.claim() {
            self.throttle.unlock(claim, id).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Users for Service {
    async fn search_users(&self, search: UserSearch, page: PageRequest) -> Result<Page<UserEntry>, Refusal> {
        self.list_users(search, page).await
    }

    async fn user_detail(&self, user: UserId) -> Result<UserDetail, Refusal> {
        self.detail(user).await
    }

    async fn sessions_of(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        self.known(user).await?;
        self.list_sessions(user, page).await
    }

    async fn invite(&self, admin: &LiveSession, wish: Invitation, origin: &Origin) -> Result<UserDetail, Refusal> {
        let invite = self.clone().do_invite(admin.clone(), wish, origin.clone());
        self.uninterrupted(invite).await
    }

    async fn set_roles(
        &self,
        admin: &LiveSession,
        user: UserId,
        roles: Roles,
        origin: &Origin,
    ) -> Result<UserDetail, Refusal> {
        let set = self.clone().do_set_roles(admin.clone(), user, roles, origin.clone());
        self.uninterrupted(set).await
    }

    async fn act_on_user(
        &self,
        admin: &LiveSession,
        user: UserId,
        action: UserAction,
        origin: &Origin,
    ) -> Result<(), Refusal> {
        let act = self.clone().do_act(admin.clone(), user, action, origin.clone());
        self.uninterrupted(act).await
    }
}

impl From<AccountError> for Refusal {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Address(error) => Self::Invalid(vec![error.into()]),
            AccountError::Name(error) => Self::Invalid(vec![error.into()]),
            AccountError::Taken => Self::AddressTaken,
            AccountError::Unknown => Self::NotFound,
            AccountError::LastAdmin => Self::LastAdmin,
            AccountError::Inactive => Self::UserDeactivated,
            AccountError::NotSignedIn => Self::NotSignedIn,
            AccountError::Conflict => Self::Conflict,
            AccountError::Fault(fault) => Self::Fault(fault),
            refusal @ (AccountError::Password(_)
            | AccountError::Hash(_)
            | AccountError::Future
            | AccountError::Refused(_)) => Fault::new("a rule refused what the service had checked", refusal).into(),
        }
    }
}
