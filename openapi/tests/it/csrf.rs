//! Who needs which CSRF token.

use serde_json::{Value, json};

use crate::{
    stand_in::{EMAIL, PASSWORD},
    support::Browser,
};

fn wish() -> Value {
    json!({"email": EMAIL, "password": PASSWORD})
}

#[tokio::test]
async fn login_needs_a_token_and_one_retry_succeeds() {
    let mut browser = Browser::new();
    let answer = browser.post("/api/login").json(&wish()).send().await;
    let problem = answer.is_problem(403, "csrf-failed");
    assert!(problem["detail"].as_str().unwrap().contains("X-CSRFToken"));
    assert!(answer.set_cookie("csrftoken").is_some());
    assert_eq!(browser.post("/api/login").json(&wish()).send().await.status, 200);
}

#[tokio::test]
async fn without_a_session_the_header_must_equal_the_cookie_and_be_ours() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let ours = browser.jar["csrftoken"].clone();
    browser.jar.clear();
    browser.get("/api/csrf").await;
    let theirs = browser.jar["csrftoken"].clone();
    assert_ne!(ours, theirs);
    for (cookie, header, passes) in [
        (Some(ours.as_str()), Some(ours.as_str()), true),
        (Some(&ours), Some(&theirs), false),
        (Some(&ours), None, false),
        (None, Some(&ours), false),
        (Some("made-up"), Some("made-up"), false),
        (Some(""), Some(""), false),
    ] {
        let mut asked = browser.post("/api/login").no_cookies().no_csrf().json(&wish());
        if let Some(cookie) = cookie {
            asked = asked.header("cookie", format!("csrftoken={cookie}"));
        }
        if let Some(header) = header {
            asked = asked.header("x-csrftoken", header);
        }
        let answer = asked.send().await;
        assert_eq!(answer.status == 200, passes, "{cookie:?} {header:?}");
        if !passes {
            answer.is_problem(403, "csrf-failed");
        }
    }
}

#[tokio::test]
async fn header_that_comes_twice_is_refused() {
    let mut browser = Browser::signed_in().await;
    let token = browser.jar["csrftoken"].clone();
    let asked = browser.post("/api/session/refresh").no_csrf();
    let answer = asked
        .header("x-csrftoken", &token)
        .header("x-csrftoken", &token)
        .send()
        .await;
    answer.is_problem(403, "csrf-failed");
}

#[tokio::test]
async fn with_a_session_only_its_own_token_passes() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let anonymous = browser.jar["csrftoken"].clone();
    browser.log_in().await;
    let first = browser.jar["csrftoken"].clone();
    browser.log_in().await;
    let own = browser.jar["csrftoken"].clone();

    for (token, passes) in [(own.as_str(), true), (&first, false), (&anonymous, false), ("", false)] {
        // The cookie does not matter here: the token is bound to the session itself.
        browser.jar.insert("csrftoken".to_owned(), token.to_owned());
        let answer = browser.post("/api/session/refresh").send().await;
        assert_eq!(answer.status == 200, passes, "{token}");
        browser.jar.remove("csrftoken");
        let answer = browser
            .post("/api/session/refresh")
            .header("x-csrftoken", token)
            .send()
            .await;
        assert_eq!(answer.status == 200, passes, "{token}");
    }
}

#[tokio::test]
async fn every_state_change_of_the_signed_in_needs_a_token() {
    let mut browser = Browser::signed_in().await;
    for (method, path) in [
        ("POST", "/api/login"),
        ("POST", "/api/signup"),
        ("POST", "/api/logout"),
        ("POST", "/api/session/refresh"),
        ("POST", "/api/session/reauthenticate"),
        ("POST", "/api/password/change"),
        ("PATCH", "/api/me"),
        ("DELETE", "/api/sessions"),
        ("DELETE", "/api/sessions/00000000-0000-7000-8000-000000000000"),
    ] {
        let asked = browser.ask(method.parse().unwrap(), path).no_csrf().json(&json!({}));
        let answer = asked.send().await;
        answer.is_problem(403, "csrf-failed");
        assert!(answer.set_cookie("csrftoken").is_some());
        assert!(answer.set_cookie("sessionid").is_none());
    }
    assert!(
        browser.app.origins.lock().unwrap().len() == 1,
        "something was carried out"
    );
}

#[tokio::test]
async fn token_of_the_session_survives_new_secrets() {
    let mut browser = Browser::signed_in().await;
    let token = browser.jar["csrftoken"].clone();
    let proof = json!({"password": PASSWORD});
    browser.post("/api/session/reauthenticate").json(&proof).send().await;
    assert_eq!(browser.jar["csrftoken"], token);
    assert_eq!(browser.post("/api/session/refresh").send().await.status, 200);
}

#[tokio::test]
async fn token_changes_at_login_and_logout() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let before = browser.jar["csrftoken"].clone();
    browser.log_in().await;
    let inside = browser.jar["csrftoken"].clone();
    browser.post("/api/logout").send().await;
    let after = browser.jar["csrftoken"].clone();
    assert!(before != inside && inside != after && before != after);
    assert_eq!(browser.post("/api/login").json(&wish()).send().await.status, 200);
}

#[tokio::test]
async fn token_that_still_fits_is_given_again() {
    let mut browser = Browser::new();
    let first = browser.get("/api/csrf").await;
    let token = browser.jar["csrftoken"].clone();
    assert_eq!(first.json(), json!({"csrf_token": token}));
    let second = browser.get("/api/csrf").await;
    assert_eq!(first.text, second.text);
    assert!(second.set_cookie("csrftoken").is_some());
    browser.jar.insert("csrftoken".to_owned(), "planted".to_owned());
    assert_ne!(browser.get("/api/csrf").await.json()["csrf_token"], "planted");
}
