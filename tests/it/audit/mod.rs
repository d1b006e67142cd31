//! The book, as auditors read it over HTTP.

mod by_command;
mod events;
mod export;
mod logins;
mod past;
mod places;
mod retention;
mod rights;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Caller, Database, PASSWORD, Service, eventually};

const AUDITOR: &str = "audrey@example.org";
const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const ADAS_IP: &str = "203.0.113.77";
const BOBS_IP: &str = "2001:db8:7::1";
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// A service that believes its proxy.
async fn prepared(database: Database) -> Service {
    Service::start_with(database, &[("HTTP__TRUSTED_PROXIES", "127.0.0.0/8")]).await
}

/// Somebody with a role, freshly signed in.
async fn with_role(service: &Service, email: &str, role: &str) -> Caller {
    service.anonymous().try_sign_up(email).await.unwrap().expect(202);
    service.doorbook(&["user", "grant", email, role]).await;
    let caller = service.anonymous();
    eventually("the role is known", || async {
        caller.log_in(email).await;
        let session = caller.get("/api/session").await.expect(200).json();
        (session["user"]["roles"] == json!([role])).then_some(())
    })
    .await;
    caller
}

async fn auditor(service: &Service) -> Caller {
    with_role(service, AUDITOR, "auditor").await
}

/// Changes something from an address, with a browser.
async fn post_from(caller: &Caller, ip: &str, agent: &str, path: &str, body: &Value) -> Answer {
    let token = caller.get("/api/csrf").await.expect(200).json()["csrf_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let request = caller
        .request(Method::POST, path)
        .header("x-csrftoken", token)
        .header("x-forwarded-for", ip)
        .header("user-agent", agent.as_bytes())
        .json(body);
    caller.send(request).await.unwrap()
}

async fn log_in_from(service: &Service, ip: &str, email: &str, password: &str) -> (Caller, Answer) {
    let caller = service.anonymous();
    let wish = json!({"email": email, "password": password});
    let answer = post_from(&caller, ip, AGENT, "/api/login", &wish).await;
    (caller, answer)
}

async fn items(auditor: &Caller, path: &str) -> Vec<Value> {
    let page = auditor.get(path).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

/// Waits until the book has this many rows: failures are written in the background.
async fn rows(auditor: &Caller, path: &str, count: usize) -> Vec<Value> {
    eventually("the book has the rows", || async {
        let items = items(auditor, path).await;
        (items.len() == count).then_some(items)
    })
    .await
}

/// Ada's success and failure, Bob's success, and somebody whom nobody knows.
async fn told(service: &Service) -> (Caller, Caller) {
    for email in [ADA, BOB] {
        service.anonymous().try_sign_up(email).await.unwrap().expect(202);
    }
    let (ada, answer) = log_in_from(service, ADAS_IP, ADA, PASSWORD).await;
    answer.expect(200);
    log_in_from(service, ADAS_IP, ADA, "not hers at all")
        .await
        .1
        .expect(401);
    let (bob, answer) = log_in_from(service, BOBS_IP, BOB, PASSWORD).await;
    answer.expect(200);
    log_in_from(service, BOBS_IP, "nobody@example.org", PASSWORD)
        .await
        .1
        .expect(401);
    (ada, bob)
}

async fn user_id(caller: &Caller) -> String {
    let session = caller.get("/api/session").await.expect(200).json();
    session["user"]["id"].as_str().unwrap().to_owned()
}
