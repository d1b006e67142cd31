//! A service in memory: one user, any number of sessions, and a switch for everything that can break.

mod audit;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use doorbook_domain::{
    id::{LinkId, SessionId, UserId},
    role::{Role, Roles},
    time::Timestamp,
};
use doorbook_openapi::{
    app::*,
    export::{Export, ExportedAddress, ExportedEvent, ExportedProfile, Instant, Json},
    social::*,
    users::{UserAction, UserSearch},
};
use doorbook_projections::fault::Fault;
use uuid::Uuid;

mod proofs;
pub(crate) mod runs;
mod users;

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

pub(crate) fn settings() -> Settings {
    Settings {
        public_url: "http://localhost:8080".to_owned(),
        https: false,
        allowed_origins: vec!["http://localhost:5173".to_owned()],
        trusted_proxies: vec![(IpAddr::from([10, 0, 0, 0]), 8)],
        csrf_cookie: "csrftoken".to_owned(),
        csrf_header: "X-CSRFToken".to_owned(),
        csrf_key: [7; 32],
        body_limit: 1024,
        body_timeout: Duration::from_millis(500),
        signup_enabled: true,
        verify_email: false,
        password_min_length: 8,
        password_max_length: 1024,
        session_absolute: Duration::from_hours(14 * 24),
        session_idle: Duration::from_hours(7 * 24),
    }
}

/// A hostile mail, and one without HTML.
#[async_trait]
impl Mailbox for StandIn {
    async fn mails(&self) -> Result<Vec<MailEntry>, Fault> {
        if *self.broken.lock().unwrap() == Broken::Log {
            return Err(Fault::plain("the mail directory cannot be used"));
        }
        Ok(vec![hostile("m1").entry, hostile("m2").entry])
    }

    async fn mail(&self, id: &str) -> Result<Option<Mail>, Fault> {
        Ok(match id {
            "m1" => Some(hostile(id)),
            "m2" => Some(Mail {
                html: None,
                ..hostile(id)
            }),
            _ => None,
        })
    }
}

