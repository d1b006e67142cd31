//! Cookies, CSRF and origins, as `docs/security.md` promises them.

use reqwest::Method;
use serde_json::json;

use crate::support::{Database, PASSWORD, Service, SetCookie};

on_each_store!(
    planted_session_id_is_never_adopted,
    session_of_an_attacker_is_not_taken_over
);

const EMAIL: &str = "ada@example.org";

fn assert_attributes(cookie: &SetCookie) {
    assert_eq!(cookie.attribute("samesite"), Some("Lax"), "{cookie:?}");
    assert_eq!(cookie.attribute("path"), Some("/"), "{cookie:?}");
    assert!(!cookie.has("domain"), "{cookie:?}");
    assert!(!cookie.has("secure"), "plain http on localhost: {cookie:?}");
    assert!(
        cookie.name.len() + cookie.value.len() <= 4096,
        "RFC 6265bis: browsers drop more"
    );
}

#[tokio::test]
async fn session_cookie_is_http_only_and_dies_with_the_browser_unless_remembered() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    for (remember, lifetime) in [(false, None), (true, Some(14 * 24 * 60 * 60))] {
        let wish = json!({"email": EMAIL, "password": PASSWORD, "remember": remember});
        let answer = ada.post("/api/login", &wish).await.expect(200);
        let cookie = answer.cookie("sessionid").unwrap();
        assert_attributes(&cookie);
        assert!(cookie.has("httponly"), "{cookie:?}");
        let max_age = cookie
            .attribute("max-age")
            .map(|seconds| seconds.parse::<i64>().unwrap());
        assert_eq!(max_age.is_some(), lifetime.is_some(), "{cookie:?}");
        assert!(
            max_age
                .zip(lifetime)
                .is_none_or(|(said, due)| (due - 60..=due).contains(&said)),
            "{cookie:?}"
        );
        assert!(
            !answer.body.contains(&cookie.value),
            "the value appears in Set-Cookie only"
        );
    }
}

#[tokio::test]
async fn csrf_cookie_can_be_read_by_script_and_changes_at_login_and_logout() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.anonymous();
    let token = ada.get("/api/csrf").await.expect(200);
    let cookie = token.cookie("csrftoken").unwrap();
    assert_attributes(&cookie);
    assert!(!cookie.has("httponly"));
    assert_eq!(token.json()["csrf_token"], cookie.value);

    ada.try_sign_up(EMAIL).await.unwrap().expect(202);
    let signed_in = ada
        .log_in(EMAIL)
        .await
        .cookie("csrftoken")
        .expect("a login changes the token");
    assert_ne!(signed_in.value, cookie.value);
    let out = ada.try_log_out().await.unwrap().expect(200);
    assert_eq!(out.header("clear-site-data"), Some("\"storage\""));
    let gone = out.cookie("sessionid").unwrap();
    assert!(
        gone.removes() && gone.attribute("expires") == Some("Thu, 01 Jan 1970 00:00:00 GMT"),
        "{gone:?}"
    );
    assert_attributes(&gone);
    assert_ne!(ada.jar().value("csrftoken"), Some(signed_in.value));
}

async fn planted_session_id_is_never_adopted(database: Database) {
    let service = Service::start(database).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    for planted in [
        "0",
        "0190a0a0-0000-7000-8000-000000000000.AAAA",
        "'; drop table events; --",
        &"a".repeat(4000),
    ] {
        let ada = service.anonymous();
        ada.get("/api/csrf").await.expect(200);
        ada.jar().plant("sessionid", planted);
        assert!(!ada.is_signed_in().await);
        ada.log_in(EMAIL).await;
        assert_ne!(ada.session_cookie().as_deref(), Some(planted));
        let eve = service.anonymous();
        eve.jar().plant("sessionid", planted);
        assert!(!eve.is_signed_in().await);
    }
}

async fn session_of_an_attacker_is_not_taken_over(database: Database) {
    let service = Service::start(database).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    let eve = service.signed_up("eve@example.org").await;
    let planted = eve.session_cookie().unwrap();

    let ada = eve.twin();
    ada.log_in(EMAIL).await;

    assert_ne!(ada.session_cookie().unwrap(), planted);
    assert_eq!(ada.get("/api/me").await.expect(200).json()["email"], EMAIL);
    assert!(
        !eve.is_signed_in().await,
        "the browser's login replaced the planted session"
    );
}

#[tokio::test]
async fn change_without_a_token_of_this_session_is_refused() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    let eve = service.signed_up("eve@example.org").await;
    let foreign = eve.jar().value("csrftoken").unwrap();
    let logout = |token: Option<String>| {
        let mut request = ada.request(Method::POST, "/api/logout");
        if let Some(token) = token {
            request = request.header("x-csrftoken", token);
        }
        request
    };

    for token in [None, Some(String::new()), Some("0".repeat(64)), Some(foreign.clone())] {
        ada.send(logout(token))
            .await
            .unwrap()
            .expect_problem(403, "csrf-failed");
    }
    // Another page on the host can plant cookies: that must not make its token good.
    let tossed = ada.twin();
    tossed.jar().plant("csrftoken", &foreign);
    let request = tossed
        .request(Method::POST, "/api/logout")
        .header("x-csrftoken", foreign);
    tossed.send(request).await.unwrap().expect_problem(403, "csrf-failed");
    assert!(ada.is_signed_in().await);
}

#[tokio::test]
async fn refused_token_brings_a_fresh_one_so_that_one_retry_succeeds() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    ada.jar().plant("csrftoken", "stale");
    ada.try_log_out().await.unwrap().expect_problem(403, "csrf-failed");
    ada.try_log_out().await.unwrap().expect(200);
}

#[tokio::test]
async fn foreign_origin_is_refused_and_told_the_own_one() {
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(EMAIL).await;
    let token = ada.jar().value("csrftoken").unwrap();
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = ada.request(Method::POST, "/api/logout").header("x-csrftoken", &token);
        let mut request = request.build().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        let response = reqwest::Client::new().execute(request).await.unwrap();
        let refused = crate::support::Answer::read(response)
            .await
            .unwrap()
            .expect_any_problem(403);
        assert!(
            name != "origin" || refused.body.contains(&service.origin()),
            "{refused:?}"
        );
    }
    assert!(ada.is_signed_in().await);
}

#[tokio::test]
async fn cookie_that_another_host_tossed_keeps_nobody_from_logging_in() {
    let service = Service::start(Database::Sqlite).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    let ada = service.anonymous();
    ada.get("/api/csrf").await.expect(200);
    let token = ada.jar().value("csrftoken").unwrap();
    let log_in = async |cookies: String, token: &str| {
        let request = reqwest::Client::new().post(format!("{}/api/login", service.origin()));
        let request = request.header("cookie", cookies).header("x-csrftoken", token);
        let wish = serde_json::json!({"email": EMAIL, "password": crate::support::PASSWORD});
        crate::support::Answer::read(request.json(&wish).send().await.unwrap())
            .await
            .unwrap()
    };
    log_in(format!("csrftoken=tossed; csrftoken={token}"), &token)
        .await
        .expect(200);
    log_in("csrftoken=tossed; csrftoken=tossed".to_owned(), "tossed")
        .await
        .expect_problem(403, "csrf-failed");
    let session = format!("csrftoken={token}; sessionid=a; sessionid=b");
    log_in(session, &token).await.expect_problem(400, "duplicate-cookie");
}
