use std::sync::{Arc, Mutex};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use poem::{EndpointExt as _, Request, Response, Server, endpoint::make, http::StatusCode, listener::TcpAcceptor};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpListener;

use super::{ADA, log_in, service};
use crate::support::{Database, Kind, Person, Provider};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A hook that answers as it is told, and keeps what it was asked.
async fn hook(status: u16, answer: Value, late: bool) -> (String, Arc<Mutex<Vec<Value>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let endpoint = make(move |mut request: Request| {
        let (kept, answer) = (Arc::clone(&kept), answer.to_string());
        async move {
            let header = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            let (id, at, signature) = (
                header("webhook-id"),
                header("webhook-timestamp"),
                header("webhook-signature"),
            );
            let body = request.take_body().into_vec().await.unwrap();
            let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
            mac.update(format!("{id}.{at}.").as_bytes());
            mac.update(&body);
            let own = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
            assert_eq!(signature, own);
            kept.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
            if late {
                tokio::time::sleep(std::time::Duration::from_secs(4)).await;
            }
            Response::builder()
                .status(StatusCode::from_u16(status).unwrap())
                .body(answer)
        }
    });
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let acceptor = TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(Server::new_with_acceptor(acceptor).run(endpoint.boxed()));
    (url, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_is_asked_with_a_signature_and_may_correct_the_name() {
    let (url, asked) = hook(200, json!({"allow": true, "name": "Countess"}), false).await;
    let google = Provider::start(Kind::Google, "google").await;
    let settings = [("SOCIAL__HOOK_URL", url.as_str()), ("SOCIAL__HOOK_SECRET", SECRET)];
    let service = service(Database::Sqlite, &[&google], &settings).await;
    for _ in 0..2 {
        let answer = log_in(&service.anonymous(), &google, &Person::verified(1, ADA)).await;
        assert_eq!(answer.expect(200).json()["user"]["name"], "Countess");
    }
    let asked = asked.lock().unwrap();
    let question = json!({"action": "sign-up", "provider": "google", "subject": "1", "email": ADA,
        "email_verified": true, "name": "Ada"});
    assert_eq!(*asked, [question]);
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_that_cannot_be_reached_refuses_and_whoever_is_known_comes_in() {
    let google = Provider::start(Kind::Google, "google").await;
    let settings = [
        ("SOCIAL__HOOK_URL", "http://127.0.0.1:1/"),
        ("SOCIAL__HOOK_SECRET", SECRET),
    ];
    let mut service = service(Database::Sqlite, &[&google], &settings).await;
    let answer = log_in(&service.anonymous(), &google, &Person::verified(1, ADA)).await;
    answer.expect_problem(403, "not-admitted");
    let (url, asked) = hook(200, json!({"allow": true}), false).await;
    service.stop().await;
    service.set("SOCIAL__HOOK_URL", &url);
    service.start_again().await;
    log_in(&service.anonymous(), &google, &Person::verified(1, ADA))
        .await
        .expect(200);
    service.stop().await;
    service.set("SOCIAL__HOOK_URL", "http://127.0.0.1:1/");
    service.start_again().await;
    log_in(&service.anonymous(), &google, &Person::verified(1, ADA))
        .await
        .expect(200);
    assert_eq!(asked.lock().unwrap().len(), 1, "nobody is asked about a login");
}

#[tokio::test(flavor = "multi_thread")]
async fn hook_that_gives_no_clear_yes_in_time_refuses() {
    let google = Provider::start(Kind::Google, "google").await;
    for (status, answer, late) in [
        (200, json!({"allow": false}), false),
        (200, json!({}), false),
        (200, json!({"allow": "true"}), false),
        (201, json!({"allow": true}), false),
        (500, json!({"allow": true}), false),
        (200, json!({"allow": true}), true),
    ] {
        let (url, _) = hook(status, answer, late).await;
        let settings = [("SOCIAL__HOOK_URL", url.as_str()), ("SOCIAL__HOOK_SECRET", SECRET)];
        let service = service(Database::Sqlite, &[&google], &settings).await;
        let caller = service.anonymous();
        let answer = log_in(&caller, &google, &Person::verified(1, ADA)).await;
        answer.expect_problem(403, "not-admitted");
        assert!(!caller.is_signed_in().await);
    }
}
