//! What admins see and do, and what nobody else does.

mod last;
mod matrix;
mod stats;
mod users;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Service, eventually};

const USERS: &str = "/api/admin/users";

/// Logs in after the session has died: the CSRF token that was bound to it fits no more.
async fn log_in_again(caller: &Caller, email: &str) {
    caller.get("/api/csrf").await.expect(200);
    caller.log_in(email).await;
}

/// Somebody with these roles and a live session.
async fn with_roles(service: &Service, email: &str, roles: &[&str]) -> Caller {
    let caller = service.signed_up(email).await;
    for role in roles {
        service.doorbook(&["user", "grant", email, role]).await;
    }
    if !roles.is_empty() {
        log_in_again(&caller, email).await;
    }
    caller
}

async fn admin(service: &Service, email: &str) -> Caller {
    with_roles(service, email, &["admin"]).await
}

async fn id_of(caller: &Caller) -> String {
    let me = caller.get("/api/me").await.expect(200).json();
    me["id"].as_str().unwrap().to_owned()
}

fn path_of(id: &str) -> String {
    format!("{USERS}/{id}")
}

/// Does something to a user that has no body.
async fn act(admin: &Caller, id: &str, what: &str) -> Answer {
    let path = format!("{USERS}/{id}/{what}");
    admin.change(Method::POST, &path, None).await.unwrap()
}

async fn set_roles(admin: &Caller, id: &str, roles: &[&str]) -> Answer {
    let (path, body) = (format!("{USERS}/{id}/roles"), json!({"roles": roles}));
    admin.change(Method::PUT, &path, Some(&body)).await.unwrap()
}

/// Type and actor of every event of a stream.
async fn events_of(service: &Service, stream: &str) -> Vec<(String, String)> {
    let arguments = ["events", "tail", "--json", "--after", "0", "--lines", "1000000"];
    let lines = service.doorbook(&arguments).await;
    let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let own = events.filter(|event| event["stream"] == stream);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    own.map(|event| (text(&event["type"]), text(&event["metadata"]["actor"])))
        .collect()
}

/// Token and whole text of the latest letter to an address that leads to a new password.
async fn reset_letter(service: &Service, to: &str) -> (String, String) {
    eventually("the letter is written", || async {
        let mails = service.mails();
        let mut latest = mails.iter().rev();
        let mail = latest.find(|mail| mail.leads_to("reset") && mail.header("To").contains(to))?;
        Some((mail.token(), format!("{mail:?}")))
    })
    .await
}
