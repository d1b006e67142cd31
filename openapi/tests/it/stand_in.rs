//! A service in memory: one user, any number of sessions, and a switch for everything that can break.

mod audit;
mod mailbox;
mod own;
mod proofs;
pub(crate) mod runs;
mod settings;
mod social;
mod users;

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use doorbook_domain::{
    id::{SessionId, UserId},
    time::Timestamp,
};
use doorbook_openapi::{
    app::*,
    export::Export,
    social::*,
    users::{UserAction, UserSearch},
};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use self::own::{OpenPage, entry, export, logins};
pub(crate) use self::{own::session, settings::settings, social::account};

/// 2026-11-23T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);
pub(crate) const EMAIL: &str = "ada@example.org";
pub(crate) const PASSWORD: &str = "correct horse battery staple";
/// What a mailed link would carry.
pub(crate) const TOKEN: &str = "AQGTq1xkd7eKj3uYb9nXwQ0…";

/// What is to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    Nothing,
    /// Memory knows no cookie, and the log cannot be read.
    Log,
    /// The commands panic.
    Panics,
    /// No hash can be computed now.
    Full,
    /// Everybody changes everything.
    Contended,
    /// Sign-up is closed.
    Closed,
    /// The user is the last admin.
    LastAdmin,
    /// The user has proven nothing lately.
    Unproven,
    /// Flows at providers end like this.
    Social(SocialRefusal),
}

pub(crate) struct StandIn {
    pub(crate) settings: Settings,
    pub(crate) broken: Mutex<Broken>,
    pub(crate) sessions: Mutex<HashMap<String, LiveSession>>,
    pub(crate) origins: Mutex<Vec<Origin>>,
    pub(crate) pages: Mutex<Vec<PageRequest>>,
    pub(crate) searches: Mutex<Vec<UserSearch>>,
    pub(crate) actions: Mutex<Vec<UserAction>>,
    pub(crate) wishes: Mutex<Vec<LogIn>>,
    pub(crate) starts: Mutex<Vec<Start>>,
    pub(crate) returns: Mutex<Vec<Return>>,
    pub(crate) touched: AtomicU64,
    /// Whether it shows the mail that it sends.
    pub(crate) shows_mail: AtomicBool,
    pub(crate) notices: Mutex<Vec<Notice>>,
    counter: AtomicU64,
}

impl StandIn {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            broken: Mutex::new(Broken::Nothing),
            sessions: Mutex::default(),
            origins: Mutex::default(),
            pages: Mutex::default(),
            searches: Mutex::default(),
            actions: Mutex::default(),
            wishes: Mutex::default(),
            starts: Mutex::default(),
            returns: Mutex::default(),
            touched: AtomicU64::new(0),
            shows_mail: AtomicBool::new(false),
            notices: Mutex::default(),
            counter: AtomicU64::new(1),
        })
    }

    pub(crate) fn breaks(&self, broken: Broken) {
        *self.broken.lock().unwrap() = broken;
    }

    pub(crate) fn touches(&self) -> u64 {
        self.touched.load(Ordering::Relaxed)
    }

    fn count(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    fn gate(&self, origin: &Origin) -> Result<(), Refusal> {
        self.origins.lock().unwrap().push(origin.clone());
        match *self.broken.lock().unwrap() {
            Broken::Nothing | Broken::Log | Broken::Closed | Broken::LastAdmin | Broken::Unproven => Ok(()),
            Broken::Social(refusal) => Err(refusal.into()),
            Broken::Panics => panic!("secret-in-a-panic"),
            Broken::Full => Err(Refusal::Busy(Duration::from_millis(1500))),
            Broken::Contended => Err(Refusal::Conflict),
        }
    }

    fn open(&self, session: LiveSession) -> Opened {
        let cookie = format!("secret-{}", self.count());
        let mut sessions = self.sessions.lock().unwrap();
        sessions.retain(|_, other| other.id != session.id);
        sessions.insert(cookie.clone(), session.clone());
        Opened {
            session,
            cookie: SessionCookie(cookie),
            device: Some(DeviceCookie("a-device".to_owned())),
        }
    }

    fn end(&self, id: SessionId) -> bool {
        let mut sessions = self.sessions.lock().unwrap();
        let before = sessions.len();
        sessions.retain(|_, session| session.id != id);
        sessions.len() < before
    }
}

#[async_trait]
impl App for StandIn {
    fn now(&self) -> Timestamp {
        NOW
    }

