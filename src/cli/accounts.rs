//! Accounts, for `doorbook user`: decided on the log, and read back by a running service before the command returns.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{claim::Claim, id::UserId, user::User};
use doorbook_projections::{
    cursor::Cursor,
    engine::Engine,
    fault::Fault,
    keyring::{ERASED, Keyring as _, Place},
    log::Position,
    users::{self as rows, State, UserRow},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    exit::Failure,
    users::{Change, NewUser, Newcomer, Outcome, UserLine, Users},
};
use crate::{
    config::Config,
    hashing::PasswordHasher,
    keys::Keyring,
    lock::DirectoryLock,
    mail::Post,
    open::{self, Durable, StartError},
    service::{
        accounts::{AccountError, Accounts, Actor},
        erasures::Erasures,
        strength::Strength,
    },
};

/// Users of a page.
const PAGE: u32 = 200;
/// How long a running service may take to read what a command wrote.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the list of users may take to see the whole log; it may have to be built first.
const BUILDING: Duration = Duration::from_hours(1);
const LOOK: Duration = Duration::from_millis(20);

/// The accounts of a configuration.
pub(crate) struct Operator<'a> {
    config: &'a Config,
    accounts: Accounts,
    keyring: Arc<Keyring>,
    engine: Engine,
    /// Ends what [`Self::read_along`] began.
    reading: CancellationToken,
}

impl<'a> Operator<'a> {
    pub(crate) async fn open(config: &'a Config) -> Result<Self, Failure> {
        let Durable { store, keyring } = Durable::open(config).await?;
        let engine = open::engine(config, &store).await?;
        let accounts = Accounts {
            store,
            keyring: Arc::clone(&keyring),
            engine: engine.clone(),
            erasures: Erasures::new(&config.data.erasures),
            post: Arc::new(Post::open(config).map_err(StartError::Mail)?),
            clock: config.service_clock(),
            directory: None,
            actor: Actor::Operator,
        };
        Ok(Self {
            config,
            accounts,
            keyring,
            engine,
            reading: CancellationToken::new(),
        })
    }

    pub(crate) async fn close(self) {
        self.reading.cancel();
        self.accounts.store.close().await;
    }

    /// Waits until the list of users holds everything that was written. One that an admin has paused shows what it has.
    async fn catch_up(&self) -> Result<(), Failure> {
        self.read_along();
        let head = self.accounts.store.log().head().await?;
        self.engine.wait_for(rows::NAME, head, BUILDING).await?;
        Ok(())
    }

    /// Brings the read models up to date where no service does.
    fn read_along(&self) {
        if !DirectoryLock::is_held(&self.config.data.dir) {
            let (engine, cancel) = (self.engine.clone(), self.reading.clone());
            tokio::spawn(async move {
                if let Err(fault) = engine.run(cancel).await {
                    tracing::error!(error = fault.cause(), "the read models stopped");
                }
            });
        }
    }

    /// The user as the log has it, once a running service has read that far.
    async fn line(&self, id: UserId) -> Result<UserLine, Failure> {
        let head = self.accounts.store.load::<User>(&id.to_string()).await?;
        let mut position = self
            .accounts
            .store
            .position_of("user", &id.to_string(), head.sequence)
            .await?;
        let user = head.aggregate;
        if let Some(claim) = user.claim() {
            let claimed = self.accounts.store.load::<Claim>(&claim.to_string()).await?;
            position = position.max(
                self.accounts
                    .store
                    .position_of("claim", &claim.to_string(), claimed.sequence)
                    .await?,
            );
        }
        self.until_read(position).await?;
        let stream = format!("user-{id}");
        let email = match user.email() {
            Some(sealed) => {
                let event_type = user.email_event().unwrap_or_default();
                self.text(sealed, &stream, event_type, "email").await?
            }
            None => ERASED.to_owned(),
        };
        let name = match user.name() {
            Some(sealed) => Some(self.text(sealed, &stream, "user.profile_changed", "name").await?),
            None => None,
        };
        let (roles, active) = (user.roles(), user.is_active());
        Ok(UserLine {
            id,
            email,
            name,
            roles,
            active,
            since: user.registered_at().unwrap_or_default(),
        })
    }

    async fn text(
        &self,
        sealed: &doorbook_domain::seal::Sealed,
        stream: &str,
        event_type: &str,
        field: &str,
    ) -> Result<String, Failure> {
        let place = Place {
            stream,
            event_type,
            field,
        };
        let text = self.keyring.open(sealed, &place).await?.into_text()?;
        Ok(text.unwrap_or_else(|| ERASED.to_owned()))
    }

