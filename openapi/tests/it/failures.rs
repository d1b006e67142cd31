//! What breaks, and what nobody finds.

use std::net::SocketAddr;

use poem::{
    Addr, Request,
    http::{Method, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use serde_json::{Value, json};

use crate::{
    stand_in::{Broken, EMAIL, PASSWORD},
    support::Browser,
};

fn wish() -> Value {
    json!({"email": EMAIL, "password": PASSWORD})
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    let mut browser = Browser::signed_in().await;
    for path in [
        "/api",
        "/api/",
        "/api/nothing",
        "/nothing",
        "/api/session/x",
        "/api/me/x.css",
        "/api/me//",
        "/api/ME",
        "/api/sessions/a/b",
        "/api/%ff",
        "/..%2fapi/me",
    ] {
        browser.get(path).await.is_problem(404, "not-found");
        browser.post(path).send().await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn wrong_methods_are_told_the_right_ones() {
    let mut browser = Browser::signed_in().await;
    for (path, method, allow) in [
        ("/api/login", "GET", "POST"),
        ("/api/login/", "DELETE", "POST"),
        ("/api/session", "POST", "GET, HEAD"),
        ("/api/session/", "PUT", "GET, HEAD"),
        ("/api/me", "POST", "DELETE, GET, HEAD, PATCH"),
        ("/api/sessions", "PATCH", "DELETE, GET, HEAD"),
        ("/api/sessions/x", "GET", "DELETE"),
        ("/api/logout", "HEAD", "POST"),
        ("/api/config", "OPTIONS", "GET, HEAD"),
        ("/api/config", "TRACE", "GET, HEAD"),
        (
            "/api/authz/ext-authz/any/path",
            "TRACE",
            "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT",
        ),
        ("/api/config", "BREW", "GET, HEAD"),
        ("/api/docs", "POST", "GET, HEAD"),
        ("/", "POST", "GET, HEAD"),
    ] {
        let answer = browser.ask(method.parse().unwrap(), path).send().await;
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        if method != "HEAD" {
            answer.is_problem(405, "method-not-allowed");
        }
    }
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let mut browser = Browser::signed_in().await;
    for path in ["/api/session", "/api/me", "/api/config", "/api/openapi.json", "/"] {
        let get = browser.get(path).await;
        let head = browser.ask(Method::HEAD, path).send().await;
        assert_eq!((head.status, head.text.as_str()), (get.status, ""));
        assert_eq!(
            head.header("content-length"),
            Some(get.text.len().to_string().as_str()),
            "{path}"
        );
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
}

#[tokio::test]
async fn wrong_credentials_are_one_answer() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let unknown = json!({"email": "nobody@example.org", "password": PASSWORD});
    let wrong = json!({"email": EMAIL, "password": "wrong"});
    let unknown = browser.post("/api/login").json(&unknown).send().await;
    let wrong = browser.post("/api/login").json(&wrong).send().await;
    unknown.is_problem(401, "invalid-credentials");
    assert_eq!(unknown.text, wrong.text);
    assert!(unknown.all("set-cookie").is_empty());
}

#[tokio::test]
async fn outage_of_the_log_is_no_logout() {
    let mut browser = Browser::signed_in().await;
    browser.app.breaks(Broken::Log);
    for path in [
        "/api/session",
        "/api/me",
        "/api/users/profile",
        "/api/csrf",
        "/api/authz/auth-request",
    ] {
        let answer = browser.get(path).await;
        answer.is_problem(503, "unavailable");
        assert!(!answer.text.contains("secret"));
        assert!(answer.all("set-cookie").is_empty());
    }
    browser.post("/api/logout").send().await.is_problem(503, "unavailable");
    browser.app.breaks(Broken::Nothing);
    assert_eq!(browser.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn panic_is_a_problem_without_details() {
    let mut browser = Browser::signed_in().await;
    browser.app.breaks(Broken::Panics);
    let answer = browser
        .post("/api/login")
        .json(&wish())
        .header("origin", "http://localhost:5173")
        .send()
        .await;
    answer.is_problem(500, "internal");
    assert!(!answer.text.contains("secret"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("http://localhost:5173")
    );
}

#[tokio::test]
async fn full_and_contended_services_say_when_to_try_again() {
    let mut browser = Browser::signed_in().await;
    browser.app.breaks(Broken::Full);
    let answer = browser.post("/api/login").json(&wish()).send().await;
    answer.is_problem(503, "busy");
    assert_eq!(answer.header("retry-after"), Some("2"));
    browser.app.breaks(Broken::Contended);
    let answer = browser.post("/api/session/refresh").send().await;
    answer.is_problem(409, "conflict");
    assert_eq!(answer.header("retry-after"), Some("1"));
    browser.app.breaks(Broken::Closed);
    browser
        .post("/api/signup")
        .json(&wish())
        .send()
        .await
        .is_problem(403, "sign-up-closed");
}

#[tokio::test]
async fn origin_of_a_request_is_handed_on() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let token = browser.jar["csrftoken"].clone();
    let request = |peer: [u8; 4]| {
        let (parts, ()) = poem::http::Request::builder()
            .method(Method::POST)
            .uri("/api/login")
            .header("cookie", format!("csrftoken={token}"))
            .header("x-csrftoken", &token)
            .header("x-forwarded-for", "6.6.6.6, 192.0.2.7")
            .header("x-request-id", "made-up")
            .header("user-agent", "é".repeat(400))
            .header("content-type", "application/json")
            .body(())
            .unwrap()
            .into_parts();
        let remote = RemoteAddr(Addr::from(SocketAddr::from((peer, 443))));
        Request::from_parts(
            (parts, LocalAddr::default(), remote, Scheme::HTTP).into(),
            wish().to_string().into(),
        )
    };
    let answer = browser.take(request([10, 1, 2, 3])).await;
    browser.take(request([203, 0, 113, 9])).await;
    let origins = browser.app.origins.lock().unwrap().clone();
    assert_eq!(origins[0].ip, Some([192, 0, 2, 7].into()));
    assert_eq!(origins[1].ip, Some([203, 0, 113, 9].into()));
    assert_eq!(origins[0].user_agent.as_deref(), Some("é".repeat(256).as_str()));
    assert_eq!(
        answer.header("x-request-id"),
        Some(origins[0].request_id.to_string().as_str())
    );
}

#[tokio::test]
async fn every_wrong_parameter_of_a_list_is_named() {
    let mut admin = Browser::admin().await;
    for path in [
        "/api/sessions",
        "/api/me/logins",
        "/api/admin/users",
        "/api/admin/projections/users/runs",
        "/api/admin/projections/users/parked",
        "/api/audit/checkpoints",
    ] {
        let answer = admin.get(&format!("{path}?limit=0&cursor=%01&bogus=1")).await;
        let problem = answer.is_problem(422, "invalid");
        let errors = problem["errors"].as_array().unwrap().iter();
        let mut fields: Vec<&str> = errors.map(|error| error["field"].as_str().unwrap()).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["bogus", "cursor", "limit"], "{path}");
    }
    let proofs = "/api/audit/proofs/inclusion?position=x&size=y";
    let problem = admin.get(proofs).await.is_problem(422, "invalid");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 2, "{problem}");
}
