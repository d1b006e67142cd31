//! Accounts as the command line manages them. Each command is decided on the log, beside a running service or alone.

use std::sync::Arc;

use super::{metadata_of, seals::Seals};
use crate::{
    clock::Clock,
    hashing::{PasswordHasher, UnknownHash, recognise, rules},
    ids,
    keys::{KeyName, Keyring},
    store::{CommandMetadata, Failure, Store},
};
use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    email::EmailAddress,
    id::UserId,
    name::DisplayName,
    role::{Role, Roles},
    time::Timestamp,
    user::{self, User, UserCommand},
};
use doorbook_openapi::app::Secret;
use doorbook_projections::{fault::Fault, keyring::Place};

/// A user that an operator creates. Its address counts as proven.
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
    /// The address has a user already.
    #[error("a user with this address exists already")]
    Taken,
    /// Nobody has the address.
    #[error("no user has this address")]
    Unknown,
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
    /// The clock.
    pub clock: Clock,
}

/// A change to an existing account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Give a role.
    Grant(Role),
    /// Take a role away.
    Revoke(Role),
    /// End every session and refuse logins.
    Deactivate,
    /// Allow logins again.
    Reactivate,
}

impl Change {
    fn command(self, at: Timestamp) -> UserCommand {
        match self {
            Self::Grant(role) => UserCommand::GrantRole(user::GrantRole { role, at }),
            Self::Revoke(role) => UserCommand::RevokeRole(user::RevokeRole { role, at }),
            Self::Deactivate => UserCommand::Deactivate(user::Deactivate { at }),
            Self::Reactivate => UserCommand::Reactivate(user::Reactivate { at }),
        }
    }
}

impl Accounts {
    fn metadata(&self) -> CommandMetadata {
        metadata_of("cli", self.clock.now())
    }

    /// Creates a user with a proven address, and says where its last event stands.
    ///
    /// # Errors
    ///
    /// [`AccountError::Taken`] when the address has a user; the others as they say. Nobody can be reached then that could
    /// not before.
    pub async fn create(
        &self,
        new: NewUser,
        hasher: &PasswordHasher,
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
        let hash = hash(&new.password, &email, hasher, min_length).await?;
        let id = UserId(ids::uuid_v7(self.clock.now()));
        let register = self.seal(id, &email, name.as_ref(), &hash).await?;
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
            Ok(_) => Ok(id),
            Err(Failure::Refused(_)) => Err(AccountError::Taken),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Changes the account that has the address, or the id.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`] when nobody has it; the others as they say.
    pub async fn change(&self, user: &str, change: Change) -> Result<UserId, AccountError> {
        let id = self.find(user).await?;
        self.user(id, change.command(self.clock.now())).await?;
        Ok(id)
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
        self.store
            .execute::<User>(&id.to_string(), command, &self.metadata())
            .await?;
        Ok(())
    }

    async fn seal(
        &self,
        id: UserId,
        email: &EmailAddress,
        name: Option<&DisplayName>,
        hash: &str,
    ) -> Result<user::Register, Fault> {
        let seals = Seals::new(Arc::clone(&self.keyring));
        let password = ids::uuid_v4();
        seals.prepare(id, password).await?;
        let stream = format!("user-{id}");
        let place = |event_type, field| Place {
            stream: &stream,
            event_type,
            field,
        };
        let key = KeyName::user(id);
        let name = match name {
            Some(name) => Some(
                seals
                    .text(&key, &place("user.profile_changed", "name"), name.as_str())
                    .await?,
            ),
            None => None,
        };
        let sealed_hash = seals
            .text(
                &KeyName::password(password),
                &place("user.registered", "password"),
                hash,
            )
            .await?;
        Ok(user::Register {
            email: seals
                .text(&key, &place("user.registered", "email"), email.as_typed())
                .await?,
            claim: self.keyring.claim("email", email.canonical()),
            email_verified: true,
            password: Some(sealed_hash),
            name,
            social: None,
            at: self.clock.now(),
        })
    }
}

async fn hash(
    password: &NewPassword,
    email: &EmailAddress,
    hasher: &PasswordHasher,
    min_length: usize,
) -> Result<String, AccountError> {
    match password {
        NewPassword::Plain(Secret(password)) => {
            let broken = rules::check(password, min_length, &[email.as_typed()]);
            if !broken.is_empty() {
                let reasons: Vec<String> = broken.iter().map(ToString::to_string).collect();
                return Err(AccountError::Password(reasons.join("; ")));
            }
            Ok(hasher
                .hash(password.as_bytes())
                .await
                .map_err(Fault::because("the password could not be hashed"))?)
        }
        NewPassword::Hashed(Secret(hash)) => {
            recognise(hash)?;
            Ok(hash.clone())
        }
    }
}

impl<E: std::error::Error + Send + Sync + 'static> From<Failure<E>> for AccountError {
    fn from(failure: Failure<E>) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal.to_string()),
            Failure::Conflict => Self::Conflict,
            Failure::Broken(fault) => Self::Fault(fault),
        }
    }
}
