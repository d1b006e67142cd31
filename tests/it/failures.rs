//! Every way a request can fail is a problem, and nothing of it reaches the log.

use std::time::Duration;

use futures_util::stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Caller, Database, PASSWORD, Service};

on_each_store!(failed_requests_are_problems_and_leave_the_log_alone);

const EMAIL: &str = "ada@example.org";

/// Requests that fail, each with its status. Bodies are for `POST /api/signup`.
const BODIES: &[(&str, &str, u16)] = &[
    ("bad JSON", "{", 400),
    ("no JSON at all", "", 400),
    ("two values", r#"{"email": "a@example.org", "password": "p"} {}"#, 400),
    (
        "a duplicate key",
        r#"{"email": "a@example.org", "email": "b@example.org", "password": "p"}"#,
        400,
    ),
    (
        "an unknown field",
        r#"{"email": "a@example.org", "password": "a violet anchor in the tundra", "is_staff": true}"#,
        422,
    ),
    (
        "a wrong type",
        r#"{"email": 7, "password": "a violet anchor in the tundra"}"#,
        422,
    ),
    ("a missing field", r#"{"email": "a@example.org"}"#, 422),
    (
        "U+0000",
        r#"{"email": "a@example.org\u0000", "password": "a violet anchor in the tundra"}"#,
        400,
    ),
    (
        "no address",
        r#"{"email": "nobody", "password": "a violet anchor in the tundra"}"#,
        422,
    ),
    ("no object", r#"["a@example.org"]"#, 422),
];

async fn with_token(caller: &Caller, method: Method, path: &str) -> RequestBuilder {
    caller.get("/api/csrf").await.expect(200);
    let token = caller.jar().value("csrftoken").unwrap();
    caller.request(method, path).header("x-csrftoken", token)
}

async fn failed_requests_are_problems_and_leave_the_log_alone(database: Database) {
    let service = Service::start(database).await;
    let ada = service.signed_up(EMAIL).await;
    // The login may be followed by an event of its own: wait for quiet.
    let before = quiet(&service).await;
    let nobody = service.anonymous();

    for (what, body, status) in BODIES {
        let request = with_token(&nobody, Method::POST, "/api/signup").await;
        let request = request.header("content-type", "application/json").body(*body);
        let answer = nobody.send(request).await.unwrap();
        assert_eq!(answer.status.as_u16(), *status, "{what}: {answer:?}");
        answer.expect_any_problem(*status);
    }
    bodies_of_another_kind(&nobody).await;
    for (method, path, status) in [
        (Method::GET, "/api/nothing/here", 404),
        (Method::GET, "/api/me/x.css", 404),
        (Method::PUT, "/api/login", 405),
        (Method::DELETE, "/api/sessions/not-an-id", 404),
    ] {
        let answer = ada.change(method, path, None).await.unwrap().expect_any_problem(status);
        assert_eq!(answer.header("allow").is_some(), status == 405, "{answer:?}");
    }
    for limit in ["0", "201", "many"] {
        ada.get(&format!("/api/sessions?limit={limit}"))
            .await
            .expect_any_problem(422);
    }

    assert!(ada.is_signed_in().await);
    assert_eq!(quiet(&service).await, before, "no event of a failed request");
}

async fn bodies_of_another_kind(nobody: &Caller) {
    let form = with_token(nobody, Method::POST, "/api/login").await;
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(format!("email={EMAIL}&password=x"));
    nobody.send(form).await.unwrap().expect_any_problem(415);

    let bytes = with_token(nobody, Method::POST, "/api/login").await;
    let bytes = bytes
        .header("content-type", "application/json")
        .body(b"{\"email\": \"\xff\"}".to_vec());
    nobody.send(bytes).await.unwrap().expect_any_problem(400);

    let large = with_token(nobody, Method::POST, "/api/login").await;
    let large = large
        .header("content-type", "application/json")
        .body("x".repeat(8 << 20));
    // The service may hang up on a sender that does not stop.
    if let Ok(answer) = nobody.send(large).await {
        answer.expect_any_problem(413);
    }
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 << 10]));
    let endless = with_token(nobody, Method::POST, "/api/login")
        .await
        .body(Body::wrap_stream(endless));
    let endless = endless.header("content-type", "application/json");
    let ended = timeout(Duration::from_secs(20), nobody.send(endless))
        .await
        .expect("an endless body is cut off");
    if let Ok(answer) = ended {
        answer.expect_any_problem(413);
    }
}

/// Number of events once it no longer grows.
async fn quiet(service: &Service) -> usize {
    let mut events = service.events().await;
    loop {
        let now = service.events().await;
        if now == events {
            return now;
        }
        events = now;
    }
}

#[tokio::test]
async fn wrong_fields_are_named_all_at_once() {
    let service = Service::start(Database::Sqlite).await;
    let form = (
        json!({"email": 7, "nickname": "ada"}),
        ["email", "nickname", "password"],
    );
    let rules = (
        json!({"email": "nobody", "password": "short"}),
        ["email", "password", "password"],
    );
    for (wish, fields) in [form, rules] {
        let refused = service
            .anonymous()
            .post("/api/signup", &wish)
            .await
            .expect_problem(422, "invalid")
            .json();
        let errors = refused["errors"].as_array().unwrap_or_else(|| panic!("{refused}"));
        let named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        for field in fields {
            assert!(named.contains(&field), "{field} is not among {named:?}");
        }
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    for path in [
        "/api/session",
        "/api/config",
        "/api/nothing/here",
        "/api/me",
        "/api/openapi.json",
        "/api/docs",
    ] {
        let answer = ada.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert!(answer.header("referrer-policy").is_some(), "{path}");
        let policy = answer
            .header("content-security-policy")
            .unwrap_or_else(|| panic!("{path} has no CSP"));
        for directive in ["frame-ancestors", "object-src 'none'", "base-uri 'none'"] {
            assert!(
                policy.contains(directive) || policy.contains("default-src 'none'"),
                "{path}: {policy}"
            );
        }
        assert!(
            policy.contains("frame-ancestors") && !policy.contains("unsafe-inline"),
            "{path}: {policy}"
        );
        assert!(
            answer.header("strict-transport-security").is_none(),
            "{path}: plain http on localhost"
        );
        if !path.starts_with("/api/docs") && path != "/api/openapi.json" {
            assert!(
                answer
                    .header("cache-control")
                    .is_some_and(|value| value.contains("no-store")),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn no_secret_and_no_address_is_logged() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    ada.try_log_in(EMAIL, "not the password").await.unwrap().expect(401);
    let (cookie, token) = (ada.session_cookie().unwrap(), ada.jar().value("csrftoken").unwrap());
    ada.try_log_out().await.unwrap().expect(200);
    let log = service.log();
    for secret in [EMAIL, PASSWORD, "not the password", cookie.as_str(), token.as_str()] {
        assert!(!log.contains(secret), "{secret} stands in the log");
    }
}

#[tokio::test]
async fn garbage_instead_of_http_hurts_nobody() {
    let service = Service::start(Database::Sqlite).await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET\r\n\r\n",
        b"POST /api/login HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(service.address()).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // It may hang up without a word, but it must hang up.
        let _ = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer))
            .await
            .expect("it hangs up");
        assert!(!answer.starts_with(b"HTTP/1.1 2") && !answer.starts_with(b"HTTP/1.1 5"));
    }
    service.anonymous().get("/api/session").await.expect(200);
}
