//! From which pages a request may come, and what browsers are told.

use poem::http::Method;
use serde_json::json;

use crate::{
    stand_in::{EMAIL, PASSWORD},
    support::Browser,
};

const OWN: &str = "http://localhost:8080";
const LISTED: &str = "http://localhost:5173";

#[tokio::test]
async fn pages_are_told_apart() {
    let foreign = [
        "http://127.0.0.1:8080",
        "https://localhost:8080",
        "http://localhost:8080/",
        "http://localhost",
        "null",
    ];
    let mut table = vec![
        (None, None, true),
        (None, Some("same-origin"), true),
        (None, Some("none"), true),
        (None, Some("same-site"), false),
        (None, Some("cross-site"), false),
        (None, Some("anything"), false),
        (Some(OWN), None, true),
        (Some(OWN), Some("same-origin"), true),
        (Some(OWN), Some("cross-site"), false),
        (Some(LISTED), None, true),
        (Some(LISTED), Some("same-site"), true),
        (Some(LISTED), Some("cross-site"), true),
    ];
    table.extend(foreign.map(|origin| (Some(origin), None, false)));
    table.extend(foreign.map(|origin| (Some(origin), Some("same-origin"), false)));
    for (origin, site, passes) in table {
        let mut browser = Browser::new();
        browser.get("/api/csrf").await;
        let mut asked = browser
            .post("/api/login")
            .json(&json!({"email": EMAIL, "password": PASSWORD}));
        if let Some(origin) = origin {
            asked = asked.header("origin", origin);
        }
        if let Some(site) = site {
            asked = asked.header("sec-fetch-site", site);
        }
        let answer = asked.send().await;
        if passes {
            assert_eq!(answer.status, 200, "{origin:?} {site:?}");
        } else {
            let problem = answer.is_problem(403, "origin-refused");
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains("http.public_url") && detail.contains(OWN), "{detail}");
        }
    }
}

#[tokio::test]
async fn origin_that_comes_twice_is_refused() {
    let mut browser = Browser::new();
    let asked = browser.post("/api/logout").header("origin", OWN).header("origin", OWN);
    asked.send().await.is_problem(403, "origin-refused");
}

#[tokio::test]
async fn logout_without_a_session_needs_the_origin_check_only() {
    let mut browser = Browser::new();
    assert_eq!(browser.post("/api/logout").send().await.status, 200);
    assert_eq!(
        browser
            .post("/api/logout")
            .header("origin", OWN)
            .no_csrf()
            .send()
            .await
            .status,
        200
    );
    let foreign = browser.post("/api/logout").header("origin", "https://evil.example");
    foreign.send().await.is_problem(403, "origin-refused");
}

#[tokio::test]
async fn reading_is_free_for_every_page() {
    let mut browser = Browser::signed_in().await;
    let asked = browser
        .ask(Method::GET, "/api/session")
        .header("origin", "https://evil.example");
    let answer = asked.header("sec-fetch-site", "cross-site").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn listed_origin_may_read_every_answer_with_credentials() {
    let mut browser = Browser::signed_in().await;
    for (path, status) in [
        ("/api/session", 200),
        ("/api/nothing", 404),
        ("/api/sessions?limit=0", 422),
    ] {
        let answer = browser.ask(Method::GET, path).header("origin", LISTED).send().await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert!(answer.header("vary").unwrap().contains("Origin"));
    }
}

#[tokio::test]
async fn no_other_origin_is_told_that_it_may_read() {
    for origin in [
        OWN,
        "http://localhost:5174",
        "http://LOCALHOST:5173",
        "null",
        "*",
        "http://localhost:5173.evil.example",
    ] {
        let answer = Browser::new()
            .ask(Method::GET, "/api/session")
            .header("origin", origin)
            .send()
            .await;
        assert!(
            !answer
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("access-control-")),
            "{origin}"
        );
        assert!(answer.header("vary").unwrap().contains("Origin"));
    }
}

#[tokio::test]
async fn preflight_of_a_listed_origin_is_answered() {
    let asked = |origin: &'static str| async move {
        let mut browser = Browser::new();
        let asked = browser.ask(Method::OPTIONS, "/api/sessions").header("origin", origin);
        let asked = asked.header("access-control-request-method", "DELETE");
        asked
            .header("access-control-request-headers", "x-csrftoken")
            .send()
            .await
    };
    let answer = asked(LISTED).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED));
    assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("DELETE, GET, HEAD"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("content-type, x-csrftoken")
    );

    let answer = asked("https://evil.example").await;
    answer.is_problem(405, "method-not-allowed");
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
