use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use poem::{Endpoint, EndpointExt as _, Request, Response, Server, http::StatusCode, listener::TcpAcceptor};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use super::*;

const PATIENCE: Duration = Duration::from_millis(400);
const START: Timestamp = Timestamp::from_micros(1_795_435_200_000_000);

/// A provider that can fall silent.
#[derive(Default)]
struct State {
    silent: AtomicBool,
    asked: AtomicUsize,
}

struct Provider {
    state: Arc<State>,
    settings: Settings,
    http: Outbound,
    cache: Cache,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State::default());
        let endpoint = endpoint(issuer.clone(), Arc::clone(&state));
        let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
        let task = tokio::spawn(async move {
            let _ = Server::new_with_acceptor(acceptor).run(endpoint).await;
        });
        let settings = Settings {
            issuer,
            authorize_url: None,
            token_url: None,
            userinfo_url: None,
            jwks_url: None,
        };
        Self {
            state,
            settings,
            http: Outbound::new(true, PATIENCE).unwrap(),
            cache: Cache::default(),
            task,
        }
    }

    async fn get(&self, hours: u64) -> Result<Published, ProviderError> {
        let now = START.plus(Duration::from_hours(hours));
        self.cache.get(&self.http, &self.settings, now).await
    }

    fn falls_silent(&self) {
        self.state.silent.store(true, Ordering::Relaxed);
    }

    fn asked(&self) -> usize {
        self.state.asked.load(Ordering::Relaxed)
    }
}

fn endpoint(issuer: String, state: Arc<State>) -> impl Endpoint {
    poem::endpoint::make(move |request: Request| {
        let (issuer, state) = (issuer.clone(), Arc::clone(&state));
        async move {
            if request.uri().path() == "/keys" {
                return answer(&json!({"keys": []}));
            }
            state.asked.fetch_add(1, Ordering::Relaxed);
            if state.silent.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_mins(1)).await;
                return Response::builder().status(StatusCode::SERVICE_UNAVAILABLE).finish();
            }
            answer(&json!({
                "issuer": issuer,
                "authorization_endpoint": format!("{issuer}/authorize"),
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/keys"),
            }))
        }
    })
    .boxed()
}

fn answer(body: &serde_json::Value) -> Response {
    Response::builder()
        .content_type("application/json")
        .body(body.to_string())
}

#[tokio::test]
async fn silent_provider_costs_all_who_wait_one_timeout_together() {
    let provider = Provider::start().await;
    provider.falls_silent();
    let begun = Instant::now();
    let answers = join_all((0..20).map(|_| provider.get(0))).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Err(ProviderError::Down(_))))
    );
    assert!(begun.elapsed() < PATIENCE * 3, "{:?}", begun.elapsed());
    let begun = Instant::now();
    assert!(provider.get(0).await.is_err());
    assert!(begun.elapsed() < PATIENCE / 2, "the failure is remembered");
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn stale_document_serves_while_the_provider_is_silent_and_not_for_ever() {
    let provider = Provider::start().await;
    provider.get(0).await.unwrap();
    provider.falls_silent();
    assert!(provider.get(0).await.is_ok(), "it is fresh");
    // One asks, and the others do not even wait for that.
    let begun = Instant::now();
    let (asks, quick) = tokio::join!(provider.get(2), async {
        let answers = join_all((0..9).map(|_| provider.get(2))).await;
        (answers, begun.elapsed())
    });
    assert!(asks.is_ok() && quick.0.iter().all(Result::is_ok));
    assert!(quick.1 < PATIENCE, "{:?}", quick.1);
    assert_eq!(provider.asked(), 2);
    assert!(provider.get(25).await.is_err(), "it is a day old");
}

#[tokio::test]
async fn failure_is_forgotten_and_the_next_one_asks_again() {
    let provider = Provider::start().await;
    provider.falls_silent();
    assert!(provider.get(0).await.is_err());
    provider.state.silent.store(false, Ordering::Relaxed);
    assert!(provider.get(0).await.is_err());
    tokio::time::sleep(FAILED_FOR).await;
    assert!(provider.get(0).await.is_ok());
}

#[tokio::test]
async fn provider_that_is_configured_whole_is_asked_for_its_keys_only() {
    let mut provider = Provider::start().await;
    let at = |path: &str| Url::parse(&format!("{}/{path}", provider.settings.issuer)).ok();
    provider.settings = Settings {
        authorize_url: at("elsewhere"),
        token_url: at("token"),
        userinfo_url: at("userinfo"),
        jwks_url: at("keys"),
        ..provider.settings.clone()
    };
    let published = provider.get(0).await.unwrap();
    assert_eq!(published.metadata.issuer, provider.settings.issuer);
    assert_eq!(published.metadata.authorization_endpoint.path(), "/elsewhere");
    assert_eq!(provider.asked(), 0, "the discovery document was asked for");
    provider.settings.jwks_url = None;
    provider.cache = Cache::default();
    provider.get(0).await.unwrap();
    assert_eq!(provider.asked(), 1, "one endpoint is known from there only");
}
