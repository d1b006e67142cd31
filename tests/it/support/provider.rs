//! An identity provider of the tests: GitHub's and Facebook's manners, and an OpenID provider that can lie.

mod desk;
mod pause;
mod token;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use poem::{Server, listener::TcpAcceptor};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

pub(crate) use self::token::Lie;
use super::Service;

const CLIENT_ID: &str = "doorbook-client";
const CLIENT_SECRET: &str = "client-secret-canary-0123456789abcdef";
/// What no log, database or answer may ever hold.
pub(crate) const CANARIES: [&str; 4] = [
    "canary-access-token",
    "canary-refresh-token",
    "canary-code",
    CLIENT_SECRET,
];

/// Where codes are taken by a provider that sends people elsewhere.
const MOVED: &str = "/moved/token";

/// How it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Google,
    Oidc,
    Github,
    Facebook,
}

/// Who sits at the provider.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) email: Option<String>,
    pub(crate) verified: bool,
    pub(crate) name: String,
}

impl Person {
    /// Somebody with an address that the provider has verified.
    pub(crate) fn verified(id: u64, email: &str) -> Self {
        Self {
            id,
            email: Some(email.to_owned()),
            verified: true,
            name: "Ada".to_owned(),
        }
    }
}

/// What was agreed when a code was given out.
#[derive(Debug, Clone)]
struct Grant {
    person: Person,
    challenge: String,
    redirect_uri: String,
    nonce: Option<String>,
    /// A new login was asked for, and was made.
    login_again: bool,
}

#[derive(Default)]
struct State {
    codes: HashMap<String, Grant>,
    tokens: HashMap<String, Grant>,
    lie: Option<Lie>,
    /// Everything is answered with 503.
    down: bool,
    /// Nothing is answered at all.
    silent: bool,
    /// Everybody has to wait.
    paused: bool,
    /// Who waits.
    waiting: usize,
    exchanges: usize,
    count: u64,
}

/// A provider that runs for one test.
pub(crate) struct Provider {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    origin: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    /// Starts one on a free port.
    pub(crate) async fn start(kind: Kind, name: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let endpoint = desk::routes(kind, &origin, &state);
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        let task = tokio::spawn(async move {
            let _ = Server::new_with_acceptor(acceptor).run(endpoint).await;
        });
        Self {
            kind,
            name: name.to_owned(),
            origin,
            state,
            task,
        }
    }

    /// Makes a service know it.
    pub(crate) fn configure(&self, service: &mut Service) {
        let name = self.name.to_uppercase();
        let mut set = |field: &str, value: &str| service.set(&format!("SOCIAL__{name}__{field}"), value);
        let kind = match self.kind {
            Kind::Google => "google",
            Kind::Oidc => "oidc",
            Kind::Github => "github",
            Kind::Facebook => "facebook",
        };
        set("KIND", kind);
        set("CLIENT_ID", CLIENT_ID);
        set("CLIENT_SECRET", CLIENT_SECRET);
        let at = |path: &str| format!("{}{path}", self.origin);
        if matches!(self.kind, Kind::Google | Kind::Oidc) {
            set("ISSUER", &self.origin);
        } else {
            set("AUTHORIZE_URL", &at("/authorize"));
            set("TOKEN_URL", &at("/token"));
            set("USERINFO_URL", &at("/me"));
        }
        if self.kind == Kind::Github {
            set("EMAILS_URL", &at("/me/emails"));
        }
        service.set("SOCIAL__ALLOW_INTERNAL", "true");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// From now on it lies like this.
    pub(crate) fn lies(&self, lie: Option<Lie>) {
        self.state().lie = lie;
    }

    /// Whether it answers nothing of use.
    pub(crate) fn is_down(&self, down: bool) {
        self.state().down = down;
    }

    /// From now on it takes requests and answers none.
    pub(crate) fn falls_silent(&self) {
        self.state().silent = true;
    }

    /// How often a code was presented to it.
    pub(crate) fn exchanges(&self) -> usize {
        self.state().exchanges
    }

    /// Somebody opens the page and agrees: the query that the browser brings back, in the form of the callback.
    pub(crate) fn agree(&self, authorize_url: &str, person: &Person) -> Back {
        let url = Url::parse(authorize_url).unwrap();
        assert!(
            authorize_url.starts_with(&format!("{}/authorize?", self.origin)),
            "{authorize_url}"
        );
        let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(query["response_type"], "code");
        assert_eq!(query["client_id"], CLIENT_ID);
        assert_eq!(query["code_challenge_method"], "S256");
        let mut state = self.state();
        state.count += 1;
        let code = format!("canary-code-{}-{}", self.name, state.count);
        let grant = Grant {
            person: person.clone(),
            challenge: query["code_challenge"].clone(),
            redirect_uri: query["redirect_uri"].clone(),
            nonce: query.get("nonce").cloned(),
            login_again: query.get("max_age").is_some_and(|age| age == "0"),
        };
        state.codes.insert(code.clone(), grant);
        Back {
            code,
            state: query["state"].clone(),
            iss: matches!(self.kind, Kind::Google | Kind::Oidc).then(|| match state.lie {
                Some(Lie::CallbackIssuer) => "https://other.example".to_owned(),
                _ => self.origin.clone(),
            }),
        }
    }
}

/// What a browser brings back from a provider.
#[derive(Debug, Clone)]
pub(crate) struct Back {
    pub(crate) code: String,
    pub(crate) state: String,
    pub(crate) iss: Option<String>,
}

impl Back {
    pub(crate) fn body(&self) -> Value {
        json!({"code": self.code, "state": self.state, "iss": self.iss})
    }

    pub(crate) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", &self.code).append_pair("state", &self.state);
        if let Some(iss) = &self.iss {
            query.append_pair("iss", iss);
        }
        query.finish()
    }
}
