//! Accounts as operators and admins manage them: on the command line, beside a running service or alone, and by the API.
//! Each command is decided on the log.

mod actor;
mod entry;
mod import;

use std::{sync::Arc, time::Duration};

pub use self::actor::Actor;
use self::entry::Entry;
pub use self::import::{Newcomer, Outcome};
use super::{
    admins::{self, Leave},
    erase::Erasure,
    erasures::Erasures,
    numbered,
    strength::Strength,
};
use crate::{
    clock::Clock,
    directory::Directory,
    hashing::{PasswordHasher, UnknownHash, recognise},
    ids,
    keys::{Alone, KeyName, Keyring},
    mail::Post,
    store::{Failure, Store},
};
use doorbook_domain::{
    claim::{self, Claim, ClaimCommand, ClaimError},
    email::EmailAddress,
    id::{RequestId, UserId},
    name::DisplayName,
    role::{Role, Roles},
    time::Timestamp,
    user::{self, User, UserCommand, UserError},
};
use doorbook_openapi::app::Secret;
use doorbook_projections::{engine::Engine, fault::Fault};

/// How long the link lives by which a new user sets its first password: as long as that of a sign-up.
const INVITED_WITHIN: Duration = Duration::from_hours(24);

/// A user that an operator or an admin creates. Its address counts as proven where its password is known.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// As typed.
    pub email: String,
    /// As typed.
    pub name: Option<String>,
    /// What it may do from the start.
    pub roles: Roles,
    /// How it logs in.
    pub password: NewPassword,
}

