//! Bodies that cannot be accepted.

use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use poem::{Body, http::Method};
use serde_json::json;

use crate::{
    stand_in::{Broken, EMAIL, PASSWORD},
    support::{Browser, fields},
};

async fn visitor() -> Browser {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    browser
}

#[tokio::test]
async fn unreadable_bodies_are_malformed() {
    let mut browser = visitor().await;
    let bodies: &[&[u8]] = &[
        b"",
        b"{",
        b"email=ada",
        b"{\"email\":\"a\",\"email\":\"a\",\"password\":\"b\"}",
        b"{\"email\":\"a\",\"password\":{\"x\":1,\"x\":1}}",
        b"{\"email\":\"a\\u0000\",\"password\":\"b\"}",
        b"{\"email\":\"a\",\"password\":\"\\u0000\"}",
        b"{\"email\":\"\\ud800\",\"password\":\"b\"}",
        b"{\"email\":\"\xff\",\"password\":\"b\"}",
    ];
    for body in bodies {
        let answer = browser
            .post("/api/login")
            .body("application/json", body.to_vec())
            .send()
            .await;
        let problem = answer.is_problem(400, "malformed");
        assert!(
            !problem["detail"].as_str().unwrap().contains("email"),
            "the body is echoed"
        );
    }
    assert!(
        browser.app.origins.lock().unwrap().is_empty(),
        "something was carried out"
    );
}

#[tokio::test]
async fn unknown_fields_are_not_all_sent_back() {
    let mut browser = visitor().await;
    let many: serde_json::Map<_, _> = (0..90).map(|number| (format!("f{number}"), json!(0))).collect();
    let answer = browser.post("/api/login").json(&many.into()).send().await;
    assert_eq!(answer.invalid().len(), 20);
    assert!(answer.text.len() < 2000, "{} bytes", answer.text.len());
    let problem = answer.is_problem(422, "invalid");
    let first: Vec<_> = problem["errors"].as_array().unwrap().iter().take(2).collect();
    assert!(first.iter().all(|error| error["code"] == "missing"), "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("More unknown fields"));
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let mut browser = visitor().await;
    for (body, expected) in [
        (json!({}), fields(&[("email", "missing"), ("password", "missing")])),
        (
            json!({"email": 1, "password": null}),
            fields(&[("email", "wrong_type"), ("password", "wrong_type")]),
        ),
        (
            json!({"email": "a\nb", "password": "x", "remember": "yes", "role": "admin"}),
            fields(&[
                ("email", "control_character"),
                ("remember", "wrong_type"),
                ("role", "unknown"),
            ]),
        ),
        (
            json!({"email": "a", "remember": null}),
            fields(&[("password", "missing"), ("remember", "wrong_type")]),
        ),
        (json!([]), fields(&[("", "wrong_type")])),
        (json!("text"), fields(&[("", "wrong_type")])),
        (json!(null), fields(&[("", "wrong_type")])),
    ] {
        let answer = browser.post("/api/login").json(&body).send().await;
        assert_eq!(answer.invalid(), expected, "{body}");
    }
    assert!(
        browser.app.origins.lock().unwrap().is_empty(),
        "something was carried out"
    );
}

#[tokio::test]
async fn rules_of_the_service_name_their_fields() {
    let mut browser = visitor().await;
    let answer = browser
        .post("/api/signup")
        .json(&json!({"email": "ada", "password": "x"}))
        .send()
        .await;
    assert_eq!(
        answer.invalid(),
        fields(&[("email", "not_an_address"), ("password", "too_short")])
    );
}

#[tokio::test]
async fn rules_are_named_beside_what_is_missing() {
    let mut browser = visitor().await;
    for (body, expected) in [
        (
            json!({"password": "x"}),
            fields(&[("email", "missing"), ("password", "too_short")]),
        ),
        (
            json!({"email": "ada", "name": " ", "more": 1}),
            fields(&[
                ("email", "not_an_address"),
                ("password", "missing"),
                ("name", "not_a_name"),
                ("more", "unknown"),
            ]),
        ),
        (
            json!({"email": "a\nb", "password": 1}),
            fields(&[("email", "control_character"), ("password", "wrong_type")]),
        ),
        (
            json!({"email": "ada@example.org", "password": "x", "more": 1}),
            fields(&[("more", "unknown"), ("password", "too_short")]),
        ),
        (
            json!({"email": "ada@example.org", "password": "long enough for this", "more": 1}),
            fields(&[("more", "unknown")]),
        ),
    ] {
        let answer = browser.post("/api/signup").json(&body).send().await;
        assert_eq!(answer.invalid(), expected, "{body}");
    }
}

#[tokio::test]
async fn password_beside_errors_is_judged_only_for_who_may_ask_and_when_there_is_room() {
    let mut browser = visitor().await;
    let wish = json!({"password": "x"});
    let answer = browser.post("/api/signup").no_csrf().json(&wish).send().await;
    answer.is_problem(403, "csrf-failed");
    assert!(browser.app.origins.lock().unwrap().is_empty(), "it was judged");

    *browser.app.broken.lock().unwrap() = Broken::Full;
    let answer = browser.post("/api/signup").json(&wish).send().await;
    assert_eq!(answer.invalid(), fields(&[("email", "missing")]));

    *browser.app.broken.lock().unwrap() = Broken::Log;
    let answer = browser.post("/api/signup").json(&wish).send().await;
    answer.is_problem(503, "unavailable");
}

#[tokio::test]
async fn parameters_are_checked() {
    let mut browser = Browser::signed_in().await;
    for limit in ["0", "201", "-1", "+1", "1.5", "x", "", "99999999999999999999"] {
        let answer = browser.get(&format!("/api/sessions?limit={limit}")).await;
        assert_eq!(answer.invalid(), fields(&[("limit", "out_of_range")]), "{limit}");
    }
    for limit in ["1", "200"] {
        let path = format!("/api/me/logins?limit={limit}");
        assert_eq!(browser.get(&path).await.status, 200);
        let answer = browser.get(&format!("{path}&x=1")).await;
        assert_eq!(answer.invalid(), fields(&[("x", "unknown")]));
    }
    let answer = browser.get("/api/sessions?limit=1&limit=2").await;
    assert_eq!(answer.invalid(), fields(&[("limit", "repeated")]));
    let answer = browser.get("/api/sessions?cursor=%00").await;
    assert_eq!(answer.invalid(), fields(&[("cursor", "not_a_cursor")]));
    let answer = browser.delete("/api/sessions").send().await;
    assert_eq!(answer.invalid(), fields(&[("except", "missing")]));
    let answer = browser.delete("/api/sessions?except=none").send().await;
    assert_eq!(answer.invalid(), fields(&[("except", "unknown_value")]));
}

#[tokio::test]
async fn only_json_is_taken() {
    let mut browser = visitor().await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json; charset=latin1",
        "",
    ] {
        let answer = browser.post("/api/login").body(media_type, body.clone()).send().await;
        answer.is_problem(415, "unsupported-media-type");
    }
    for media_type in [
        "application/json",
        "APPLICATION/JSON ; Charset=UTF-8",
        "application/json;charset=\"utf-8\"",
    ] {
        let answer = browser.post("/api/login").body(media_type, body.clone()).send().await;
        assert_eq!(answer.status, 200, "{media_type}");
    }
}

