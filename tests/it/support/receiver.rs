//! A receiver of webhooks of a test's own.

use std::{
    collections::VecDeque,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use poem::{EndpointExt as _, Request, Response, Server, endpoint::make, http::StatusCode, listener::TcpAcceptor};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What a receiver does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Answers with this status, and with this `Retry-After`.
    After(u16, &'static str),
    /// Sends the client elsewhere.
    Redirect(String),
    /// Answers 204 after so long.
    Late(Duration),
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Posted {
    /// The headers that begin with `webhook-`, and the type of the content.
    pub(crate) headers: Vec<(String, String)>,
    /// The body, as it came.
    pub(crate) body: String,
}

impl Posted {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).1
    }

    pub(crate) fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// What the library that receivers use makes of it: the body, or why it is not to be trusted.
    pub(crate) fn verified(&self, secret: &str) -> Result<Value, String> {
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/webhook");
        let installed = tools.join("node_modules/standardwebhooks").is_dir();
        assert!(
            installed,
            "run `npm ci --ignore-scripts` in tools/webhook, as `cargo xtask test` does"
        );
        let mut node = Command::new("node")
            .arg(tools.join("verify.mjs"))
            .arg(secret)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let headers: Value = self
            .headers
            .iter()
            .cloned()
            .map(|(name, value)| (name, json!(value)))
            .collect();
        let request = json!({"headers": headers, "body": self.body}).to_string();
        node.stdin.take().unwrap().write_all(request.as_bytes()).unwrap();
        let output = node.wait_with_output().unwrap();
        if output.status.success() {
            Ok(serde_json::from_slice(&output.stdout).unwrap())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

/// It answers as it is told, then as at last, and keeps what came.
pub(crate) struct Receiver {
    port: u16,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Receiver {
    /// Answers with these one after the other; the last one stays.
    pub(crate) async fn start(replies: &[Reply]) -> Self {
        let replies = Arc::new(Mutex::new(replies.iter().cloned().collect::<VecDeque<_>>()));
        let posted = Arc::<Mutex<Vec<Posted>>>::default();
        let (told, kept) = (Arc::clone(&replies), Arc::clone(&posted));
        let endpoint = make(move |mut request: Request| {
            let (told, kept) = (Arc::clone(&told), Arc::clone(&kept));
            async move {
                let body = request.take_body().into_string().await.unwrap();
                let headers = request.headers().iter();
                let headers =
                    headers.filter(|(name, _)| name.as_str().starts_with("webhook-") || *name == "content-type");
                let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
                let headers = headers.collect();
                kept.lock().unwrap().push(Posted { headers, body });
                let reply = next(&told);
                let answer = Response::builder();
                match reply {
                    Reply::Status(status) => answer.status(StatusCode::from_u16(status).unwrap()).finish(),
                    Reply::After(status, span) => answer
                        .status(StatusCode::from_u16(status).unwrap())
                        .header("retry-after", span)
                        .finish(),
                    Reply::Redirect(to) => answer
                        .status(StatusCode::TEMPORARY_REDIRECT)
                        .header("location", to)
                        .finish(),
                    Reply::Late(span) => {
                        tokio::time::sleep(span).await;
                        answer.status(StatusCode::NO_CONTENT).finish()
                    }
                }
            }
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint.boxed()));
        Self { port, replies, posted }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Answers with this from now on.
    pub(crate) fn replies(&self, reply: Reply) {
        *self.replies.lock().unwrap() = VecDeque::from([reply]);
    }

    /// What came, oldest first.
    pub(crate) fn posted(&self) -> Vec<Posted> {
        self.posted.lock().unwrap().clone()
    }

    /// What came of this type.
    pub(crate) fn of(&self, kind: &str) -> Vec<Posted> {
        let posted = self.posted().into_iter();
        posted.filter(|posted| posted.kind() == kind).collect()
    }
}

fn next(replies: &Mutex<VecDeque<Reply>>) -> Reply {
    let mut replies = replies.lock().unwrap();
    if replies.len() > 1 {
        replies.pop_front().unwrap()
    } else {
        replies[0].clone()
    }
}
