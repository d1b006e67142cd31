//! The built service with a data directory of its own, and browsers that ask it.

use std::{
    io::Write,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    load::Connection,
    process::{Running, Watch, cpu_micros},
};

pub(crate) const PASSWORD: &str = "a violet anchor in the tundra";

/// Longest time from start to ready.
const PATIENCE: Duration = Duration::from_mins(1);
/// Longest time until a service with millions of made-up events rests.
const RESTLESS: Duration = Duration::from_mins(30);

/// A place for a service, and the service once it runs.
pub(crate) struct Service {
    settings: Vec<(String, String)>,
    pub(crate) api: SocketAddr,
    admin: SocketAddr,
    process: Option<Running>,
    directory: TempDir,
}

impl Service {
    /// A data directory with settings for SQLite; nothing runs.
    pub(crate) fn prepare() -> Self {
        let directory = tempfile::Builder::new().prefix("doorbook-bench-").tempdir().unwrap();
        let (api, admin) = (free(), free());
        let mut service = Self {
            settings: Vec::new(),
            api,
            admin,
            process: None,
            directory,
        };
        service.set("HTTP__LISTEN", &api.to_string());
        service.set("HTTP__ADMIN_LISTEN", &admin.to_string());
        service.set("HTTP__PUBLIC_URL", &service.origin());
        service.set("DATA__DIR", &service.data().display().to_string());
        service.set("THROTTLE__ENABLED", "false");
        service.set("SIGNUP__VERIFY_EMAIL", "false");
        service.set("LOG__LEVEL", "warn");
        service
    }

    /// Starts one on SQLite and waits until it is ready.
    pub(crate) fn start() -> Self {
        let mut service = Self::prepare();
        service.serve();
        service
    }

    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.settings.push((format!("DOORBOOK__{key}"), value.to_owned()));
    }

    pub(crate) fn serve(&mut self) {
        let process = self.command(&["serve"]).stdout(Stdio::null()).spawn().unwrap();
        self.process = Some(Running(process));
        let ready = format!("GET /readyz HTTP/1.1\r\nhost: {}\r\n\r\n", self.admin);
        let deadline = Instant::now() + PATIENCE;
        let is_ready = || TcpStream::connect(self.admin).is_ok() && is_ok(&Connection::open(self.admin).ask(&ready));
        while !is_ready() {
            assert!(Instant::now() < deadline, "the service is not ready after {PATIENCE:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it as a crash would.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// The binary with the settings of this service and nothing else of the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorbook"));
        command
            .args(arguments)
            .env_clear()
            .envs(self.settings.iter().map(|(key, value)| (key, value)))
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end, with a line of input; it must succeed.
    pub(crate) fn doorbook(&self, arguments: &[&str], input: &str) {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        writeln!(process.stdin.take().unwrap(), "{input}").unwrap();
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "doorbook {arguments:?}: {said}");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.as_ref().expect("the service does not run").0.id()
    }

    /// Builds all read models anew by a process of its own: how many seconds it took, and its largest resident memory in bytes.
    pub(crate) fn rebuild(&self) -> (f64, u64) {
        let begun = Instant::now();
        let mut command = self.command(&["projections", "rebuild", "--all"]);
        let mut process = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let watch = Watch::start(process.0.id());
        let status = process.0.wait().unwrap();
        let took = begun.elapsed().as_secs_f64();
        assert!(status.success(), "the rebuild ended with {status}");
        (took, watch.peak())
    }

    /// Waits until the service rests: it works off what a made-up history left to do, and seals the tree over it.
    pub(crate) fn rest(&self) {
        let begun = Instant::now();
        let window = Duration::from_secs(3);
        loop {
            let before = cpu_micros(self.pid());
            thread::sleep(window);
            if cpu_micros(self.pid()) - before < 0.03 * window.as_secs_f64() * 1e6 {
                return;
            }
            assert!(begun.elapsed() < RESTLESS, "the service does not come to rest");
        }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.api.port())
    }

    /// A browser that nobody has used.
    pub(crate) fn browser(&self) -> Browser {
        let mut browser = Browser {
            origin: self.origin(),
            connection: Connection::open(self.api),
            token: String::new(),
            session: None,
            device: None,
        };
        let answer = browser
            .connection
            .ask(&request("GET", "/api/csrf", &self.origin(), "", ""));
        browser.token = cookie(&answer, "csrftoken").expect("no CSRF cookie");
        browser
    }

    /// Signs somebody up and in, and returns the session cookie.
    pub(crate) fn signed_in(&self, email: &str) -> String {
        let mut browser = self.browser();
        let answer = browser.post("/api/signup", email, PASSWORD);
        assert!(is_ok(&answer), "{answer}");
        let answer = browser.post("/api/login", email, PASSWORD);
        cookie(&answer, "sessionid").unwrap_or_else(|| panic!("no session: {answer}"))
    }

    /// `GET /api/session` with live cookies of as many users.
    pub(crate) fn session_checks(&self, users: usize) -> Vec<String> {
        (0..users)
            .map(|user| self.session_check(&self.signed_in(&format!("user.{user:04}@example.org"))))
            .collect()
    }

    /// `GET /api/session` with this session cookie.
    pub(crate) fn session_check(&self, cookie: &str) -> String {
        request(
            "GET",
            "/api/session",
            &self.origin(),
            &format!("cookie: sessionid={cookie}\r\n"),
            "",
        )
    }
}