    /// Waits until the service that runs on the same data has read the log up to `position`; returns at once when none runs.
    async fn until_read(&self, position: Position) -> Result<(), Failure> {
        let running = DirectoryLock::is_held(&self.config.data.dir);
        let reading = async {
            loop {
                match self.position_read().await {
                    Some(read) if read >= position => return,
                    None if !running => return,
                    Some(_) | None => sleep(LOOK).await,
                }
            }
        };
        timeout(PATIENCE, reading).await.map_err(|_| {
            Failure::Refused(format!(
                "the change is stored and holds, but no service said on `http.admin_listen` ({}) that it has read it: give this \
                 command the settings of the service",
                self.config.http.admin_listen
            ))
        })
    }

    /// How far the service on `http.admin_listen` has read; `None` when none answers there.
    async fn position_read(&self) -> Option<Position> {
        let asked = async {
            let mut stream = TcpStream::connect(self.config.http.admin_listen).await.ok()?;
            stream.write_all(b"GET /position HTTP/1.0\r\n\r\n").await.ok()?;
            let mut answer = String::new();
            stream.take(4096).read_to_string(&mut answer).await.ok()?;
            let (_, body) = answer.split_once("\r\n\r\n")?;
            body.trim().parse().ok()
        };
        timeout(Duration::from_secs(1), asked).await.ok().flatten()
    }

    async fn shown(&self, row: UserRow) -> Result<UserLine, Failure> {
        let stream = format!("user-{}", row.user_id);
        let name = match &row.name {
            Some(name) => Some(self.text(&name.sealed, &stream, &name.event_type, "name").await?),
            None => None,
        };
        Ok(UserLine {
            id: row.user_id,
            email: self
                .text(&row.email.sealed, &stream, &row.email.event_type, "email")
                .await?,
            name,
            roles: row.roles,
            active: row.state == State::Active,
            since: row.registered_at,
        })
    }
}

#[async_trait]
impl Users for Operator<'_> {
    async fn create(&self, user: NewUser) -> Result<UserLine, Failure> {
        let hasher = PasswordHasher::new(self.config.password.argon2.into())
            .map_err(Fault::because("the pool that hashes passwords cannot start"))?;
        let strength = Strength::open(self.config)?;
        let id = self
            .accounts
            .create(user, &hasher, &strength, self.config.password.min_length)
            .await?;
        self.line(id).await
    }

    async fn import(&self, newcomers: Vec<Newcomer>, dry: bool) -> Result<Vec<Outcome>, Failure> {
        Ok(self.accounts.import(newcomers, dry).await?)
    }

    async fn settle(&self) -> Result<(), Failure> {
        self.until_read(self.accounts.store.written().await?).await
    }

    async fn page(&self, after: Option<String>) -> Result<(Vec<UserLine>, Option<String>), Failure> {
        if after.is_none() {
            self.catch_up().await?;
        }
        let after = match after.as_deref().map(str::parse) {
            None => Cursor::start(),
            Some(Ok(cursor)) => cursor,
            Some(Err(error)) => return Err(Failure::Fault(Fault::new("the list of users broke off", error))),
        };
        let found = rows::page(&self.engine.reads(), &after, PAGE).await?;
        let next =
            (found.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX)).then(|| found.last().map(UserRow::cursor));
        let mut lines = Vec::with_capacity(found.len());
        for row in found {
            lines.push(self.shown(row).await?);
        }
        Ok((lines, next.flatten().map(|cursor| cursor.to_string())))
    }

    async fn change(&self, user: &str, change: Change) -> Result<UserLine, Failure> {
        self.read_along();
        let id = self.accounts.change(user, change).await?;
        self.line(id).await
    }

    async fn erase(&self, user: &str) -> Result<UserId, Failure> {
        self.read_along();
        let id = self.accounts.erase(user).await?;
        let head = self.accounts.store.load::<User>(&id.to_string()).await?.sequence;
        let position = self.accounts.store.position_of("user", &id.to_string(), head).await?;
        self.until_read(position).await?;
        Ok(id)
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Fault(fault) => Self::Fault(fault),
            refusal @ (AccountError::Address(_)
            | AccountError::Name(_)
            | AccountError::Password(_)
            | AccountError::Hash(_)
            | AccountError::Future
            | AccountError::Taken
            | AccountError::Unknown
            | AccountError::LastAdmin
            | AccountError::Inactive
            | AccountError::NotSignedIn
            | AccountError::Refused(_)
            | AccountError::Conflict) => Self::Refused(refusal.to_string()),
        }
    }
}
