//! What proxies are told.

use crate::{
    stand_in::EMAIL,
    support::{Answer, Browser},
};

#[tokio::test]
async fn proxies_are_told_who_asks() {
    let mut browser = Browser::new();
    for path in [
        "/api/authz/auth-request",
        "/api/authz/forward-auth",
        "/api/authz/ext-authz/any/path?x=1",
    ] {
        let answer = browser
            .ask(poem::http::Method::GET, path)
            .header("Remote-User", "admin")
            .send()
            .await;
        answer.is_problem(401, "unauthenticated");
        assert!(answer.header("remote-user").is_none());
    }
    browser.log_in().await;
    for path in [
        "/api/authz/auth-request",
        "/api/authz/forward-auth/",
        "/api/authz/ext-authz",
        "/api/authz/ext-authz/",
    ] {
        let answer = browser
            .ask(poem::http::Method::GET, path)
            .header("Remote-User", "admin")
            .send()
            .await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
        assert_eq!(
            answer.header("remote-user"),
            Some("00000000-0000-0000-0000-000000000ada")
        );
        assert_eq!(answer.header("remote-email"), Some(EMAIL));
        assert_eq!(answer.header("remote-name"), Some("Ada \"Zo%C3%AB\" \\ Lovelace%01"));
        assert_eq!(answer.header("remote-groups"), Some("auditor"));
        for (ours, theirs) in [
            ("remote-user", "x-auth-request-user"),
            ("remote-email", "x-auth-request-email"),
            ("remote-name", "x-auth-request-preferred-username"),
            ("remote-groups", "x-auth-request-groups"),
        ] {
            assert_eq!(answer.header(ours), answer.header(theirs), "{theirs}");
        }
    }
    let line = format!("sessionid={0}; sessionid={0}", browser.jar["sessionid"]);
    let twice = browser
        .ask(poem::http::Method::GET, "/api/authz/auth-request")
        .no_cookies();
    twice
        .header("cookie", line)
        .send()
        .await
        .is_problem(401, "unauthenticated");
}

/// Asks as a proxy does, about a request with these headers.
async fn asked_about(path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut browser = Browser::new();
    let asked = headers
        .iter()
        .fold(browser.ask(poem::http::Method::GET, path), |asked, (name, value)| {
            asked.header(name, *value)
        });
    asked.send().await
}

#[tokio::test]
async fn browser_on_its_way_to_a_page_is_sent_to_log_in_and_nobody_elsewhere() {
    let page = [("Sec-Fetch-Mode", "navigate")];
    let known = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "localhost:5173"),
        ("X-Forwarded-Uri", "/reports?year=2026&all"),
    ];
    let answer = asked_about("/api/authz/forward-auth", &[&page[..], &known[..]].concat()).await;
    assert_eq!((answer.status, answer.text.as_str()), (302, ""));
    assert_eq!(
        answer.header("location"),
        Some(
            "http://localhost:5173/login?from=proxy&return_to=http%3A%2F%2Flocalhost%3A5173%2Freports%3Fyear%3D2026%26all"
        )
    );
    let bare = Some("http://localhost:5173/login?from=proxy");
    for foreign in [
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Host", "localhost:5173@evil.example"),
        ("X-Forwarded-Proto", "javascript"),
        ("X-Forwarded-Uri", "@evil.example/"),
    ] {
        let mut headers = [&page[..], &known[..]].concat();
        headers.retain(|(name, _)| *name != foreign.0);
        headers.push(foreign);
        let answer = asked_about("/api/authz/forward-auth", &headers).await;
        assert_eq!((answer.status, answer.header("location")), (302, bare), "{foreign:?}");
    }
    for path in ["/api/authz/forward-auth", "/api/authz/ext-authz/reports"] {
        let old = asked_about(path, &[("Accept", "text/html,*/*")]).await;
        assert_eq!((old.status, old.header("location")), (302, bare), "{path}");
    }
}

#[tokio::test]
async fn change_that_envoy_asks_about_is_not_sent_to_log_in() {
    let mut browser = Browser::new();
    let asked = browser.ask(poem::http::Method::POST, "/api/authz/ext-authz/form");
    let answer = asked.header("Sec-Fetch-Mode", "navigate").send().await;
    answer.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn script_nginx_and_change_get_401_and_no_page_to_log_in_at() {
    let nginx = asked_about("/api/authz/auth-request", &[("Sec-Fetch-Mode", "navigate")]).await;
    nginx.is_problem(401, "unauthenticated");
    for headers in [
        &[][..],
        &[("Accept", "application/json")],
        &[("Sec-Fetch-Mode", "cors"), ("Accept", "text/html")],
        &[("Sec-Fetch-Mode", "navigate"), ("X-Forwarded-Method", "POST")],
    ] {
        let answer = asked_about("/api/authz/forward-auth", headers).await;
        answer.is_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn envoy_asks_with_any_method_and_path() {
    let mut browser = Browser::signed_in().await;
    for path in [
        "/api/authz/ext-authz",
        "/api/authz/ext-authz/",
        "/api/authz/ext-authz/a/b",
    ] {
        let asked = browser
            .post(path)
            .no_csrf()
            .header("Origin", "https://elsewhere.example");
        assert_eq!(asked.send().await.status, 204, "{path}");
    }
}
