//! Accounts as the command line manages them. Each command is decided on the log, beside a running service or alone.

use doorbook_domain::{
    claim::{self, Claim, ClaimCommand},
    email::EmailAddress,
    id::UserId,
    name::DisplayName,
    role::Role,
    time::Timestamp,
    user::{self, User, UserCommand},
};
use doorbook_projections::{
    fault::Fault,
    keyring::Place,
};
use uuid::Uuid;

use super::seals::Seals;
use crate::{
    clock::Clock,
    hashing::{PasswordHasher, UnknownHash, recognise, rules},
    ids,
    keys::{KeyName, Keyring},
    store::{CommandMetadata, Failure, Store},
};
use std::sync::Arc;

/// The password of a user that is created.
pub enum NewPassword {
    /// None: the user sets one by a reset.
    None,
    /// As its owner will type it.
    Plain(String),
    /// As another system hashed it; upgraded at the first login.
    Hashed(String),
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
        let at = self.clock.now();
        CommandMetadata { command_id: ids::uuid_v7(at), actor: "cli".to_owned(), request_id: None, causation: None, at }
    }

    /// Creates a user with a proven address.
    ///
    /// # Errors
    ///
    /// [`AccountError::Taken`] when the address has a user; the others as they say. Nothing exists then.
    pub async fn create(
        &self,
        email: &str,
        name: Option<&str>,
        role: Option<Role>,
        password: NewPassword,
        hasher: &PasswordHasher,
        min_length: usize,
    ) -> Result<UserId, AccountError> {
        let email = EmailAddress::parse(email)?;
        let name = name.map(DisplayName::parse).transpose()?;
        let claim = self.keyring.claim("email", email.canonical());
        if self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner().is_some() {
            return Err(AccountError::Taken);
        }
        let hash = hash(password, &email, hasher, min_length).await?;
        let id = UserId(ids::uuid_v7(self.clock.now()));
        let register = self.seal(id, &email, name.as_ref(), hash.as_deref()).await?;
        self.user(id, UserCommand::Register(register)).await?;
        if let Some(role) = role {
            self.user(id, Change::Grant(role).command(self.clock.now())).await?;
        }
        let take = ClaimCommand::Take(claim::Take { user_id: id, at: self.clock.now() });
        match self.store.execute::<Claim>(&claim.to_string(), take, &self.metadata()).await {
            Ok(_) => Ok(id),
            Err(Failure::Refused(_)) => Err(AccountError::Taken),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Changes the account that has the address.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`] when nobody has it; the others as they say.
    pub async fn change(&self, email: &str, change: Change) -> Result<UserId, AccountError> {
        let email = EmailAddress::parse(email)?;
        let claim = self.keyring.claim("email", email.canonical());
        let owner = self.store.load::<Claim>(&claim.to_string()).await?.aggregate.owner();
        let id = owner.ok_or(AccountError::Unknown)?;
        self.user(id, change.command(self.clock.now())).await?;
        Ok(id)
    }

    async fn user(&self, id: UserId, command: UserCommand) -> Result<(), AccountError> {
        self.store.execute::<User>(&id.to_string(), command, &self.metadata()).await?;
        Ok(())
    }

    async fn seal(
        &self,
        id: UserId,
        email: &EmailAddress,
        name: Option<&DisplayName>,
        hash: Option<&str>,
    ) -> Result<user::Register, Fault> {
        let seals = Seals::new(Arc::clone(&self.keyring));
        let password_key: Option<Uuid> = hash.map(|_| ids::uuid_v4());
        seals.prepare(id, password_key).await?;
        let stream = format!("user-{id}");
        let place = |event_type, field| Place { stream: &stream, event_type, field };
        let key = KeyName::user(id);
        let name = match name {
            Some(name) => Some(seals.text(&key, &place("user.profile_changed", "name"), name.as_str()).await?),
            None => None,
        };
        let password = match (hash, password_key) {
            (Some(hash), Some(key)) => {
                Some(seals.text(&KeyName::password(key), &place("user.registered", "password"), hash).await?)
            }
            _ => None,
        };
        Ok(user::Register {
            email: seals.text(&key, &place("user.registered", "email"), email.as_typed()).await?,
            claim: self.keyring.claim("email", email.canonical()),
            email_verified: true,
            password,
            name,
            at: self.clock.now(),
        })
    }
}

async fn hash(
    password: NewPassword,
    email: &EmailAddress,
    hasher: &PasswordHasher,
    min_length: usize,
) -> Result<Option<String>, AccountError> {
    match password {
        NewPassword::None => Ok(None),
        NewPassword::Plain(password) => {
            let broken = rules::check(&password, min_length, &[email.as_typed()]);
            if !broken.is_empty() {
                let reasons: Vec<String> = broken.iter().map(ToString::to_string).collect();
                return Err(AccountError::Password(reasons.join("; ")));
            }
            let hash = hasher.hash(password.as_bytes()).await.map_err(Fault::because("the password could not be hashed"))?;
            Ok(Some(hash.as_str().to_owned()))
        }
        NewPassword::Hashed(hash) => {
            recognise(&hash)?;
            Ok(Some(hash))
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
