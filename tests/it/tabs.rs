//! Each open page knows what happens to its session, from whichever place it came.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use tokio::time::sleep;

use crate::support::{Caller, Database, Follower, PASSWORD, Service};

on_each_store!(
    logout_in_one_tab_reaches_every_other_one,
    revocation_from_another_device_is_told,
    change_of_the_password_is_told_to_every_device,
    what_the_command_line_does_is_told,
    changes_of_user_and_deadlines_are_told,
    following_keeps_no_session_alive_and_its_end_is_told,
    shutdown_ends_every_stream_at_once,
    many_streams_leave_nothing_behind,
);

const EMAIL: &str = "ada@example.org";
const OTHER: &str = "another violet anchor in the tundra";
/// A page knows so long after the change was answered, at the latest.
const PROMPT: Duration = Duration::from_secs(1);

/// That a page is gone shows at its second heartbeat, at the latest: what is written to it comes back.
const NOTICED: Duration = Duration::from_mins(1);

async fn two_devices(service: &Service) -> (Caller, Caller) {
    let desk = service.signed_up(EMAIL).await;
    let phone = service.anonymous();
    phone.log_in(EMAIL).await;
    (desk, phone)
}

async fn logout_in_one_tab_reaches_every_other_one(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_devices(&service).await;
    let mut tabs = [Follower::of(&desk).await, Follower::of(&desk.twin()).await];
    let mut elsewhere = Follower::of(&phone).await;

    desk.try_log_out().await.unwrap().expect(200);

    let answered = Instant::now();
    for tab in &mut tabs {
        tab.is_signed_out("logged_out").await;
    }
    assert!(answered.elapsed() < PROMPT, "after {:?}", answered.elapsed());
    desk.get("/api/session/events")
        .await
        .expect_problem(401, "unauthenticated");
    phone.try_log_out().await.unwrap().expect(200);
    let (name, _) = elsewhere.next().await.unwrap();
    assert_eq!(name, "signed-out", "and nothing before its own logout");
}

async fn revocation_from_another_device_is_told(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_devices(&service).await;
    let mut tab = Follower::of(&phone).await;
    desk.delete(&format!("/api/sessions/{}", phone.session_id().await))
        .await
        .expect(204);
    let answered = Instant::now();
    tab.is_signed_out("revoked").await;
    assert!(answered.elapsed() < PROMPT, "after {:?}", answered.elapsed());

    let phone = service.anonymous();
    phone.log_in(EMAIL).await;
    let mut tab = Follower::of(&phone).await;
    desk.delete("/api/sessions?except=current").await.expect(204);
    tab.is_signed_out("sessions_ended").await;
}

async fn change_of_the_password_is_told_to_every_device(database: Database) {
    let service = Service::start(database).await;
    let (desk, phone) = two_devices(&service).await;
    let (mut own, mut others) = (Follower::of(&desk).await, Follower::of(&phone).await);
    let old = desk.twin();
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});

    desk.post("/api/password/change", &change).await.expect(204);

    let answered = Instant::now();
    others.is_signed_out("password_changed").await;
    assert!(answered.elapsed() < PROMPT, "after {:?}", answered.elapsed());
    let told = own.until("session-refreshed").await;
    assert_eq!(told, json!({"reconnect": true}), "its cookie is a new one");
    assert_eq!(own.next().await, None);
    old.get("/api/session/events")
        .await
        .expect_problem(401, "unauthenticated");
    let mut again = Follower::of(&desk).await;

    desk.post("/api/session/reauthenticate", &json!({"password": OTHER}))
        .await
        .expect(200);
    while let Some((name, data)) = again.next().await {
        assert_eq!(name, "session-refreshed", "{data}");
    }
    Follower::of(&desk).await;
}

async fn what_the_command_line_does_is_told(database: Database) {
    let service = Service::start(database).await;
    let desk = service.signed_up(EMAIL).await;
    let mut tab = Follower::of(&desk).await;
    service.doorbook(&["user", "deactivate", EMAIL]).await;
    let done = Instant::now();
    tab.is_signed_out("deactivated").await;
    assert!(done.elapsed() < PROMPT, "after {:?}", done.elapsed());
}

