//! What the session check is compared with: a plain poem endpoint under the middleware of the service, in a process of
//! its own that differs from the service's by nothing else.

use std::{
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use doorbook::{
    clock::Clock,
    ids,
    server::{
        self,
        prompt::{Crowd, Prompt},
    },
};
use doorbook_domain::{
    id::{LinkId, SessionId, UserId},
    time::Timestamp,
};
use doorbook_openapi::{
    app::{
        App, Check, LiveSession, LogIn, LoginEntry, Opened, Origin, Page, PageRequest, Refusal, Secret, SessionCookie,
        SessionEntry, Settings, SignUp, Tab,
    },
    audit::{Audit, EventFilter, EventRecord, LoginBatches, LoginFilter, LoginRecord, SessionRecord, UserRecord},
    behind_edge,
    export::Export,
    social::{Landed, ProviderEntry, Return, Social, SocialAccountEntry, Start, Started},
};
use doorbook_projections::fault::Fault;
use poem::{IntoResponse as _, endpoint::make_sync};
use uuid::Uuid;

use crate::{process::Running, service};

/// The argument that makes this program the baseline's server.
pub(crate) const CHILD: &str = "child-baseline";

/// Starts the server in a child and waits until it listens. Its answers have bodies of this many bytes.
pub(crate) fn start(length: usize) -> (Running, std::net::SocketAddr) {
    let address = service::free();
    let mut command = Command::new(std::env::current_exe().unwrap());
    let child = Running(
        command
            .args([CHILD, &address.to_string(), &length.to_string()])
            .spawn()
            .unwrap(),
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(address).is_err() {
        assert!(Instant::now() < deadline, "the baseline does not listen");
        thread::sleep(Duration::from_millis(10));
    }
    (child, address)
}

/// Answers `200 OK` on `address`, with a body of `length` bytes, until it is killed.
pub(crate) fn serve(address: &str, length: &str) {
    let address = address.parse().unwrap();
    let body: &'static str = "OK".repeat(length.parse::<usize>().unwrap() / 2).leak();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let endpoint = behind_edge(Arc::new(Nobody(settings())), make_sync(move |_| body.into_response()));
        let acceptor = Prompt::bind(address, Crowd::everybody(Vec::new())).await.unwrap();
        server::run(acceptor, endpoint, std::future::pending(), Duration::ZERO).await;
    });
}

fn settings() -> Settings {
    Settings {
        public_url: "http://localhost:8080".to_owned(),
        https: false,
        allowed_origins: Vec::new(),
        trusted_proxies: Vec::new(),
        csrf_cookie: "csrftoken".to_owned(),
        csrf_header: "X-CSRFToken".to_owned(),
        csrf_key: [7; 32],
        body_limit: 1 << 20,
        body_timeout: Duration::from_secs(10),
        signup_enabled: true,
        verify_email: false,
        password_min_length: 8,
        password_max_length: 1024,
        session_absolute: Duration::from_hours(14 * 24),
        session_idle: Duration::from_hours(7 * 24),
    }
}

/// A service that does nothing but name requests.
struct Nobody(Settings);

/// What an operation says that is never asked for.
const NEVER: &str = "the baseline has no operations";

#[async_trait]
impl App for Nobody {
    fn now(&self) -> Timestamp {
        Clock::system().now()
    }

    fn request_id(&self) -> Uuid {
        ids::uuid_v4()
    }

    fn random(&self) -> [u8; 32] {
        ids::random()
    }

    fn settings(&self) -> &Settings {
        &self.0
    }

    fn check(&self, _: &str) -> Check {
        unreachable!("{NEVER}")
    }

    async fn resolve(&self, _: &str) -> Result<Option<LiveSession>, Fault> {
        unreachable!("{NEVER}")
    }

    async fn follow(&self, _: &SessionCookie) -> Result<Box<dyn Tab>, Refusal> {
        unreachable!("{NEVER}")
    }

    fn touch(&self, _: &LiveSession) {
        unreachable!("{NEVER}")
    }

    async fn sign_up(&self, _: SignUp, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn verify_email(&self, _: Secret, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn resend_verification(&self, _: String, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn request_password_reset(&self, _: String, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn reset_password(&self, _: Secret, _: Secret, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn change_email(&self, _: &LiveSession, _: String, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn log_in(&self, _: LogIn, _: &Origin) -> Result<Opened, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn log_out(&self, _: SessionId, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn refresh(&self, _: SessionId, _: &Origin) -> Result<LiveSession, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn reauthenticate(&self, _: &LiveSession, _: Secret, _: &Origin) -> Result<Opened, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn change_password(&self, _: &LiveSession, _: Secret, _: Secret, _: &Origin) -> Result<Opened, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn rename(&self, _: &LiveSession, _: Option<String>, _: &Origin) -> Result<LiveSession, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn sessions(&self, _: UserId, _: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn revoke(&self, _: &LiveSession, _: SessionId, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn revoke_others(&self, _: &LiveSession, _: &Origin) -> Result<Opened, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn erase_me(&self, _: &LiveSession, _: &Origin) -> Result<(), Refusal> {
        unreachable!("{NEVER}")
    }

    async fn export(&self, _: &LiveSession) -> Result<Export, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn logins(&self, _: UserId, _: PageRequest) -> Result<Page<LoginEntry>, Refusal> {
        unreachable!("{NEVER}")
    }
}

#[async_trait]
impl Social for Nobody {
    fn providers(&self) -> Vec<ProviderEntry> {
        unreachable!("{NEVER}")
    }

    async fn start_social(&self, _: Start, _: &Origin) -> Result<Started, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn land_social(&self, _: Return, _: &Origin) -> Landed {
        unreachable!("{NEVER}")
    }

    async fn continue_social(
        &self,
        _: &LiveSession,
        _: &str,
        _: Option<Secret>,
        _: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn social_accounts(&self, _: UserId) -> Result<Vec<SocialAccountEntry>, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn unlink_social(&self, _: &LiveSession, _: LinkId, _: &Origin) -> Result<Opened, Refusal> {
        unreachable!("{NEVER}")
    }
}

#[async_trait]
impl Audit for Nobody {
    async fn search_logins(
        &self,
        _: &LiveSession,
        _: LoginFilter,
        _: PageRequest,
        _: &Origin,
    ) -> Result<Page<LoginRecord>, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn export_logins(
        &self,
        _: &LiveSession,
        _: LoginFilter,
        _: &'static str,
        _: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn sessions_as_of(
        &self,
        _: &LiveSession,
        _: Timestamp,
        _: Option<UserId>,
        _: PageRequest,
        _: &Origin,
    ) -> Result<Page<SessionRecord>, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn user_as_of(
        &self,
        _: &LiveSession,
        _: UserId,
        _: Option<Timestamp>,
        _: &Origin,
    ) -> Result<UserRecord, Refusal> {
        unreachable!("{NEVER}")
    }

    async fn search_events(
        &self,
        _: &LiveSession,
        _: EventFilter,
        _: PageRequest,
        _: &Origin,
    ) -> Result<Page<EventRecord>, Refusal> {
        unreachable!("{NEVER}")
    }
}
