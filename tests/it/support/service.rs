//! The built binary, started for one test and gone with it.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{Caller, caller::PASSWORD, ports::free_port, postgres::OwnDatabase};

/// Longest time from start to ready, and from SIGTERM to the end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    /// Embedded, under the data directory.
    Sqlite,
    /// A database on the server of the tests.
    Postgres,
}

/// A service with a data directory and a database of its own.
pub(crate) struct Service {
    settings: Vec<(String, String)>,
    wrapper: Vec<String>,
    port: u16,
    admin_port: u16,
    process: Option<Child>,
    postgres: Option<OwnDatabase>,
    directory: TempDir,
}

impl Service {
    /// Starts one with the defaults and waits until it is ready.
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, &[]).await
    }

    /// Starts one with some settings of the test's own, as `(key, value)` of the environment, less `DOORBOOK__`.
    pub(crate) async fn start_with(database: Database, settings: &[(&str, &str)]) -> Self {
        let mut service = Self::prepare(database).await;
        for (key, value) in settings {
            service.set(key, value);
        }
        service.start_again().await;
        service
    }

    /// Starts one that wants every address proven by mail, as is the default.
    pub(crate) async fn start_with_mail(database: Database) -> Self {
        Self::start_with(database, &[("SIGNUP__VERIFY_EMAIL", "true")]).await
    }

    /// Prepares one that has not been started.
    pub(crate) async fn prepare(database: Database) -> Self {
        doorbook::tls::install();
        let postgres = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(OwnDatabase::create().await),
        };
        let directory = tempfile::Builder::new().prefix("doorbook-it-").tempdir().unwrap();
        let (port, admin_port) = (free_port(), free_port());
        let mut service = Self {
            settings: Vec::new(),
            wrapper: Vec::new(),
            port,
            admin_port,
            process: None,
            postgres,
            directory,
        };
        service.set("HTTP__LISTEN", &format!("127.0.0.1:{port}"));
        service.set("HTTP__ADMIN_LISTEN", &format!("127.0.0.1:{admin_port}"));
        service.set("HTTP__PUBLIC_URL", &service.origin());
        service.set("DATA__DIR", &service.data().display().to_string());
        service.set("THROTTLE__ENABLED", "false");
        // Those who are about something else sign up without a mail. See `start_with_mail`.
        service.set("SIGNUP__VERIFY_EMAIL", "false");
        if let Some(postgres) = &service.postgres {
            let url = postgres.url();
            service.set("STORE__URL", url.as_str());
        }
        service
    }

    /// Changes a setting for the next start.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.set_variable(&format!("DOORBOOK__{key}"), value);
    }

    /// Changes a variable of the environment for the next start.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Takes a variable of the environment out for the next start.
    pub(crate) fn unset_variable(&mut self, name: &str) {
        self.settings.retain(|(known, _)| known != name);
    }

    /// Puts another program before the binary at the next start. It must become the binary's process.
    pub(crate) fn wrap(&mut self, words: &[&str]) {
        self.wrapper = words.iter().map(|&word| word.to_owned()).collect();
    }

    /// Starts it on what it had, and waits until it is ready.
    pub(crate) async fn start_again(&mut self) {
        self.spawn();
        let deadline = Instant::now() + PATIENCE;
        while !self.is_ready().await {
            let ended = self.process.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "the service ended with {ended:?}:\n{}", self.log());
            assert!(
                Instant::now() < deadline,
                "the service is not ready after {PATIENCE:?}:\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn spawn(&mut self) {
        assert!(self.process.is_none(), "the service runs already");
        let log = File::options().create(true).append(true).open(self.log_file()).unwrap();
        let mut serve = self.wrapped(&["serve"]);
        serve.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(serve.spawn().unwrap());
    }

    async fn is_ready(&self) -> bool {
        let answer = reqwest::get(format!("{}/readyz", self.admin_origin())).await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    fn wrapped(&self, arguments: &[&str]) -> Command {
        let binary = self.command(arguments);
        let Some((program, words)) = self.wrapper.split_first() else {
            return binary;
        };
        let mut command = Command::new(program);
        command.args(words).arg(binary.get_program()).args(binary.get_args());
        command
            .env_clear()
            .envs(binary.get_envs().filter_map(|(key, value)| Some((key, value?))));
        command.current_dir(self.directory.path()).stdin(Stdio::null());
        command
    }

    /// The binary with these arguments and the settings of this service, and nothing else of the environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorbook"));
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.directory.path())
            .stdin(Stdio::null());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("NO_COLOR", "1");
        command.envs(self.settings.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn output(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(arguments);
        tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap()
    }

    /// Runs the binary, which must succeed, and returns what it printed.
    pub(crate) async fn doorbook(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success(),
            "doorbook {arguments:?} ended with {}: {said}",
            output.status
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Tells it to stop: SIGTERM.
    pub(crate) fn tell_to_stop(&self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
    }

    /// Stops it gracefully and returns how it ended.
    pub(crate) async fn stop(&mut self) -> ExitStatus {
        self.tell_to_stop();
        self.ended().await
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut process = self.process.take().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait().unwrap() {
                return status;
            }
            if Instant::now() > deadline {
                process.kill().unwrap();
                process.wait().unwrap();
                panic!("the service has not ended after {PATIENCE:?}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it with `kill -9`.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    fn pid(&self) -> Pid {
        Pid::from_child(self.process.as_ref().unwrap())
    }

    /// Its own origin, as people see it.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Health and metrics.
    pub(crate) fn admin_origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.admin_port)
    }

    /// What it writes.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A place for the test's own files.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its PostgreSQL database.
    pub(crate) fn postgres(&self) -> &OwnDatabase {
        self.postgres.as_ref().expect("this service runs on PostgreSQL")
    }

    /// What it has logged in all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("service.log")
    }

    /// A browser that nobody has used.
    pub(crate) fn anonymous(&self) -> Caller {
        Caller::new(&self.origin())
    }

    /// Somebody with an account and a live session.
    pub(crate) async fn signed_up(&self, email: &str) -> Caller {
        let caller = self.anonymous();
        caller.try_sign_up(email).await.unwrap().expect(202);
        caller.try_log_in(email, PASSWORD).await.unwrap().expect(200);
        caller
    }

    /// How many events the log holds.
    pub(crate) async fn events(&self) -> usize {
        self.doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "1000000"])
            .await
            .lines()
            .count()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
        if std::thread::panicking() {
            eprintln!("the service's log:\n{}", self.log());
        }
    }
}
