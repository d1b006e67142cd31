//! What admins do to read models: who may, what it takes, and how it fails.

use poem::http::Method;
use serde_json::{Value, json};

use crate::{
    events::events,
    stand_in::{
        Broken,
        runs::{PROJECTION, RUNNING, STREAM, VERIFIED},
    },
    support::{Browser, fields},
};

const BASE: &str = "/api/admin/projections";

/// Method and path of every operation.
fn operations() -> Vec<(Method, String)> {
    let of = |rest: &str| format!("{BASE}/{PROJECTION}/{rest}");
    vec![
        (Method::GET, BASE.to_owned()),
        (Method::POST, of("rebuild")),
        (Method::POST, of("verify")),
        (Method::GET, of("runs")),
        (Method::GET, of(&format!("runs/{RUNNING}"))),
        (Method::DELETE, of(&format!("runs/{RUNNING}"))),
        (Method::GET, of(&format!("runs/{RUNNING}/events"))),
        (Method::POST, of("pause")),
        (Method::POST, of("resume")),
        (Method::POST, of("rollback")),
        (Method::GET, of("parked")),
        (Method::POST, of(&format!("parked/{STREAM}/retry"))),
    ]
}

#[tokio::test]
async fn nobody_but_an_admin_gets_in() {
    for (method, path) in operations() {
        let answer = Browser::new().ask(method.clone(), &path).send().await;
        answer.is_problem(401, "unauthenticated");
        let answer = Browser::signed_in().await.ask(method, &path).send().await;
        answer.is_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn change_needs_a_csrf_token() {
    for (method, path) in operations() {
        let mut admin = Browser::admin().await;
        let answer = admin.ask(method.clone(), &path).no_csrf().send().await;
        if method == Method::GET {
            assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        } else {
            answer.is_problem(403, "csrf-failed");
        }
    }
}

#[tokio::test]
async fn unknown_projection_run_and_stream_are_not_found() {
    let mut admin = Browser::admin().await;
    for (method, path) in operations().into_iter().skip(1) {
        let elsewhere = path.replace(PROJECTION, "cars");
        admin.ask(method, &elsewhere).send().await.is_problem(404, "not-found");
    }
    for rest in ["runs/01930000-0000-7000-8000-0000000000ff", "runs/7"] {
        let path = format!("{BASE}/{PROJECTION}/{rest}");
        admin.get(&path).await.is_problem(404, "not-found");
        admin.delete(&path).send().await.is_problem(404, "not-found");
    }
    let path = format!("{BASE}/{PROJECTION}/parked/session-1/retry");
    admin.post(&path).send().await.is_problem(404, "not-found");
}

#[tokio::test]
async fn rebuild_is_begun_and_says_where_it_can_be_looked_at() {
    let mut admin = Browser::admin().await;
    let path = format!("{BASE}/{PROJECTION}/rebuild");
    let answer = admin.post(&path).send().await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let place = answer.header("location").unwrap().to_owned();
    assert_eq!(place, format!("{BASE}/{PROJECTION}/runs/{RUNNING}"));
    assert_eq!(answer.json(), admin.get(&place).await.json());

    let answer = admin.post(&path).json(&json!({"stream": STREAM})).send().await;
    assert_eq!((answer.status, &answer.json()["stream"]), (202, &json!(STREAM)));
    let answer = admin.post(&path).json(&json!({})).send().await;
    assert_eq!((answer.status, answer.json().get("stream")), (202, None));
}

#[tokio::test]
async fn wish_for_a_part_is_checked() {
    let mut admin = Browser::admin().await;
    let path = format!("{BASE}/{PROJECTION}/rebuild");
    let user = "01930000-0000-7000-8000-000000000ada";
    let wrong = [
        (json!({"user_id": "ada"}), ("user_id", "not_an_id")),
        (json!({"stream": null, "user_id": ""}), ("user_id", "not_an_id")),
        (json!({"stream": 1}), ("stream", "wrong_type")),
        (json!({"stream": STREAM, "user_id": user}), ("user_id", "exclusive")),
        (json!({"streams": STREAM}), ("streams", "unknown")),
    ];
    for (body, expected) in wrong {
        let answer = admin.post(&path).json(&body).send().await;
        assert_eq!(answer.invalid(), fields(&[expected]), "{body}");
    }
    let answer = admin.post(&path).body("text/plain", "{}").send().await;
    answer.is_problem(415, "unsupported-media-type");
    let answer = admin.post(&path).body("application/json", "").send().await;
    answer.is_problem(400, "malformed");
}

#[tokio::test]
async fn what_takes_a_recent_proof_says_so() {
    let mut admin = Browser::admin().await;
    admin.app.breaks(Broken::Unproven);
    for (method, path) in operations() {
        let answer = admin.ask(method, &path).send().await;
        if path.ends_with("/rebuild") || path.ends_with("/rollback") {
            answer.is_problem(403, "reauthentication-required");
        } else {
            assert_ne!(answer.status, 403, "{path}");
        }
    }
}

#[tokio::test]
async fn each_refusal_is_a_problem_of_its_own() {
    let mut admin = Browser::admin().await;
    let of = |rest: &str| format!("{BASE}/{PROJECTION}/{rest}");
    let over = admin.delete(&of(&format!("runs/{VERIFIED}"))).send().await;
    over.is_problem(409, "run-over");
    let nothing = admin.post(&of("rollback")).send().await;
    nothing.is_problem(409, "no-earlier-generation");
    let retry = admin.post(&of(&format!("parked/{STREAM}/retry"))).send().await;
    let detail = retry.is_problem(409, "still-unreadable")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("session.teleported"), "{detail}");
    admin.app.breaks(Broken::Contended);
    for rest in ["rebuild", "verify"] {
        let answer = admin.post(&of(rest)).send().await;
        answer.is_problem(409, "run-under-way");
    }
}

#[tokio::test]
async fn stream_of_a_run_tells_its_progress_and_its_end() {
    let mut admin = Browser::admin().await;
    let answer = admin.get(&format!("{BASE}/{PROJECTION}/runs/{RUNNING}/events")).await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let told: Vec<(String, Value)> = events(&answer.text);
    let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["progress", "progress", "ended"]);
    assert_eq!(told[1].1["done"], 60);
    assert_eq!(told[2].1["result"]["differences"][0]["columns"], json!(["ended_at"]));
}