fn hostile(id: &str) -> Mail {
    Mail {
        entry: MailEntry {
            id: id.to_owned(),
            to: "\"<i>@example.org".to_owned(),
            subject: "<script>alert(1)</script>".to_owned(),
            date: "Mon, 23 Nov 2026 12:00:00 +0000".to_owned(),
        },
        text: Some("<b> & http://localhost:8080/auth/verify#token=\"x javascript:alert(1)\n".to_owned()),
        html: Some("<p onclick='alert(1)'>hello</p>".to_owned()),
    }
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

pub(crate) fn session(id: u64, remember: bool) -> LiveSession {
    let day = Duration::from_hours(24);
    LiveSession {
        id: SessionId(Uuid::from_u128(u128::from(id))),
        user: UserId(Uuid::from_u128(0xada)),
        epoch: 0,
        roles: Roles::default().with(Role::Auditor),
        identity: Identity::new(EMAIL, Some("Ada \"Zoë\" \\ Lovelace\u{1}")),
        email_verified: true,
        user_since: NOW.minus(day),
        started_at: NOW,
        authenticated_at: NOW,
        idle_until: NOW.plus(day),
        absolute_until: NOW.plus(day * 2),
        remember,
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

    async fn sign_up(&self, wish: SignUp, origin: &Origin) -> Result<(), Refusal> {
        self.gate(origin)?;
        if *self.broken.lock().unwrap() == Broken::Closed {
            return Err(Refusal::SignUpClosed);
        }
        let mut errors = Vec::new();
        let mut note = |field: &str, code: &str| {
            errors.push(FieldError {
                field: field.into(),
                code: code.into(),
                message: "…".into(),
            });
        };
        if !wish.email.contains('@') {
            note("email", "not_an_address");
        }
        if wish.password.0.len() < 8 {
            note("password", "too_short");
        }
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
        let at = || Instant(NOW);
        Ok(Export {
            exported_at: at(),
            complete: true,
            profile: ExportedProfile::new(session.user.0, EMAIL.into(), true, None, session.roles, NOW),
            addresses: vec![ExportedAddress {
                email: EMAIL.into(),
                since: at(),
            }],
            social_accounts: Vec::new(),
            pending: Vec::new(),
            sessions: Vec::new(),
            logins: Vec::new(),
            events: vec![ExportedEvent {
                position: "1".into(),
                stream: format!("user-{}", session.user),
                r#type: "user.registered".into(),
                at: at(),
                data: Json(serde_json::json!({"email": EMAIL})),
            }],
        })
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
        let ok = LoginEntry {
            id: "2".into(),
            at: NOW,
            outcome: "success".into(),
            reason: None,
            failures: None,
            method: "password".into(),
            provider: None,
            ip: Some("192.0.2.1".into()),
            user_agent: Some("curl".into()),
            session: Some(SessionId(Uuid::from_u128(1))),
            ended_at: Some(NOW),
            end_reason: Some("logged_out".into()),
        };
        let failed = LoginEntry {
            id: "1".into(),
            outcome: "failure".into(),
            reason: Some("wrong_password".into()),
            ip: None,
            user_agent: None,
            session: None,
            ended_at: None,
            end_reason: None,
            ..ok.clone()
        };
        Ok(Page {
            items: vec![ok, failed],
            next_cursor: None,
        })
    }
}

/// A page that hears what it is to hear, and then nothing more.
struct OpenPage(VecDeque<Notice>);

#[async_trait]
impl Tab for OpenPage {
    async fn next(&mut self) -> Option<Notice> {
        self.0.pop_front()
    }
}

fn entry(session: &LiveSession) -> SessionEntry {
    SessionEntry {
        id: session.id,
        started_at: session.started_at,
        last_seen_at: session.started_at,
        idle_until: session.idle_until,
        absolute_until: session.absolute_until,
        method: "password".into(),
        provider: None,
        ip: None,
        user_agent: Some("curl".into()),
    }
}

pub(crate) fn account() -> SocialAccountEntry {
    SocialAccountEntry {
        id: LinkId(Uuid::from_u128(5)),
        provider: ProviderEntry {
            id: "github".into(),
            name: "GitHub".into(),
        },
        label: Some(EMAIL.into()),
        linked_at: NOW,
    }
}

#[async_trait]
impl Social for StandIn {
    fn providers(&self) -> Vec<ProviderEntry> {
        vec![account().provider]
    }

    async fn start_social(&self, wish: Start, origin: &Origin) -> Result<Started, Refusal> {
        self.gate(origin)?;
        let browser = wish.browser.clone().unwrap_or(Secret("new-browser".into()));
        self.starts.lock().unwrap().push(wish);
        Ok(Started {
            authorize_url: "https://id.example.org/authorize?state=s".into(),
            browser,
        })
    }

    async fn land_social(&self, back: Return, origin: &Origin) -> Landed {
        let linking = back.session.is_some();
        let refused = self.gate(origin).err();
        self.returns.lock().unwrap().push(back);
        let outcome = match refused {
            Some(refusal) => Err(refusal),
            None if linking => Ok(Arrival::Linked(session(1, true), account())),
            None => Ok(Arrival::Session(self.open(session(self.count(), true)))),
        };
        Landed {
            outcome,
            return_to: Some("/settings?tab=2#top".into()),
        }
    }

    async fn continue_social(
        &self,
        _: &LiveSession,
        _: &str,
        _: Option<Secret>,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        self.gate(origin)?;
        Ok(account())
    }

    async fn social_accounts(&self, _: UserId) -> Result<Vec<SocialAccountEntry>, Refusal> {
        Ok(vec![account()])
    }

    async fn unlink_social(&self, session: &LiveSession, link: LinkId, origin: &Origin) -> Result<Opened, Refusal> {
        self.gate(origin)?;
        if link == account().id {
            Ok(self.open(session.clone()))
        } else {
            Err(Refusal::NotFound)
        }
    }
}
