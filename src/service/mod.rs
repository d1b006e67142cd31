//! What Doorbook does when it is asked: each operation loads what it decides on from the log, decides, appends, and tells
//! the session directory of this node before it answers.
//!
//! * [`token`] is the session cookie's value.
//! * [`signup`], [`login`], [`session`], [`password`], [`profile`], [`social`] and [`lists`] are the operations of the API.
//! * [`verify`], [`recovery`] and [`address`] are those that go by mail; [`links`] are the tokens of its links.
//! * [`tabs`] tells open pages what happens to their session; [`surplus`] ends the oldest where a user has too many.
//! * [`accounts`] are managed by operators and admins; [`users`] is what admins see and do by the API.
//! * `device` tells browsers that a user has used from others.
//! * [`strength`] judges new passwords, and asks [`breached`] about them.
//! * [`erase`] ends an account, [`erasures`] is the list of those that ended, [`export`] hands out what is known of one;
//!   [`admins`] keeps the last admin.
//! * [`runs`] are what admins do to read models.
//! * [`attempts`] and [`activity`] write in the background what nobody waits for.
//! * `audit` answers auditors, and records that it did.
//! * [`retention`] forgets from where people came, when that is long ago.
//! * [`letters`] decides which events cause which letters.
//! * [`proofs`] hands out what proves that the log was not altered.
//! * [`process`] finishes what a crash interrupted, and destroys keys that an event made obsolete.

pub mod accounts;
pub mod activity;
mod address;
mod admins;
mod app;
pub mod attempts;
mod audit;
mod beat;
pub mod breached;
mod device;
pub(crate) mod erase;
pub mod erasures;
mod export;
pub mod letters;
pub mod links;
mod lists;
mod login;
mod password;
pub mod process;
mod profile;
mod proofs;
mod recovery;
pub mod retention;
mod rights;
pub(crate) mod runs;
mod seals;
mod session;
mod signup;
mod social;
pub mod strength;
mod surplus;
mod tabs;
#[cfg(test)]
mod tests;
pub mod token;
mod users;
mod verify;

use std::{collections::HashSet, future::Future, sync::Arc, time::Duration};

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Roles,
    session::{Session, SessionCommand, SessionError, SessionEvent},
    time::Timestamp,
    user::{User, UserCommand, UserError, UserEvent},
};
use doorbook_openapi::app::{LiveSession, Opened, Origin, Refusal, SessionCookie, Settings};
use doorbook_projections::{engine::Engine, fault::Fault};
use parking_lot::Mutex;
use tokio_util::task::TaskTracker;

use self::{
    activity::Activity,
    attempts::Attempts,
    erasures::Erasures,
    letters::News,
    links::Links,
    process::{Figure, Figures},
    retention::Overdue,
    seals::Seals,
    strength::Strength,
    tabs::Tabs,
    token::Tokens,
    users::Counting,
};
use crate::{
    atlas::Atlas,
    clock::Clock,
    directory::Directory,
    hashing::{HashFailure, PasswordHasher},
    ids,
    keys::Keyring,
    mail::{Locale, Post},
    proof::notary::Notary,
    social::Desk,
    store::{Appended, CommandMetadata, Committed, Failure, Store},
    throttle::{Devices, Throttle},
};

/// How long a list waits for its read model.
const READ_PATIENCE: Duration = Duration::from_secs(5);

/// Lifetimes of a session.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// From login to the end, whatever happens.
    pub absolute: Duration,
    /// From the last use to the end.
    pub idle: Duration,
}

/// What the operations are told by the configuration.
#[derive(Debug, Clone)]
pub struct Rules {
    /// Of users without a role.
    pub lifetimes: Lifetimes,
    /// Of auditors and admins.
    pub staff_lifetimes: Lifetimes,
    /// The list of erased users.
    pub erasures: Erasures,
    /// How long IP addresses and user agents are known; for ever, where nothing is said.
    pub retention: Option<Duration>,
    /// Most live sessions of one user.
    pub max_sessions: u32,
    /// Where links in mails lead, without a slash at the end: `mail.link_base`.
    pub link_base: String,
    /// Language of letters to people whose language is not known.
    pub locale: Locale,
    /// What the HTTP layer needs.
    pub settings: Settings,
}