/// Somebody over one connection.
pub(crate) struct Browser {
    origin: String,
    connection: Connection,
    token: String,
    /// The session cookie, if there is one.
    session: Option<String>,
    /// By which the service knows the browser again, once somebody has logged in with it.
    device: Option<String>,
}

impl Browser {
    /// Sends an address and a password.
    pub(crate) fn post(&mut self, path: &str, email: &str, password: &str) -> String {
        let request = self.prepared(path, &format!(r#"{{"email":"{email}","password":"{password}"}}"#));
        let answer = self.connection.ask(&request);
        self.device = cookie(&answer, "doorbook_device").or_else(|| self.device.take());
        answer
    }

    /// Sends an address.
    pub(crate) fn post_address(&mut self, path: &str, email: &str) -> String {
        let request = self.prepared(path, &format!(r#"{{"email":"{email}"}}"#));
        self.connection.ask(&request)
    }

    /// Signs in, and stays so.
    pub(crate) fn log_in(&mut self, email: &str, password: &str) {
        let answer = self.post("/api/login", email, password);
        self.session = cookie(&answer, "sessionid");
        self.token = cookie(&answer, "csrftoken").unwrap_or_else(|| panic!("no token: {answer}"));
    }

    /// What asks for `path` with the cookie of whoever is signed in.
    pub(crate) fn get(&self, path: &str) -> String {
        let session = self.session.as_deref().unwrap_or_default();
        request(
            "GET",
            path,
            &self.origin,
            &format!("cookie: sessionid={session}\r\n"),
            "",
        )
    }

    fn prepared(&self, path: &str, body: &str) -> String {
        let Self { origin, token, .. } = self;
        let more = [("sessionid", &self.session), ("doorbook_device", &self.device)];
        let session: String = more
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("; {name}={value}")))
            .collect();
        let headers = format!(
            "cookie: csrftoken={token}{session}\r\nx-csrftoken: {token}\r\norigin: {origin}\r\nsec-fetch-site: same-origin\r\n\
             content-type: application/json\r\n"
        );
        request("POST", path, origin, &headers, body)
    }
}

fn request(method: &str, path: &str, origin: &str, headers: &str, body: &str) -> String {
    let host = origin.trim_start_matches("http://");
    let length = body.len();
    let length = if method == "GET" {
        String::new()
    } else {
        format!("content-length: {length}\r\n")
    };
    format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}{length}\r\n{body}")
}

/// Whether the status of an answer is 2xx.
pub(crate) fn is_ok(answer: &str) -> bool {
    answer.get(9..10) == Some("2")
}

fn cookie(answer: &str, name: &str) -> Option<String> {
    answer
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter(|(header, _)| header.eq_ignore_ascii_case("set-cookie"))
        .find_map(|(_, value)| value.strip_prefix(name)?.strip_prefix('=')?.split(';').next())
        .map(str::to_owned)
}

/// An address that nobody listens on.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}
