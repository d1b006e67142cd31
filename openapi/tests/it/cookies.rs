//! Cookies as they are set and as they are read.

use doorbook_openapi::app::Settings;
use poem::http::Method;
use serde_json::json;

use crate::{
    stand_in::{EMAIL, PASSWORD, settings},
    support::Browser,
};

#[tokio::test]
async fn attributes_on_plain_http() {
    let mut browser = Browser::new();
    let answer = browser.log_in().await;
    let session = answer.set_cookie("sessionid").unwrap();
    let token = answer.set_cookie("csrftoken").unwrap();
    assert!(
        session.ends_with("; Max-Age=172800; Path=/; SameSite=Lax; HttpOnly"),
        "{session}"
    );
    assert!(token.ends_with("; Path=/; SameSite=Lax"), "{token}");
    assert!(!token.contains("HttpOnly") && !token.contains("Max-Age"));
    assert_eq!(
        answer.set_cookie("doorbook_device").unwrap(),
        "doorbook_device=a-device; Max-Age=34560000; Path=/; SameSite=Lax; HttpOnly"
    );
}

#[tokio::test]
async fn attributes_on_https() {
    let https = Settings {
        https: true,
        public_url: "https://id.example.org".to_owned(),
        ..settings()
    };
    let mut browser = Browser::with(https);
    let answer = browser.log_in().await;
    let session = answer.set_cookie("__Host-sessionid").unwrap();
    assert!(
        session.ends_with("; Path=/; SameSite=Lax; HttpOnly; Secure"),
        "{session}"
    );
    assert!(
        answer
            .set_cookie("csrftoken")
            .unwrap()
            .ends_with("; Path=/; SameSite=Lax; Secure")
    );
    assert_eq!(answer.set_cookie("sessionid"), None);
    assert!(
        answer
            .set_cookie("__Host-doorbook_device")
            .unwrap()
            .ends_with("; Max-Age=34560000; Path=/; SameSite=Lax; HttpOnly; Secure")
    );
    assert_eq!(answer.set_cookie("doorbook_device"), None);
    let answer = browser.post("/api/logout").send().await;
    assert_eq!(
        answer.set_cookie("__Host-sessionid").unwrap(),
        "__Host-sessionid=; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax; HttpOnly; Secure"
    );
}

#[tokio::test]
async fn session_that_is_not_remembered_dies_with_the_browser() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let wish = json!({"email": EMAIL, "password": PASSWORD, "remember": false});
    let answer = browser.post("/api/login").json(&wish).send().await;
    assert_eq!(
        answer.set_cookie("sessionid").unwrap().split_once(';').unwrap().1,
        " Path=/; SameSite=Lax; HttpOnly"
    );
}

#[tokio::test]
async fn only_what_changes_cookies_sets_them() {
    let mut browser = Browser::signed_in().await;
    for path in [
        "/api/session",
        "/api/me",
        "/api/users/profile",
        "/api/sessions",
        "/api/config",
        "/api/nothing",
    ] {
        assert!(browser.get(path).await.all("set-cookie").is_empty(), "{path}");
    }
    browser.jar.insert("sessionid".to_owned(), "dead".to_owned());
    for path in ["/api/session", "/api/me"] {
        assert!(browser.get(path).await.all("set-cookie").is_empty(), "{path}");
    }
}

#[tokio::test]
async fn session_cookie_that_comes_twice_is_refused() {
    let mut browser = Browser::signed_in().await;
    let cookie = browser.jar["sessionid"].clone();
    for path in ["/api/session", "/api/me", "/api/csrf"] {
        for other in [cookie.as_str(), "", "dead"] {
            let line = format!("sessionid={cookie}; sessionid={other}");
            let asked = browser.ask(Method::GET, path).no_cookies().header("cookie", &line);
            asked.send().await.is_problem(400, "duplicate-cookie");
        }
        let asked = browser.ask(Method::GET, path).no_cookies();
        let asked = asked
            .header("cookie", format!("sessionid={cookie}"))
            .header("cookie", "sessionid=dead");
        asked.send().await.is_problem(400, "duplicate-cookie");
    }
}

#[tokio::test]
async fn csrf_cookies_that_another_host_tossed_lock_nobody_out() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let own = browser.jar["csrftoken"].clone();
    let wish = json!({"email": EMAIL, "password": PASSWORD});
    for line in [
        format!("csrftoken=tossed; csrftoken={own}"),
        format!("csrftoken={own}; csrftoken=; csrftoken={own}"),
    ] {
        let asked = browser
            .ask(Method::GET, "/api/csrf")
            .no_cookies()
            .header("cookie", &line);
        assert_eq!(asked.send().await.json()["csrf_token"], own.as_str(), "{line}");
        let asked = browser.post("/api/login").no_cookies().no_csrf();
        let asked = asked.header("cookie", &line).header("x-csrftoken", &own);
        assert_eq!(asked.json(&wish).send().await.status, 200, "{line}");
    }
    // None of them is the header's, and what is made up is worth nothing however often it comes.
    for (line, header) in [
        ("csrftoken=a; csrftoken=b".to_owned(), own.as_str()),
        ("csrftoken=a; csrftoken=a".to_owned(), "a"),
        (format!("csrftoken={own}; csrftoken=a"), "a"),
    ] {
        let asked = browser.post("/api/login").no_cookies().no_csrf();
        let asked = asked.header("cookie", &line).header("x-csrftoken", header);
        asked.json(&wish).send().await.is_problem(403, "csrf-failed");
    }
}

#[tokio::test]
async fn other_cookies_do_no_harm() {
    let mut browser = Browser::signed_in().await;
    let cookie = browser.jar["sessionid"].clone();
    let line = [
        b"theme=\xff\xfe; a b c; =; ;;x=\"; ".as_slice(),
        b"sessionid=",
        cookie.as_bytes(),
    ]
    .concat();
    let answer = browser
        .ask(Method::GET, "/api/session")
        .no_cookies()
        .header("cookie", line)
        .send()
        .await;
    assert_eq!(answer.json()["authenticated"], true);
    let encoded = format!("session%69d={cookie}");
    let answer = browser
        .ask(Method::GET, "/api/session")
        .no_cookies()
        .header("cookie", encoded)
        .send()
        .await;
    assert_eq!(answer.json()["authenticated"], false);
    let bytes = b"sessionid=\xff".as_slice();
    let answer = browser
        .ask(Method::GET, "/api/session")
        .no_cookies()
        .header("cookie", bytes)
        .send()
        .await;
    assert_eq!(answer.json()["authenticated"], false);
}

#[tokio::test]
async fn device_cookie_reaches_the_service_as_it_was_sent_once() {
    for (sent, expected) in [
        ("doorbook_device=a%62c".to_owned(), Some("a%62c".to_owned())),
        ("doorbook_device=a; doorbook_device=b".to_owned(), None),
        (format!("doorbook_device={}", "x".repeat(3000)), None),
        ("__Host-doorbook_device=a".to_owned(), None),
    ] {
        let mut browser = Browser::new();
        browser.get("/api/csrf").await;
        let line = format!("csrftoken={}; {sent}", browser.jar["csrftoken"]);
        let asked = browser.post("/api/login").no_cookies().header("cookie", line);
        let wish = json!({"email": EMAIL, "password": PASSWORD});
        assert_eq!(asked.json(&wish).send().await.status, 200, "{sent}");
        let origin = browser.app.origins.lock().unwrap().last().cloned().unwrap();
        assert_eq!(origin.device.map(|device| device.0), expected, "{sent}");
    }
}