/// The parts that the operations work with.
pub struct Parts {
    /// The log, to append to and to decide from.
    pub store: Store,
    /// The keys.
    pub keyring: Arc<Keyring>,
    /// The pool that hashes passwords.
    pub hasher: Arc<PasswordHasher>,
    /// Judges new passwords.
    pub strength: Strength,
    /// Live sessions in memory.
    pub directory: Arc<Directory>,
    /// The read models.
    pub engine: Engine,
    /// Knows where addresses of the network are.
    pub atlas: Arc<Atlas>,
    /// What counts attempts.
    pub throttle: Throttle,
    /// Identity providers.
    pub social: Arc<Desk>,
    /// Keeps the tree over the log, and signs it.
    pub notary: Arc<Notary>,
    /// What writes letters and sends them.
    pub post: Arc<Post>,
    /// The clock.
    pub clock: Clock,
    /// The configuration.
    pub rules: Rules,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    parts: Arc<Parts>,
    seals: Seals,
    tokens: Arc<Tokens>,
    devices: Arc<Devices>,
    links: Arc<Links>,
    attempts: Attempts,
    activity: Activity,
    /// How far the followers are.
    followers: Arc<Figures>,
    tabs: Tabs,
    /// Users who logged in, and whose sessions are soon to be counted.
    uncounted: Arc<Mutex<HashSet<UserId>>>,
    /// Who was told of new devices lately.
    news: Arc<News>,
    /// What takes a while to count.
    counting: Counting,
    /// What should be forgotten by now.
    overdue: Arc<Overdue>,
    /// Commands in flight: a shutdown waits for them.
    commands: TaskTracker,
}

impl std::ops::Deref for Service {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Service {
    /// Puts the service together. Must run inside a runtime: it starts the background writers.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let parts = Arc::new(parts);
        let seals = Seals::new(Arc::clone(&parts.keyring));
        let commands = TaskTracker::new();
        Self {
            tokens: Arc::new(Tokens::new(&parts.keyring.purpose_key("session-cookie"))),
            devices: Arc::new(Devices::new(&parts.keyring.purpose_key("device-cookie"))),
            links: Arc::new(Links::new(&parts.keyring)),
            attempts: Attempts::start(Arc::clone(&parts), seals.clone(), &commands),
            activity: Activity::start(Arc::clone(&parts), &commands),
            followers: Arc::default(),
            tabs: Tabs::new(),
            uncounted: Arc::default(),
            news: Arc::default(),
            counting: Counting::default(),
            overdue: Arc::default(),
            parts,
            seals,
            commands,
        }
    }

    /// How far those are that act on the log, by name.
    #[must_use]
    pub fn followers(&self) -> Vec<(&'static str, Figure)> {
        self.followers.all()
    }

    /// Waits for the commands in flight and the background writers, then closes what they used, for all clones. No command
    /// may come any more.
    pub async fn close(self) {
        self.put_down(true).await;
    }

    /// As [`Self::close`], for a command that may run beside a service: whoever serves signs what was appended.
    pub async fn leave(self) {
        self.put_down(false).await;
    }

    async fn put_down(self, signs: bool) {
        let Self {
            parts,
            attempts,
            activity,
            commands,
            ..
        } = self;
        let (throttle, social) = (parts.throttle.clone(), Arc::clone(&parts.social));
        let (store, keyring) = (parts.store.clone(), Arc::clone(&parts.keyring));
        let notary = Arc::clone(&parts.notary);
        drop((attempts, activity, parts));
        commands.close();
        commands.wait().await;
        throttle.close().await;
        // What the last commands appended is signed, too; a log that does not answer keeps nobody waiting for it.
        if !signs {
            notary.tree().close().await;
        } else if store.written().await.is_ok() {
            notary.close().await;
        }
        social.flows.close().await;
        store.close().await;
        keyring.close().await;
    }

