//! What arrives slowly.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Caller, Database, PASSWORD, Service, Wire};

on_each_store!(
    session_that_ends_while_a_body_arrives_changes_nothing,
    session_that_lives_while_a_body_arrives_does
);

const EMAIL: &str = "ada@example.org";
const OTHER: &str = "six quiet herons over Utrecht";

/// Sends a body in two parts. In between, somebody may sign out in another tab.
async fn in_two_parts(service: &Service, caller: &Caller, what: (&str, &str, &Value), signs_out: bool) -> Answer {
    let (method, path, body) = what;
    let body = body.to_string();
    let (first, rest) = body.as_bytes().split_at(body.len() / 2);
    let mut wire = Wire::begin(service, caller, method, path, body.len()).await;
    wire.send(first).await.unwrap();
    if signs_out {
        caller.twin().try_log_out().await.unwrap().expect(200);
    }
    wire.send(rest).await.unwrap();
    wire.answer().await
}

async fn session_that_ends_while_a_body_arrives_changes_nothing(database: Database) {
    let service = Service::start(database).await;
    service.signed_up(EMAIL).await;
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    let guess = json!({"current_password": "not the password", "new_password": OTHER});
    let late = [
        ("POST", "/api/password/change", &change),
        ("POST", "/api/password/change", &guess),
        ("POST", "/api/session/reauthenticate", &json!({"password": PASSWORD})),
        ("PATCH", "/api/me", &json!({"name": "Ada"})),
    ];
    for what in late {
        let caller = service.anonymous();
        caller.log_in(EMAIL).await;
        let answer = in_two_parts(&service, &caller, what, true).await;
        let answer = answer.expect_problem(401, "unauthenticated");
        assert_eq!(answer.cookies(), [], "{what:?}");
    }
    let again = service.anonymous();
    again.log_in(EMAIL).await;
    assert!(again.get("/api/me").await.expect(200).json().get("name").is_none());
}

async fn session_that_lives_while_a_body_arrives_does(database: Database) {
    let service = Service::start(database).await;
    let caller = service.signed_up(EMAIL).await;
    let rename = ("PATCH", "/api/me", &json!({"name": "Ada"}));
    in_two_parts(&service, &caller, rename, false).await.expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    let change = ("POST", "/api/password/change", &change);
    in_two_parts(&service, &caller, change, false).await.expect(204);
    let again = service.anonymous();
    again.try_log_in(EMAIL, OTHER).await.unwrap().expect(200);
}

#[tokio::test]
async fn trickling_body_is_answered_and_hung_up_on() {
    let service = Service::start(Database::Sqlite).await;
    let caller = service.anonymous();
    caller.get("/api/csrf").await.expect(200);
    let begun = Instant::now();
    let mut wire = Wire::begin(&service, &caller, "POST", "/api/login", 1000).await;
    while !wire.hears_within(Duration::from_millis(200)).await {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the body is still waited for"
        );
        wire.send(b" ").await.unwrap();
    }
    assert!(begun.elapsed() >= Duration::from_secs(10), "a slow line must do");
    wire.answer().await.expect_problem(408, "request-timeout");
    // The service has time for others.
    caller.get("/api/session").await.expect(200);
}