async fn changes_of_user_and_deadlines_are_told(database: Database) {
    let service = Service::start_with(database, &[("SESSION__IDLE", "24s")]).await;
    let (desk, phone) = two_devices(&service).await;
    let (mut own, mut others) = (Follower::of(&desk).await, Follower::of(&phone).await);
    let rename = json!({"name": "Countess of Lovelace"});
    desk.change(Method::PATCH, "/api/me", Some(&rename))
        .await
        .unwrap()
        .expect(200);
    for tab in [&mut own, &mut others] {
        let user = tab.until("user-changed").await;
        assert_eq!(user["name"], "Countess of Lovelace");
        assert_eq!(user["email"], EMAIL);
    }
    // A twelfth of the idle time has to pass.
    let idle_until = async || {
        let session = desk.get("/api/session").await.json();
        session["session"]["idle_expires_at"].as_str().unwrap().to_owned()
    };
    let (before, begun) = (idle_until().await, Instant::now());
    while idle_until().await == before {
        assert!(begun.elapsed() < Duration::from_secs(15), "the deadline does not move");
        let refreshed = desk.change(Method::POST, "/api/session/refresh", None).await;
        refreshed.unwrap().expect(200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let mut told = own.until("session-refreshed").await;
    assert_eq!(told["reconnect"], false);
    let current = desk.get("/api/session").await.json();
    if told["session"] != current["session"] {
        // Its use moved the deadline just before the request did.
        told = own.until("session-refreshed").await;
    }
    assert_eq!(told["session"], current["session"]);
}

async fn following_keeps_no_session_alive_and_its_end_is_told(database: Database) {
    let service = Service::start_with(database, &[("SESSION__IDLE", "3s")]).await;
    let desk = service.signed_up(EMAIL).await;
    let mut tab = Follower::of(&desk).await;
    tab.is_signed_out("expired").await;
    assert!(!desk.is_signed_in().await);
}

async fn shutdown_ends_every_stream_at_once(database: Database) {
    let mut service = Service::start_with(database, &[("SHUTDOWN__GRACE", "50s")]).await;
    let desk = service.signed_up(EMAIL).await;
    let mut tabs = [Follower::of(&desk).await, Follower::of(&desk).await];
    let told = Instant::now();
    service.tell_to_stop();
    for tab in &mut tabs {
        assert_eq!(tab.next().await, None, "nobody was signed out");
    }
    assert!(service.ended().await.success());
    assert!(told.elapsed() < Duration::from_secs(20), "after {:?}", told.elapsed());
    service.start_again().await;
    assert!(desk.is_signed_in().await);
    Follower::of(&desk).await;
}

/// How many streams the service counts.
async fn streams(service: &Service) -> u64 {
    service.metric("session_streams").await.unwrap()
}

async fn many_streams_leave_nothing_behind(database: Database) {
    let service = Service::start(database).await;
    let mut tabs = Vec::new();
    let mut callers = Vec::new();
    for user in 0..4 {
        let email = format!("user{user}@example.org");
        callers.push(service.signed_up(&email).await);
        for _ in 0..3 {
            let caller = service.anonymous();
            caller.log_in(&email).await;
            callers.push(caller);
        }
    }
    for caller in &callers {
        for _ in 0..16 {
            tabs.push(Follower::of(caller).await);
        }
    }
    assert_eq!(streams(&service).await, 256);
    let one_more = callers[0].get("/api/session/events").await;
    assert!(
        one_more
            .expect_problem(429, "too-many-requests")
            .header("retry-after")
            .is_some()
    );
    let asked = Instant::now();
    assert!(callers[0].is_signed_in().await);
    assert!(asked.elapsed() < PROMPT, "after {:?}", asked.elapsed());

    callers[0].try_log_out().await.unwrap().expect(200);
    for tab in &mut tabs[..16] {
        tab.is_signed_out("logged_out").await;
    }
    drop(tabs);
    let gone = Instant::now();
    while streams(&service).await > 0 {
        assert!(gone.elapsed() < NOTICED, "{} are left", streams(&service).await);
        sleep(Duration::from_millis(200)).await;
    }
    Follower::of(&callers[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quiet_stream_carries_a_heartbeat() {
    let service = Service::start(Database::Sqlite).await;
    let mut tab = Follower::of(&service.signed_up(EMAIL).await).await;
    assert_eq!(tab.block().await.as_deref(), Some(":"));
}