    /// Runs a command to its end even if the client goes away meanwhile.
    async fn uninterrupted<T, F>(&self, command: F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>> + Send + 'static,
        T: Send + 'static,
    {
        self.commands
            .spawn(command)
            .await
            .unwrap_or_else(|crash| Err(Fault::new("a command crashed", crash).into()))
    }

    fn metadata(&self, origin: &Origin, actor: Option<UserId>) -> CommandMetadata {
        let actor = actor.map_or_else(|| "anonymous".to_owned(), |user| format!("user-{user}"));
        CommandMetadata {
            request_id: Some(origin.request_id.to_string()),
            ..metadata_of(&actor, self.clock.now())
        }
    }

    fn lifetimes(&self, roles: Roles) -> Lifetimes {
        if roles.is_empty() {
            self.rules.lifetimes
        } else {
            self.rules.staff_lifetimes
        }
    }

    /// Decides, appends, and tells the directory.
    async fn command_session(
        &self,
        id: SessionId,
        command: SessionCommand,
        metadata: &CommandMetadata,
    ) -> Result<Committed<Session, SessionEvent>, Failure<SessionError>> {
        let committed = self
            .store
            .execute::<Session>(&id.to_string(), command, metadata)
            .await?;
        self.directory.nudge_session(id, &numbered(&committed.events));
        Ok(committed)
    }

    /// Decides, appends, and tells the directory.
    async fn command_user(
        &self,
        id: UserId,
        command: UserCommand,
        metadata: &CommandMetadata,
    ) -> Result<Committed<User, UserEvent>, Failure<UserError>> {
        let committed = self.store.execute::<User>(&id.to_string(), command, metadata).await?;
        self.directory.nudge_user(id, &numbered(&committed.events));
        Ok(committed)
    }

    /// The session as it lives now under a cookie that was just made.
    async fn opened(&self, id: SessionId, secret: [u8; 32]) -> Result<Opened, Refusal> {
        let hash = token::hash(&secret);
        let session = self.directory.resolve(id, &hash, self.clock.now()).await?;
        let session = session.ok_or(Refusal::NotSignedIn)?;
        Ok(Opened {
            session,
            cookie: SessionCookie(self.tokens.write(id, &secret)),
            device: None,
        })
    }

    /// The user of a live session as the log has it now.
    async fn user_of(&self, session: &LiveSession) -> Result<User, Refusal> {
        let loaded = self.store.load::<User>(&session.user.to_string()).await?;
        Ok(loaded.aggregate)
    }

    /// As [`Self::has_all`]; but one that an admin has paused shows what it has.
    async fn caught_up(&self, name: &str) -> Result<(), Refusal> {
        match self.has_all(name).await {
            Err(Refusal::Busy(_)) if self.engine.rests(name) => Ok(()),
            outcome => outcome,
        }
    }

    /// Waits until the read model `name` has everything that this process has appended.
    async fn has_all(&self, name: &str) -> Result<(), Refusal> {
        let written = self.store.written().await?;
        if self.engine.wait_for(name, written, READ_PATIENCE).await? {
            Ok(())
        } else {
            Err(Refusal::Busy(READ_PATIENCE))
        }
    }
}

/// The metadata of a command that no request carries.
fn metadata_of(actor: &str, at: Timestamp) -> CommandMetadata {
    CommandMetadata {
        command_id: ids::uuid_v7(at),
        actor: actor.to_owned(),
        request_id: None,
        causation: None,
        at,
    }
}

/// Events as the directory takes them.
fn numbered<E: Clone>(events: &[Appended<E>]) -> Vec<(u64, E)> {
    events
        .iter()
        .map(|appended| (appended.sequence, appended.event.clone()))
        .collect()
}

/// A decision that the caller of the API can only answer by trying again, or that is a bug.
fn unexpected<E: std::error::Error + Send + Sync + 'static>(failure: Failure<E>) -> Refusal {
    match failure {
        Failure::Refused(refusal) => Fault::new("a rule refused what the service had checked", refusal).into(),
        Failure::Conflict => Refusal::Conflict,
        Failure::Broken(fault) => fault.into(),
    }
}

impl From<HashFailure> for Refusal {
    fn from(failure: HashFailure) -> Self {
        match failure {
            HashFailure::Busy { retry_after } => Self::Busy(retry_after),
            broken @ (HashFailure::Cost | HashFailure::Broken) => {
                Fault::new("the password could not be hashed", broken).into()
            }
        }
    }
}