    fn request_id(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.count()))
    }

    fn random(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&self.count().to_be_bytes());
        bytes
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    fn mailbox(&self) -> Option<&dyn Mailbox> {
        let mailbox: &dyn Mailbox = self;
        self.shows_mail.load(Ordering::Relaxed).then_some(mailbox)
    }

    fn check(&self, cookie: &str) -> Check {
        if *self.broken.lock().unwrap() == Broken::Log {
            return Check::Unknown;
        }
        match self.sessions.lock().unwrap().get(cookie) {
            Some(session) => Check::Live(session.clone()),
            None if cookie.starts_with("unread-") => Check::Unknown,
            None => Check::Dead,
        }
    }

    async fn resolve(&self, cookie: &str) -> Result<Option<LiveSession>, Fault> {
        if *self.broken.lock().unwrap() == Broken::Log {
            return Err(Fault::plain("secret-of-the-log"));
        }
        Ok((cookie == "unread-1").then(|| session(1, true)))
    }

    fn touch(&self, _: &LiveSession) {
        self.touched.fetch_add(1, Ordering::Relaxed);
    }

    async fn follow(&self, cookie: &SessionCookie) -> Result<Box<dyn Tab>, Refusal> {
        match *self.broken.lock().unwrap() {
            Broken::Log => return Err(Fault::plain("secret-of-the-log").into()),
            Broken::Full => return Err(Refusal::Busy(Duration::from_millis(1500))),
            Broken::Contended => return Err(Refusal::Throttled(Duration::from_millis(1500))),
            Broken::Nothing
            | Broken::Panics
            | Broken::Closed
            | Broken::LastAdmin
            | Broken::Unproven
            | Broken::Social(_) => {}
        }
        let live = self.sessions.lock().unwrap().get(&cookie.0).cloned();
        let live = live.ok_or(Refusal::NotSignedIn)?;
        let mut notices = VecDeque::from([Notice::Connected(live.clone())]);
        notices.extend(self.notices.lock().unwrap().iter().cloned());
        Ok(Box::new(OpenPage(notices)))
    }

    async fn judge_password(
        &self,
        field: &str,
        new: &Secret,
        _: [Option<&str>; 2],
        origin: &Origin,
    ) -> Result<Vec<FieldError>, Refusal> {
        self.gate(origin)?;
        if *self.broken.lock().unwrap() == Broken::Log {
            return Err(Fault::plain("secret-of-the-log").into());
        }
        let is_short = new.0.len() < 8;
        Ok(Vec::from_iter(is_short.then(|| FieldError {
            field: field.into(),
            code: "too_short".into(),
            message: "…".into(),
        })))
    }

    async fn sign_up(&self, wish: SignUp, origin: &Origin) -> Result<(), Refusal> {
        if *self.broken.lock().unwrap() == Broken::Closed {
            return Err(Refusal::SignUpClosed);
        }
        let errors = self
            .judge_password("password", &wish.password, [None, None], origin)
            .await?;
        if errors.is_empty() {
            Ok(())
        } else {
            Err(Refusal::Invalid(errors))
        }
    }

    async fn verify_email(&self, token: Secret, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if token.0 == TOKEN {
            Ok(())
        } else {
            Err(Refusal::LinkDead)
        }
    }

    async fn resend_verification(&self, _: String, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)
    }

    async fn request_password_reset(&self, _: String, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)
    }

    async fn reset_password(&self, token: Secret, _: Secret, origin: &Origin) -> Result<(), Refusal> {
        self.verify_email(token, origin).await
    }

    async fn change_email(&self, session: &LiveSession, _: String, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if session.authenticated_at == NOW {
            Ok(())
        } else {
            Err(Refusal::ReauthenticationRequired)
        }
    }

    async fn log_in(&self, wish: LogIn, origin: &Origin) -> Result<Opened, Refusal> {
        self.gate(origin)?;
        self.wishes.lock().unwrap().push(wish.clone());
        if wish.email != EMAIL || wish.password.0 != PASSWORD {
            return Err(Refusal::InvalidCredentials);
        }
        if let Some(id) = wish.replaces {
            self.end(id);
        }
        Ok(self.open(session(self.count(), wish.remember)))
    }

    async fn log_out(&self, session: SessionId, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if self.end(session) {
            Ok(())
        } else {
            Err(Refusal::NotSignedIn)
        }
    }

    async fn refresh(&self, session: SessionId, origin: &Origin) -> Result<LiveSession, Refusal> {
        self.gate(origin)?;
        let mut sessions = self.sessions.lock().unwrap();
        let live = sessions
            .values_mut()
            .find(|live| live.id == session)
            .ok_or(Refusal::NotSignedIn)?;
        live.idle_until = live.absolute_until;
        Ok(live.clone())
    }

    async fn reauthenticate(
        &self,
        session: &LiveSession,
        password: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        self.gate(origin)?;
        if password.0 != PASSWORD {
            return Err(Refusal::WrongPassword);
        }
        Ok(self.open(session.clone()))
    }

    async fn change_password(
        &self,
        session: &LiveSession,
        current: Secret,
        new: Secret,
        origin: &Origin,
    ) -> Result<Opened, Refusal> {
        if new.0.len() < 8 {
            let error = FieldError {
                field: "new_password".into(),
                code: "too_short".into(),
                message: "…".into(),
            };
            return Err(Refusal::Invalid(vec![error]));
        }
        self.reauthenticate(session, current, origin).await
    }

    async fn rename(
        &self,
        session: &LiveSession,
        name: Option<String>,
        origin: &Origin,
    ) -> Result<LiveSession, Refusal> {
        self.gate(origin)?;
        Ok(LiveSession {
            identity: Identity::new(EMAIL, name.as_deref()),
            ..session.clone()
        })
    }

    async fn erase_me(&self, session: &LiveSession, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if *self.broken.lock().unwrap() == Broken::LastAdmin {
            return Err(Refusal::LastAdmin);
        }
        self.end(session.id);
        Ok(())
    }

    async fn export(&self, session: &LiveSession) -> Result<Export, Refusal> {
        if *self.broken.lock().unwrap() == Broken::Unproven {
            return Err(Refusal::ReauthenticationRequired);
        }
        Ok(export(session))
    }

    async fn sessions(&self, _: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        let next_cursor = (page.limit == 1).then(|| "next".to_owned());
        self.pages.lock().unwrap().push(page);
        let items = self.sessions.lock().unwrap().values().map(entry).collect();
        Ok(Page { items, next_cursor })
    }

    async fn revoke(&self, _: &LiveSession, other: SessionId, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if self.end(other) {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }

    async fn revoke_others(&self, session: &LiveSession, origin: &Origin) -> Result<Opened, Refusal> {
        self.gate(origin)?;
        self.sessions.lock().unwrap().clear();
        Ok(self.open(session.clone()))
    }

    async fn logins(&self, _: UserId, page: PageRequest) -> Result<Page<LoginEntry>, Refusal> {
        self.pages.lock().unwrap().push(page);
        Ok(logins())
    }
}
