//! Whether a password is known from a breach, asked of Have I Been Pwned or a service like it (ASVS 6.2.12).
//!
//! Only five digits of the password's SHA-1 leave this machine: some 800 passwords share them, and padding hides how many.
//! A service that does not answer in a second is no reason to refuse anybody.

use std::time::Duration;

use doorbook_domain::seal::hex;
use doorbook_projections::fault::Fault;
use reqwest::{Client, StatusCode, redirect::Policy};
use sha1::{Digest, Sha1};
use url::Url;

/// How long a new password waits for the answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// Digits of the hash that are sent.
const PREFIX: usize = 5;
/// Largest answer, in bytes: a padded one has about 70,000.
const LARGEST: usize = 1 << 20;

/// Why nothing was learned.
#[derive(Debug, thiserror::Error)]
enum Silence {
    #[error(transparent)]
    Broken(#[from] reqwest::Error),
    #[error("the answer has the status {0}")]
    Status(StatusCode),
    #[error("the answer is too large")]
    Large,
}

/// Asks about new passwords.
#[derive(Debug, Clone)]
pub struct Breached {
    client: Client,
    url: Url,
}

impl Breached {
    /// Makes ready to ask at `url`, which ends where the digits follow.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the system gives no HTTP client.
    pub fn new(url: Url) -> Result<Self, Fault> {
        // Whoever was first has installed the same.
        crate::tls::install();
        let client = Client::builder()
            .user_agent("Doorbook")
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .build()
            .map_err(Fault::because(
                "there is no HTTP client to ask about breached passwords with",
            ))?;
        Ok(Self { client, url })
    }

    /// Whether the password is known. `false` when nobody can tell now.
    pub async fn has(&self, password: &str) -> bool {
        match self.ask(password).await {
            Ok(known) => known,
            Err(silence) => {
                tracing::warn!(error = %silence, "`password.hibp.url` did not answer: a new password passed unasked");
                false
            }
        }
    }

    async fn ask(&self, password: &str) -> Result<bool, Silence> {
        let digits = hex(&Sha1::digest(password)).to_uppercase();
        let (prefix, suffix) = digits.split_at(PREFIX);
        let mut url = self.url.clone();
        url.set_path(&format!("{}{prefix}", self.url.path()));
        let answer = self.client.get(url).header("Add-Padding", "true").send().await;
        // The address holds the digits, which no log line needs.
        let mut answer = answer.map_err(reqwest::Error::without_url)?;
        if answer.status() != StatusCode::OK {
            return Err(Silence::Status(answer.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + chunk.len() > LARGEST {
                return Err(Silence::Large);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(String::from_utf8_lossy(&body).lines().any(|line| counts(line, suffix)))
    }
}

/// Whether a line, `<other digits>:<count>`, counts this password. Padding has the count 0.
fn counts(line: &str, suffix: &str) -> bool {
    line.trim().split_once(':').is_some_and(|(digits, count)| {
        digits.eq_ignore_ascii_case(suffix) && count.trim().parse::<u64>().is_ok_and(|count| count > 0)
    })
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        sync::mpsc,
    };

    use super::*;

    /// SHA-1 of `password`: 5BAA6 1E4C9B93F3F0682250B6CF8331B7EE68FD8.
    const SUFFIX: &str = "1E4C9B93F3F0682250B6CF8331B7EE68FD8";

    /// A service that gives every question the same answer, and hands the questions on.
    async fn service(answer: String) -> (Breached, mpsc::UnboundedReceiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/range/", listener.local_addr().unwrap());
        let (asked, questions) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = asked.send(question(&mut stream).await);
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        (Breached::new(url.parse().unwrap()).unwrap(), questions)
    }

    async fn question(stream: &mut TcpStream) -> String {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            text.push(stream.read_u8().await.unwrap());
        }
        String::from_utf8(text).unwrap()
    }

    fn ok(body: &str) -> String {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[tokio::test]
    async fn known_password_is_found_by_five_digits() {
        let body = format!("0018A45C4D1DEF81644B54AB7F969B88D65:10\r\n{SUFFIX}:3861493\r\n");
        let (breached, mut questions) = service(ok(&body)).await;
        assert!(breached.has("password").await);
        assert!(!breached.has("another password").await);
        let question = questions.recv().await.unwrap().to_lowercase();
        assert!(question.starts_with("get /range/5baa6 http/1.1\r\n"), "{question}");
        assert!(question.contains("add-padding: true\r\n"), "{question}");
        assert!(!question.contains(&SUFFIX.to_lowercase()), "{question}");
    }

    #[tokio::test]
    async fn padding_counts_nothing() {
        let (breached, _questions) = service(ok(&format!("{SUFFIX}:0\r\n{SUFFIX}:many\r\n{SUFFIX}\r\n"))).await;
        assert!(!breached.has("password").await);
    }

    #[tokio::test]
    async fn service_that_fails_refuses_nobody() {
        let found = format!("HTTP/1.1 500 X\r\ncontent-length: 37\r\n\r\n{SUFFIX}:1");
        let elsewhere = "HTTP/1.1 302 Found\r\nlocation: /range/other\r\ncontent-length: 0\r\n\r\n";
        for answer in [found, elsewhere.to_owned(), "nonsense".to_owned(), String::new()] {
            let (breached, mut questions) = service(answer).await;
            let began = std::time::Instant::now();
            assert!(!breached.has("password").await);
            assert!(began.elapsed() < 3 * PATIENCE, "{:?}", began.elapsed());
            assert!(questions.recv().await.is_some());
            assert!(
                questions.try_recv().is_err(),
                "a redirect was followed, or it was asked twice"
            );
        }
        let gone = Breached::new("http://127.0.0.1:1/range/".parse().unwrap()).unwrap();
        assert!(!gone.has("password").await);
    }
}
