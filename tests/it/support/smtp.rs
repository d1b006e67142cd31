//! A mail server of a test's own: `tools/smtp/server.mjs`.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use serde::Deserialize;
use tempfile::TempDir;

use super::{letters::Mail, ports::free_port};

/// A mail server, gone with the test.
pub(crate) struct MailServer {
    port: u16,
    process: Option<Child>,
    directory: TempDir,
}

/// A message that it took.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Received {
    /// Who sent it, by the envelope.
    pub(crate) from: String,
    /// To whom, by the envelope.
    pub(crate) to: Vec<String>,
    /// Whether the connection was encrypted.
    pub(crate) secure: bool,
    /// Who was signed in.
    pub(crate) user: Option<String>,
    /// The message.
    pub(crate) data: String,
}

impl Received {
    /// A header of one line.
    pub(crate) fn header(&self, name: &str) -> &str {
        let start = format!("{name}: ");
        let line = self.data.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_else(|| panic!("no {name} in {}", self.data))
    }
}

impl Received {
    /// As people read it.
    pub(crate) fn mail(&self) -> Mail {
        Mail::read(&self.data)
    }
}

impl MailServer {
    /// Has a port, on which nobody listens yet.
    pub(crate) fn prepare() -> Self {
        let directory = tempfile::Builder::new().prefix("doorbook-smtp-").tempdir().unwrap();
        Self {
            port: free_port(),
            process: None,
            directory,
        }
    }

    /// Starts with these settings, which the script explains, and takes mail when it returns.
    pub(crate) fn start(&mut self, settings: &[&str]) {
        assert!(self.process.is_none(), "the mail server runs already");
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/smtp");
        let installed = tools.join("node_modules/smtp-server").is_dir();
        assert!(
            installed,
            "run `npm ci --ignore-scripts` in tools/smtp, as `cargo xtask test` does"
        );
        let mut server = Command::new("node")
            .arg(tools.join("server.mjs"))
            .arg(self.directory.path())
            .arg(self.port.to_string())
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(line, "ready\n", "the mail server did not start");
        self.process = Some(server);
    }

    /// Stops; connections break off.
    pub(crate) fn stop(&mut self) {
        let mut process = self.process.take().unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its certificate, once it has started encrypted.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The messages whose id names this letter, in the order in which they came.
    pub(crate) fn letters(&self, name: &str) -> Vec<Received> {
        let files = (0..).map(|number| self.directory.path().join(format!("{number}.json")));
        let texts = files.map_while(|file| fs::read_to_string(file).ok());
        let all = texts.map(|text| serde_json::from_str::<Received>(&text).unwrap());
        all.filter(|mail| mail.header("Message-ID").contains(&format!(".{name}@")))
            .collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.stop();
        }
    }
}
