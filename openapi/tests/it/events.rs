//! Following a session: the stream as it is written, and who may open it.

use doorbook_openapi::app::{Identity, LiveSession, Notice};
use poem::http::Method;
use serde_json::Value;

use crate::{
    stand_in::{Broken, EMAIL, session},
    support::Browser,
};

const EVENTS: &str = "/api/session/events";

/// The events of a stream: name and data.
pub(crate) fn events(text: &str) -> Vec<(String, Value)> {
    let blocks = text.split("\n\n").filter(|block| block.starts_with("event: "));
    blocks
        .map(|block| {
            let (name, data) = block.split_once('\n').unwrap();
            let data = data.strip_prefix("data: ").unwrap();
            assert!(!data.contains('\n'), "data is one line: {data:?}");
            (
                name.strip_prefix("event: ").unwrap().to_owned(),
                serde_json::from_str(data).unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn page_is_greeted_with_the_session_and_then_told_what_changes() {
    let mut browser = Browser::signed_in().await;
    let current = browser.get("/api/session").await.json();
    let live = session(7, true);
    let renamed = LiveSession {
        identity: Identity::new(EMAIL, Some("Countess\nof Lovelace")),
        ..live.clone()
    };
    *browser.app.notices.lock().unwrap() = vec![
        Notice::Refreshed(live),
        Notice::UserChanged(renamed),
        Notice::SignedOut("revoked"),
    ];

    let answer = browser.get(EVENTS).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert!(answer.text.starts_with("retry: 1000\n\n"), "{}", answer.text);
    let events = events(&answer.text);
    let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connected", "session-refreshed", "user-changed", "signed-out"]);
    assert_eq!(events[0].1, current);
    assert_eq!(events[1].1["reconnect"], false);
    assert_eq!(events[1].1["session"]["remember"], true);
    assert_eq!(events[2].1["name"], "Countess\nof Lovelace");
    assert_eq!(events[3].1["reason"], "revoked");
}

#[tokio::test]
async fn new_cookie_asks_the_page_to_come_again() {
    let mut browser = Browser::signed_in().await;
    *browser.app.notices.lock().unwrap() = vec![Notice::Renewed];
    let answer = browser.get(EVENTS).await;
    let last = events(&answer.text).pop().unwrap();
    assert_eq!(last.0, "session-refreshed");
    assert_eq!(last.1, serde_json::json!({"reconnect": true}));
}

#[tokio::test]
async fn nobody_follows_without_a_live_session() {
    let mut nobody = Browser::new();
    nobody.get(EVENTS).await.is_problem(401, "unauthenticated");
    let forged = nobody.ask(Method::GET, EVENTS).header("cookie", "sessionid=forged");
    forged.send().await.is_problem(401, "unauthenticated");
    let twice = nobody
        .ask(Method::GET, EVENTS)
        .header("cookie", "sessionid=a; sessionid=b");
    twice.send().await.is_problem(400, "duplicate-cookie");
    let mut browser = Browser::signed_in().await;
    browser.post(EVENTS).send().await.is_problem(405, "method-not-allowed");
}

#[tokio::test]
async fn following_is_no_use_of_the_session() {
    let mut browser = Browser::signed_in().await;
    let before = browser.app.touches();
    assert_eq!(browser.get(EVENTS).await.status, 200);
    assert_eq!(browser.app.touches(), before);
}

#[tokio::test]
async fn outage_and_too_many_pages_are_no_logout() {
    let mut browser = Browser::signed_in().await;
    for (broken, status, slug) in [
        (Broken::Log, 503, "unavailable"),
        (Broken::Full, 503, "busy"),
        (Broken::Contended, 429, "too-many-requests"),
    ] {
        browser.app.breaks(broken);
        browser.get(EVENTS).await.is_problem(status, slug);
    }
}

#[tokio::test]
async fn head_does_not_wait_for_the_end_of_the_stream() {
    let mut browser = Browser::signed_in().await;
    let answer = browser.ask(Method::HEAD, EVENTS).send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.text, "");
}