/// A password for a new user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewPassword {
    /// As received.
    Plain(Secret),
    /// Hashed by another system: checked for its form, and upgraded at the first login.
    Hashed(Secret),
    /// None: the user sets one by a link that is mailed, and proves the address by that.
    ByMail,
}

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The address is none.
    #[error("EMAIL: {0}")]
    Address(#[from] doorbook_domain::email::InvalidEmail),
    /// The name is none.
    #[error("--name: {0}")]
    Name(#[from] doorbook_domain::name::InvalidName),
    /// The password breaks rules.
    #[error("the password is refused: {0}")]
    Password(String),
    /// The hash is of no known form.
    #[error("--password-hash: {0}")]
    Hash(#[from] UnknownHash),
    /// It is said to have registered tomorrow.
    #[error("`created_at` is in the future")]
    Future,
    /// The address has a user already.
    #[error("a user with this address exists already")]
    Taken,
    /// Nobody has the address.
    #[error("no user has this address")]
    Unknown,
    /// Nobody could manage the others any more.
    #[error("it is the last active admin: give somebody else the role `admin` first")]
    LastAdmin,
    /// Who is deactivated is given nothing.
    #[error("the user is deactivated: reactivate it first")]
    Inactive,
    /// The admin who asked is none any more, or the session is over.
    #[error("the session is over")]
    NotSignedIn,
    /// A rule of the user forbids it.
    #[error("{0}")]
    Refused(String),
    /// Others changed it again and again.
    #[error("the account was changed at the same time by others: try again")]
    Conflict,
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Manages accounts.
pub struct Accounts {
    /// The log.
    pub store: Store,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The read models.
    pub engine: Engine,
    /// The list of erased users.
    pub erasures: Erasures,
    /// What keeps letters.
    pub post: Arc<Post>,
    /// The clock.
    pub clock: Clock,
    /// The sessions in memory, where this process has some: they hear of a change before it is answered.
    pub directory: Option<Arc<Directory>>,
    /// Who manages them.
    pub actor: Actor,
}

/// A change to an existing account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Give a role.
    Grant(Role),
    /// Take a role away.
    Revoke(Role),
    /// Give these roles, and take all others away.
    SetRoles(Roles),
    /// End every session and refuse logins.
    Deactivate,
    /// Allow logins again.
    Reactivate,
    /// Record that wrong passwords were forgiven.
    Unlock,
    /// End every session.
    EndSessions,
}

impl Change {
    fn command(self, at: Timestamp) -> UserCommand {
        match self {
            Self::Grant(role) => UserCommand::GrantRole(user::GrantRole { role, at }),
            Self::Revoke(role) => UserCommand::RevokeRole(user::RevokeRole { role, at }),
            Self::SetRoles(roles) => UserCommand::SetRoles(user::SetRoles { roles, at }),
            Self::Deactivate => UserCommand::Deactivate(user::Deactivate { at }),
            Self::Reactivate => UserCommand::Reactivate(user::Reactivate { at }),
            Self::Unlock => UserCommand::Unlock(user::Unlock { at }),
            Self::EndSessions => UserCommand::EndSessions(user::EndSessions { at }),
        }
    }

    /// Whether an admin may cease to be one by it.
    const fn may_end_an_admin(self) -> bool {
        match self {
            Self::Deactivate | Self::Revoke(Role::Admin) => true,
            Self::SetRoles(roles) => !roles.contains(Role::Admin),
            Self::Grant(_) | Self::Revoke(Role::Auditor) | Self::Reactivate | Self::Unlock | Self::EndSessions => false,
        }
    }
}

impl Accounts {
    /// Creates a user.
    ///
    /// # Errors
    ///
    /// [`AccountError::Taken`] when the address has a user; the others as they say. Nobody can be reached then that could
    /// not before.
    pub async fn create(
        &self,
        new: NewUser,
        hasher: &PasswordHasher,
        strength: &Strength,
        min_length: usize,
    ) -> Result<UserId, AccountError> {
        let email = EmailAddress::parse(&new.email)?;
        let name = new.name.as_deref().map(DisplayName::parse).transpose()?;
        let claim = self.keyring.claim("email", email.canonical());
        if self
            .store
            .load::<Claim>(&claim.to_string())
            .await?
            .aggregate
            .owner()
            .is_some()
        {
            return Err(AccountError::Taken);
        }
        let words = [Some(new.email.as_str()), new.name.as_deref()];
        let hash = hash(&new.password, words, hasher, strength, min_length).await?;
        let entry = Entry {
            email_verified: new.password != NewPassword::ByMail,
            ..Entry::new(&self.keyring, email, name, hash, self.clock.now())
        };
        self.may_still_act().await?;
        self.keyring.create_all(&entry.keys()).await?;
        let (id, register) = (entry.id, entry.seal(&self.keyring).await?);
        self.user(id, register.into()).await?;
        for role in new.roles.iter() {
            self.user(id, Change::Grant(role).command(self.clock.now())).await?;
        }
        let take = ClaimCommand::Take(claim::Take {
            user_id: id,
            at: self.clock.now(),
        });
        match self
            .store
            .execute::<Claim>(&claim.to_string(), take, &self.metadata())
            .await
        {
            Ok(_) if new.password == NewPassword::ByMail => self.mail_link(id, INVITED_WITHIN).await.map(|()| id),
            Ok(_) => Ok(id),
            Err(Failure::Refused(ClaimError::TakenByAnother)) => {
                self.destroy_keys(id).await?;
                Err(AccountError::Taken)
            }
            Err(Failure::Conflict) => Err(AccountError::Conflict),
            Err(Failure::Broken(fault)) => Err(fault.into()),
        }
    }

    /// Mails the user a link to set another password. Nothing of the admin's circumstances goes with it.
    ///
    /// # Errors
    ///
    /// As of [`Self::change`].
    pub async fn reset_password(&self, user: &str, within: Duration) -> Result<UserId, AccountError> {
        let id = self.find(user).await?;
        self.may_still_act().await?;
        self.mail_link(id, within).await?;
        Ok(id)
    }

    async fn mail_link(&self, id: UserId, within: Duration) -> Result<(), AccountError> {
        let at = self.clock.now();
        let request = UserCommand::RequestPasswordReset(user::RequestPasswordReset {
            request: RequestId(ids::uuid_v7(at)),
            until: at.plus(within),
            origin: None,
            at,
        });
        self.user(id, request).await
    }

    /// The address was taken by another meanwhile: nothing will ever lead to this user.
    async fn destroy_keys(&self, id: UserId) -> Result<(), Fault> {
        let user = self.store.load::<User>(&id.to_string()).await?.aggregate;
        let password = user.password().map(|sealed| KeyName::parse(sealed.key())).transpose()?;
        let keys: Vec<KeyName> = std::iter::once(KeyName::user(id)).chain(password).collect();
        self.keyring.destroy_all(&keys).await
    }

    /// Changes the account that has the address, or the id.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`] when nobody has it; the others as they say.
    pub async fn change(&self, user: &str, change: Change) -> Result<UserId, AccountError> {
        let id = self.find(user).await?;
        let alone = if change.may_end_an_admin() {
            Some(self.may_leave(id).await?)
        } else {
            None
        };
        self.may_still_act().await?;
        self.user(id, change.command(self.clock.now())).await?;
        drop(alone);
        Ok(id)
    }

    /// Erases the user that has the address, or the id, and everything that names it. One whose erasure broke off is found
    /// by its id.
    ///
    /// # Errors
    ///
    /// As of [`Self::change`]. What broke off half-way is finished by a running service, or by the same command again.
    pub async fn erase(&self, user: &str) -> Result<UserId, AccountError> {
        let id = match user.parse::<UserId>() {
            Ok(id) if self.store.load::<User>(&id.to_string()).await?.aggregate.is_erased() => id,
            Ok(_) | Err(_) => self.find(user).await?,
        };
        let alone = self.may_leave(id).await?;
        self.may_still_act().await?;
        let at = self.clock.now();
        self.user(id, UserCommand::Erase(user::Erase { at })).await?;
        drop(alone);
        self.erasure().finish(id, &self.metadata()).await?;
        Ok(id)
    }

    async fn may_leave(&self, id: UserId) -> Result<Alone, AccountError> {
        match admins::leave(&self.store, &self.keyring, &self.engine, id, self.actor.user()).await? {
            Leave::Granted(alone) => Ok(alone),
            Leave::LastAdmin => Err(AccountError::LastAdmin),
        }
    }

    pub(crate) fn erasure(&self) -> Erasure<'_> {
        Erasure {
            store: &self.store,
            keyring: &self.keyring,
            engine: &self.engine,
            clock: &self.clock,
            list: &self.erasures,
            post: &self.post,
        }
    }

    async fn find(&self, user: &str) -> Result<UserId, AccountError> {
        if let Ok(id) = user.parse::<UserId>() {
            let found = self.store.load::<User>(&id.to_string()).await?.aggregate;
            let Some(claim) = found.claim() else {
                return Err(AccountError::Unknown);
            };
            let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
            return owner.filter(|&owner| owner == id).ok_or(AccountError::Unknown);
        }
        let email = EmailAddress::parse(user)?;
        let claim = self.keyring.claim("email", email.canonical());
        let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
        owner.ok_or(AccountError::Unknown)
    }

    async fn user(&self, id: UserId, command: UserCommand) -> Result<(), AccountError> {
        let committed = self
            .store
            .execute::<User>(&id.to_string(), command, &self.metadata())
            .await?;
        if let Some(directory) = &self.directory {
            directory.nudge_user(id, &numbered(&committed.events));
        }
        Ok(())
    }
}

/// Hashes what was typed, or takes a hash over, if there is any.
async fn hash(
    password: &NewPassword,
    words: [Option<&str>; 2],
    hasher: &PasswordHasher,
    strength: &Strength,
    min_length: usize,
) -> Result<Option<String>, AccountError> {
    match password {
        NewPassword::ByMail => Ok(None),
        NewPassword::Plain(secret) => {
            let broken = strength
                .judge(secret, min_length, words)
                .await
                .map_err(Fault::because("the password could not be judged"))?;
            if !broken.is_empty() {
                let reasons: Vec<String> = broken.iter().map(ToString::to_string).collect();
                return Err(AccountError::Password(reasons.join("; ")));
            }
            let hash = hasher.hash(secret.0.as_bytes()).await;
            Ok(Some(hash.map_err(Fault::because("the password could not be hashed"))?))
        }
        NewPassword::Hashed(Secret(hash)) => {
            recognise(hash)?;
            Ok(Some(hash.clone()))
        }
    }
}

impl From<Failure<UserError>> for AccountError {
    fn from(failure: Failure<UserError>) -> Self {
        match failure {
            Failure::Refused(UserError::NotRegistered) => Self::Unknown,
            Failure::Refused(UserError::Inactive) => Self::Inactive,
            Failure::Refused(refusal) => Self::Refused(refusal.to_string()),
            Failure::Conflict => Self::Conflict,
            Failure::Broken(fault) => Self::Fault(fault),
        }
    }
}
