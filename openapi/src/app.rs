//! What the HTTP layer asks of the service. The binary answers; tests of this crate answer with a stand-in.

use std::{net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::{
    id::{SessionId, UserId},
    role::Roles,
    time::Timestamp,
};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use crate::{
    audit::Audit,
    export::Export,
    overview::Glance,
    proofs::Proofs,
    runs::{RunRefusal, Runs},
    social::{Social, SocialRefusal},
    users::Users,
};

/// Where a request came from, for events and for the operator's log.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Names the request in log lines, events and answers (`X-Request-Id`).
    pub request_id: Uuid,
    /// The client, after trusted proxies were taken away.
    pub ip: Option<IpAddr>,
    /// As sent, at most 512 bytes.
    pub user_agent: Option<String>,
    /// As sent, once.
    pub device: Option<DeviceCookie>,
}

/// The value of the cookie that tells which users have used a browser. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCookie(pub String);

impl std::fmt::Debug for DeviceCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceCookie(…)")
    }
}

/// A session that lives now, with as much of its user as every request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub id: SessionId,
    /// Its user.
    pub user: UserId,
    /// The user's epoch. What the request asks for is decided at it: once it is raised, the request comes too late.
    pub epoch: u32,
    /// What the user may do.
    pub roles: Roles,
    /// Address and name.
    pub identity: Identity,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// When the user registered.
    pub user_since: Timestamp,
    /// When somebody logged in.
    pub started_at: Timestamp,
    /// When the user last proved who they are.
    pub authenticated_at: Timestamp,
    /// Dead from then on, unless refreshed.
    pub idle_until: Timestamp,
    /// Dead from then on.
    pub absolute_until: Timestamp,
    /// Whether the cookie outlives the browser.
    pub remember: bool,
}

/// Who a user is to people. Opened from sealed values; an erased user shows `[erased]`.
///
/// A clone copies a pointer: one text stands for all copies, since memory holds one for each of a million users.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity(Arc<str>);

impl Identity {
    /// Ends the address where a name follows. No address contains it.
    const END: char = '\0';

    /// The address as it was typed, and the name where there is one.
    #[must_use]
    pub fn new(email: &str, name: Option<&str>) -> Self {
        let end = Self::END;
        Self(name.map_or_else(|| Arc::from(email), |name| Arc::from(format!("{email}{end}{name}"))))
    }

    /// The address as it was typed.
    #[must_use]
    pub fn email(&self) -> &str {
        self.0.split(Self::END).next().unwrap_or_default()
    }

    /// The name, where there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.split_once(Self::END).map(|(_, name)| name)
    }

    /// Length of the text, for those who account for memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Shows nothing: both parts are personal data and would end up in logs.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// What memory knows about a session cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It lives.
    Live(LiveSession),
    /// It was forged, has ended or has expired.
    Dead,
    /// Only the log can tell: ask [`App::resolve`].
    Unknown,
}

/// The value of a session cookie: session id and secret. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie(pub String);

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionCookie(…)")
    }
}

/// A text that nothing prints: a password as it was received.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A session that lives, and the cookie that now stands for it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The session.
    pub session: LiveSession,
    /// Its cookie. An older cookie of the same session is dead.
    pub cookie: SessionCookie,
    /// The cookie by which the browser is known from now on, where it changes.
    pub device: Option<DeviceCookie>,
}

/// A wish to sign up.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// As typed.
    pub email: String,
    /// As received.
    pub password: Secret,
    /// As typed.
    pub name: Option<String>,
}

/// A wish to log in.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// As typed.
    pub email: String,
    /// As received.
    pub password: Secret,
    /// Whether the cookie is to outlive the browser.
    pub remember: bool,
    /// The live session of the same browser, which the new one replaces.
    pub replaces: Option<SessionId>,
}