#[tokio::test]
async fn announced_oversize_is_refused_unread() {
    let mut browser = visitor().await;
    let never = Body::from_bytes_stream(stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let asked = browser
        .post("/api/login")
        .body("application/json", never)
        .header("content-length", "1025");
    asked.send().await.is_problem(413, "payload-too-large");
}

#[tokio::test]
async fn endless_body_is_cut_off() {
    let mut browser = visitor().await;
    let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 100]));
    let asked = browser
        .post("/api/login")
        .body("application/json", Body::from_bytes_stream(endless));
    asked.send().await.is_problem(413, "payload-too-large");
}

#[tokio::test]
async fn body_that_does_not_arrive_is_given_up() {
    let mut browser = visitor().await;
    let begun = Instant::now();
    let start = stream::iter([Ok::<_, std::io::Error>(b"{".to_vec())]);
    let asked = browser.post("/api/login").body(
        "application/json",
        Body::from_bytes_stream(start.chain(stream::pending())),
    );
    let answer = asked.send().await;
    answer.is_problem(408, "request-timeout");
    assert!(begun.elapsed() >= browser.app.settings.body_timeout);
    assert_eq!(answer.header("connection"), Some("close"));
}

#[tokio::test]
async fn limit_is_exact() {
    let mut browser = visitor().await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    for (length, status) in [(1024, 200), (1025, 413)] {
        let padded = format!("{body:<length$}");
        let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
            padded.as_bytes().chunks(7).map(|c| Ok(c.to_vec())).collect();
        let body = Body::from_bytes_stream(stream::iter(chunks));
        assert_eq!(
            browser
                .post("/api/login")
                .body("application/json", body)
                .send()
                .await
                .status,
            status
        );
        browser = visitor().await;
    }
}

#[tokio::test]
async fn signed_out_learns_that_first() {
    let mut browser = visitor().await;
    for (method, path) in [
        (Method::PATCH, "/api/me"),
        (Method::POST, "/api/password/change"),
        (Method::POST, "/api/session/reauthenticate"),
        (Method::POST, "/api/session/refresh"),
        (Method::DELETE, "/api/sessions"),
        (Method::DELETE, "/api/sessions/x"),
    ] {
        for (media_type, body) in [
            ("text/plain", "x"),
            ("application/json", "{"),
            ("application/json", "{\"x\":1}"),
        ] {
            let answer = browser.ask(method.clone(), path).body(media_type, body).send().await;
            answer.is_problem(401, "unauthenticated");
            let answer = browser.ask(method.clone(), path).no_csrf().send().await;
            answer.is_problem(401, "unauthenticated");
        }
    }
    browser
        .get("/api/sessions?limit=0")
        .await
        .is_problem(401, "unauthenticated");
}
