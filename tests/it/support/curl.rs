//! The real `curl`, with a cookie jar on disk.

use std::{fs, path::PathBuf, process::Command};

use super::{Answer, Service};

/// A person at a terminal.
pub(crate) struct Curl {
    origin: String,
    jar: PathBuf,
}

impl Curl {
    /// A jar of its own for this service.
    pub(crate) fn of(service: &Service) -> Self {
        Self {
            origin: service.origin(),
            jar: service.directory().join("jar"),
        }
    }

    /// Runs `curl` with the jar; `arguments` come before the URL.
    pub(crate) fn run(&self, path: &str, arguments: &[&str]) -> Answer {
        let jar = self.jar.display().to_string();
        self.fetch(path, &[&["--cookie-jar", &jar, "--cookie", &jar], arguments].concat())
    }

    /// Asks for a page with this `Cookie` header and nothing of the jar.
    pub(crate) fn with_cookie(&self, path: &str, cookie: &str) -> Answer {
        self.fetch(path, &["--cookie", cookie])
    }

    fn fetch(&self, path: &str, arguments: &[&str]) -> Answer {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "30"])
            .args(arguments)
            .arg(format!("{}{path}", self.origin))
            .output()
            .expect("curl is missing: install it (`apt-get install curl`), or run `cargo xtask test`");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Answer::parse(&String::from_utf8(output.stdout).unwrap())
    }

    /// Posts JSON with the CSRF token of the jar.
    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let token = format!(
            "X-CSRFToken: {}",
            self.cookie("csrftoken").expect("the jar has a CSRF token")
        );
        self.run(
            path,
            &[
                "--header",
                &token,
                "--header",
                "Content-Type: application/json",
                "--data",
                body,
            ],
        )
    }

    /// The value of a cookie in the jar.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let jar = fs::read_to_string(&self.jar).unwrap_or_default();
        let mut cookies = jar.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        cookies
            .find(|fields| fields.get(5) == Some(&name))
            .map(|fields| fields[6].to_owned())
    }

    /// Whether the jar keeps the cookie from scripts.
    pub(crate) fn is_http_only(&self, name: &str) -> bool {
        let jar = fs::read_to_string(&self.jar).unwrap_or_default();
        jar.lines()
            .any(|line| line.starts_with("#HttpOnly_") && line.split('\t').nth(5) == Some(name))
    }
}