/// Why a request was not carried out. Every variant has a problem in the contract.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The credentials lead nowhere: one answer for every cause.
    #[error("the credentials are not valid")]
    InvalidCredentials,
    /// The session that asked is no longer alive.
    #[error("not signed in")]
    NotSignedIn,
    /// The password given as proof is not the user's.
    #[error("the password is wrong")]
    WrongPassword,
    /// The operation needs a recent proof of who asks.
    #[error("a recent proof is needed")]
    ReauthenticationRequired,
    /// Without this user nobody could manage the others any more.
    #[error("the user is the last active admin")]
    LastAdmin,
    /// The address that an admin gave belongs to a user.
    #[error("a user has the address")]
    AddressTaken,
    /// The user may not change like this while it is deactivated.
    #[error("the user is deactivated")]
    UserDeactivated,
    /// A mailed link that was used, has expired, was superseded, or never was: one answer for all.
    #[error("the link leads nowhere any more")]
    LinkDead,
    /// Too many attempts: to be tried again after so long.
    #[error("too many attempts")]
    Throttled(Duration),
    /// Sign-up is closed.
    #[error("sign-up is closed")]
    SignUpClosed,
    /// A flow at an identity provider did not go well.
    #[error(transparent)]
    Social(#[from] SocialRefusal),
    /// A read model is not worked on.
    #[error(transparent)]
    Runs(#[from] RunRefusal),
    /// Fields break a rule; all of them at once.
    #[error("some fields are not valid")]
    Invalid(Vec<FieldError>),
    /// There is no such thing for this user.
    #[error("not found")]
    NotFound,
    /// Others changed the same thing again and again; to be tried again.
    #[error("changed at the same time by others")]
    Conflict,
    /// No room now: to be tried again after so long.
    #[error("busy")]
    Busy(Duration),
    /// Something broke.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// Its name, as in the request.
    pub field: String,
    /// Stable, snake case: `too_short`, `too_common`, `not_an_address` ….
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// One session of a user, for its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// The session.
    pub id: SessionId,
    /// When it started.
    pub started_at: Timestamp,
    /// When its idle deadline last moved.
    pub last_seen_at: Timestamp,
    /// Its idle deadline.
    pub idle_until: Timestamp,
    /// Its absolute deadline.
    pub absolute_until: Timestamp,
    /// How it was opened: `password`, `social`.
    pub method: String,
    /// The identity provider that it was opened by.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// One row of a login history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEntry {
    /// Names the row.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// `success` or `failure`.
    pub outcome: String,
    /// Why it failed; `several` for failures that are not recorded singly.
    pub reason: Option<String>,
    /// How many failures the row stands for, where it is several.
    pub failures: Option<u32>,
    /// `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The session that it opened.
    pub session: Option<SessionId>,
    /// When that session ended, where it did.
    pub ended_at: Option<Timestamp>,
    /// How it ended: `logged_out`, `revoked`, `replaced`, `expired`, `epoch` ….
    pub end_reason: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Opaque; absent on the last page.
    pub next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// From the page before.
    pub cursor: Option<String>,
    /// 1 to 200.
    pub limit: u16,
}

/// Facts of the configuration that the HTTP layer works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port that people see, without a trailing slash: the own origin.
    pub public_url: String,
    /// Whether the public URL is https: decides cookie names and `Secure`.
    pub https: bool,
    /// Other origins that may call, each as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Peers whose `X-Forwarded-For` counts, as (network, prefix length).
    pub trusted_proxies: Vec<(IpAddr, u8)>,
    /// Name of the readable cookie: `csrftoken`.
    pub csrf_cookie: String,
    /// Name of the header: `X-CSRFToken`.
    pub csrf_header: String,
    /// Key of the CSRF HMACs.
    pub csrf_key: [u8; 32],
    /// Largest accepted body, in bytes.
    pub body_limit: usize,
    /// Longest time in which a whole body arrives.
    pub body_timeout: Duration,
    /// Whether sign-up is open.
    pub signup_enabled: bool,
    /// Whether an address must be proven before the account can be used.
    pub verify_email: bool,
    /// Fewest characters of a password.
    pub password_min_length: usize,
    /// Most characters of a new password.
    pub password_max_length: usize,
    /// Absolute lifetime of a session of a user without a role.
    pub session_absolute: Duration,
    /// Idle lifetime of the same.
    pub session_idle: Duration,
}

/// What a page that follows its session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// From now on nothing is missed. The session and its user as they are.
    Connected(LiveSession),
    /// The deadlines of the session, or the last proof, have moved.
    Refreshed(LiveSession),
    /// The session has got another cookie; whoever holds that may follow it anew. The last notice.
    Renewed,
    /// Something of the user has changed.
    UserChanged(LiveSession),
    /// The session is over, for this reason: as [`LoginEntry::end_reason`]. The last notice.
    SignedOut(&'static str),
}

/// A page that follows its session, until it is dropped.
#[async_trait]
pub trait Tab: Send {
    /// Waits for the next notice. `None`: no more will come, and where none said why, the service cannot tell.
    async fn next(&mut self) -> Option<Notice>;
}

/// A message of the mailbox of developers, for its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailEntry {
    /// Names it: letters, digits, `-` and `_`.
    pub id: String,
    /// The address that it went to.
    pub to: String,
    /// One line.
    pub subject: String,
    /// As it stands in the message.
    pub date: String,
}

/// A message of the mailbox of developers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// As in the list.
    pub entry: MailEntry,
    /// Its text, where it has one.
    pub text: Option<String>,
    /// Its HTML, where it has some.
    pub html: Option<String>,
}

/// Mail that was sent, for developers.
#[async_trait]
pub trait Mailbox: Send + Sync {
    /// The latest messages, newest first.
    async fn mails(&self) -> Result<Vec<MailEntry>, Fault>;
    /// One message; `None` when there is none of that id.
    async fn mail(&self, id: &str) -> Result<Option<Mail>, Fault>;
}

