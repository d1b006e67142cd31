//! Sessions: listed, revoked, refreshed, proven afresh.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Caller, Database, PASSWORD, Service, eventually};

on_each_store!(
    anonymous_visitor_gets_an_answer_and_no_error,
    every_live_session_is_listed_with_its_circumstances,
    revoked_session_is_dead_at_once_and_the_others_live,
    session_of_another_user_cannot_be_found,
    revoking_the_others_spares_the_own_session,
    refresh_moves_the_idle_deadline_and_reauthentication_the_secret,
    what_changes_nothing_is_not_written,
    session_outlives_a_restart_and_its_end_does_too,
    logins_show_success_and_failure,
);

const EMAIL: &str = "ada@example.org";

async fn two_browsers(service: &Service) -> (Caller, Caller) {
    let desk = service.signed_up(EMAIL).await;
    let phone = service.anonymous();
    phone.log_in(EMAIL).await;
    (desk, phone)
}

async fn listed(caller: &Caller) -> Vec<String> {
    let list = caller.get("/api/sessions").await.expect(200).json();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// The list is a read model: it follows within moments.
async fn list_becomes(caller: &Caller, mut expected: Vec<String>) {
    expected.sort();
    eventually("the list of sessions follows", || async {
        let mut now = listed(caller).await;
        now.sort();
        (now == expected).then_some(())
    })
    .await;
}

async fn anonymous_visitor_gets_an_answer_and_no_error(database: Database) {
    let service = Service::start(database).await;
    let answer = service.anonymous().get("/api/session").await.expect(200);
    assert_eq!(answer.json(), json!({"authenticated": false}));
    for path in ["/api/sessions", "/api/me", "/api/me/logins", "/api/users/profile"] {
        service.anonymous().get(path).await.expect_any_problem(401);
    }
}

async fn every_live_session_is_listed_with_its_circumstances(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_browsers(&service).await;
    let ids = vec![desk.session_id().await, phone.session_id().await];
    list_becomes(&desk, ids.clone()).await;
    list_becomes(&phone, ids).await;
    let list = desk.get("/api/sessions").await.json();
    assert_eq!(list["items"][0]["id"], phone.session_id().await, "newest first");
    assert!(
        list["items"][0]["started_at"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{list}"
    );
    assert_eq!(list["items"][0]["ip"], "127.0.0.1");
}

async fn revoked_session_is_dead_at_once_and_the_others_live(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_browsers(&service).await;
    let path = format!("/api/sessions/{}", phone.session_id().await);

    desk.delete(&path).await.expect(204);

    assert!(!phone.is_signed_in().await);
    assert!(desk.is_signed_in().await);
    list_becomes(&desk, vec![desk.session_id().await]).await;
}

async fn session_of_another_user_cannot_be_found(database: Database) {
    let service = Service::start(database).await;
    let ada = service.signed_up(EMAIL).await;
    let eve = service.signed_up("eve@example.org").await;
    let foreign = format!("/api/sessions/{}", ada.session_id().await);
    eve.delete(&foreign).await.expect_any_problem(404);
    eve.delete("/api/sessions/0190a0a0-0000-7000-8000-000000000000")
        .await
        .expect_any_problem(404);
    assert!(ada.is_signed_in().await);
}

async fn revoking_the_others_spares_the_own_session(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_browsers(&service).await;
    desk.delete("/api/sessions").await.expect_any_problem(422);
    assert!(phone.is_signed_in().await, "without `except` nothing ends");

    desk.delete("/api/sessions?except=current").await;

    assert!(!phone.is_signed_in().await);
    assert!(desk.is_signed_in().await);
    list_becomes(&desk, vec![desk.session_id().await]).await;
}

/// Refreshes until the idle deadline lies after `before`: a twelfth of the idle time has to pass.
async fn refresh_until_it_moves(caller: &Caller, before: &str) -> Value {
    let deadline = Instant::now() + Duration::from_secs(15);
    loop {
        let refreshed = caller.change(Method::POST, "/api/session/refresh", None).await;
        refreshed.unwrap().expect(200);
        let session = caller.get("/api/session").await.json();
        if instant(&session, "idle_expires_at").as_str() > before {
            return session;
        }
        assert!(Instant::now() < deadline, "the deadline does not move: {session}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn what_changes_nothing_is_not_written(database: Database) {
    let service = Service::start_with(database, &[("THROTTLE__ENABLED", "true")]).await;
    let ada = service.signed_up(EMAIL).await;
    let name = async |name: Value| {
        let answer = ada.change(Method::PATCH, "/api/me", Some(&json!({"name": name}))).await;
        answer.unwrap()
    };
    name(json!("Ada")).await.expect(200);
    let before = service.events().await;
    let session = ada.get("/api/session").await.json();
    for _ in 0..3 {
        assert_eq!(name(json!("Ada")).await.expect(200).json()["name"], "Ada");
        let refreshed = ada.change(Method::POST, "/api/session/refresh", None).await;
        refreshed.unwrap().expect(200);
    }
    assert_eq!(service.events().await, before);
    let now = ada.get("/api/session").await.json();
    assert_eq!(instant(&now, "idle_expires_at"), instant(&session, "idle_expires_at"));
    name(Value::Null).await.expect(200);
    assert_eq!(service.events().await, before + 1);
    name(Value::Null).await.expect(200);
    assert_eq!(service.events().await, before + 1);
    // Two names by turns are no way around it.
    for turn in 0.. {
        let answer = name(json!(format!("Ada {turn}"))).await;
        if answer.status == 429 {
            answer.expect_problem(429, "too-many-requests");
            break;
        }
        assert!(turn < 40, "the log grows without a limit");
    }
}

async fn refresh_moves_the_idle_deadline_and_reauthentication_the_secret(database: Database) {
    let service = Service::start_with(database, &[("SESSION__IDLE", "24s")]).await;
    let ada = service.signed_up(EMAIL).await;
    let before = ada.get("/api/session").await.json();

    let refreshed = refresh_until_it_moves(&ada, &instant(&before, "idle_expires_at")).await;
    assert_eq!(
        instant(&refreshed, "expires_at"),
        instant(&before, "expires_at"),
        "a limit is a limit"
    );

    let old = ada.twin();
    let wrong = ada
        .post("/api/session/reauthenticate", &json!({"password": "not the password"}))
        .await;
    assert!(
        wrong.status.is_client_error() && wrong.cookie("sessionid").is_none(),
        "{wrong:?}"
    );
    ada.post("/api/session/reauthenticate", &json!({"password": PASSWORD}))
        .await
        .expect(200);
    assert!(ada.is_signed_in().await);
    assert!(!old.is_signed_in().await, "the secret is a new one");
}

fn instant(session: &Value, name: &str) -> String {
    session["session"][name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {session}"))
        .to_owned()
}

async fn session_outlives_a_restart_and_its_end_does_too(database: Database) {
    let mut service = Service::start(database).await;
    let (desk, phone) = two_browsers(&service).await;
    let ended = phone.twin();
    phone.try_log_out().await.unwrap().expect(200);
    assert!(service.stop().await.success());
    service.start_again().await;
    assert!(desk.is_signed_in().await);
    assert!(!ended.is_signed_in().await);
    desk.try_log_out().await.unwrap().expect(200);
}

async fn logins_show_success_and_failure(database: Database) {
    let service = Service::start(database).await;
    let ada = service.signed_up(EMAIL).await;
    service
        .anonymous()
        .try_log_in(EMAIL, "not the password")
        .await
        .unwrap()
        .expect(401);
    let items = eventually("both logins are in the history", || async {
        let list = ada.get("/api/me/logins").await.expect(200).json();
        let items = list["items"].as_array().unwrap().clone();
        (items.len() == 2).then_some(items)
    })
    .await;
    let outcomes: Vec<_> = items.iter().map(|item| item["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["failure", "success"], "newest first");
    assert_eq!(items[1]["ip"], "127.0.0.1");
    assert_eq!(items[1]["method"], "password");
}