/// The service behind the API.
#[async_trait]
pub trait App: Social + Proofs + Audit + Runs + Users + Glance + Send + Sync + 'static {
    /// The service's clock.
    fn now(&self) -> Timestamp;
    /// A fresh id for a request.
    fn request_id(&self) -> Uuid;
    /// 32 fresh random bytes.
    fn random(&self) -> [u8; 32];
    /// The configuration that the HTTP layer needs.
    fn settings(&self) -> &Settings;
    /// Mail that was sent, for developers. Without it `/dev/mailbox` is not found.
    fn mailbox(&self) -> Option<&dyn Mailbox> {
        None
    }

    /// What memory knows about a cookie's value. No I/O.
    fn check(&self, cookie: &str) -> Check;
    /// What the log knows about it. `None`: dead or forged.
    async fn resolve(&self, cookie: &str) -> Result<Option<LiveSession>, Fault>;
    /// Notes that the session was used. Moves its idle deadline in the background, at most once per twelfth of it.
    fn touch(&self, session: &LiveSession);
    /// Follows the session of a cookie for one open page. That is no use of the session.
    async fn follow(&self, cookie: &SessionCookie) -> Result<Box<dyn Tab>, Refusal>;

    /// Begins an account. The same answer whether the address is known or not.
    async fn sign_up(&self, wish: SignUp, origin: &Origin) -> Result<(), Refusal>;
    /// Follows a mailed link that proves an address: of a sign-up, or of a change of address.
    async fn verify_email(&self, token: Secret, origin: &Origin) -> Result<(), Refusal>;
    /// Sends the link of a sign-up once more. The same answer whether there is one or not.
    async fn resend_verification(&self, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Sends a link to set another password. The same answer whether the address is known or not.
    async fn request_password_reset(&self, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Sets another password by such a link, and ends every session.
    async fn reset_password(&self, token: Secret, new: Secret, origin: &Origin) -> Result<(), Refusal>;
    /// Sends a link to another address, which takes effect when it is followed. The same answer whether the address is
    /// taken or not.
    async fn change_email(&self, session: &LiveSession, email: String, origin: &Origin) -> Result<(), Refusal>;
    /// Opens a session.
    async fn log_in(&self, wish: LogIn, origin: &Origin) -> Result<Opened, Refusal>;
    /// Ends the session. Once it returns, nobody accepts its cookie.
    async fn log_out(&self, session: SessionId, origin: &Origin) -> Result<(), Refusal>;
    /// Moves the idle deadline now.
    async fn refresh(&self, session: SessionId, origin: &Origin) -> Result<LiveSession, Refusal>;
    /// Takes a password as fresh proof; the session gets a new secret.
    async fn reauthenticate(&self, session: &LiveSession, password: Secret, origin: &Origin)
    -> Result<Opened, Refusal>;
    /// Changes the password, ends every other session and gives the own one a new secret.
    async fn change_password(
        &self,
        session: &LiveSession,
        current: Secret,
        new: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal>;
    /// Changes the name; `None` removes it.
    async fn rename(
        &self,
        session: &LiveSession,
        name: Option<String>,
        origin: &Origin,
    ) -> Result<LiveSession, Refusal>;

    /// Ends the account: when it returns, nobody can read any more who the user was. Needs a recent proof.
    async fn erase_me(&self, session: &LiveSession, origin: &Origin) -> Result<(), Refusal>;
    /// Everything that is known about the user. Needs a recent proof.
    async fn export(&self, session: &LiveSession) -> Result<Export, Refusal>;

    /// The user's live sessions, newest first.
    async fn sessions(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal>;
    /// Ends one of the user's own sessions.
    async fn revoke(&self, session: &LiveSession, other: SessionId, origin: &Origin) -> Result<(), Refusal>;
    /// Ends every session of the user but the one that asks, which gets a new secret.
    async fn revoke_others(&self, session: &LiveSession, origin: &Origin) -> Result<Opened, Refusal>;
    /// The user's own login history, newest first.
    async fn logins(&self, user: UserId, page: PageRequest) -> Result<Page<LoginEntry>, Refusal>;
}

/// A part of the service that must work before traffic is sent to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Short, stable: `log`, `sessions`, `keys`.
    pub name: String,
    /// Why it is not ready; `None` when it is.
    pub fault: Option<String>,
}

/// What machines that watch the service ask.
#[async_trait]
pub trait Health: Send + Sync + 'static {
    /// Every part that readiness depends on.
    async fn parts(&self) -> Vec<Part>;
    /// All metrics, in the `OpenMetrics` text format.
    fn metrics(&self) -> String;
    /// How far this node has read the log: an ending before it is accepted nowhere on it.
    fn position(&self) -> String;
}
