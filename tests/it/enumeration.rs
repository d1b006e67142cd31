//! Whether an answer tells who has an account: the same bytes for every kind of address, whether mail leaves or not.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::support::{Answer, Caller, Database, MailServer, Service};

on_each_store!(every_kind_of_address_gets_the_same_bytes_with_mail_and_without);

const KNOWN: &str = "known@example.org";
const UNKNOWN: &str = "nobody@example.org";
const PENDING: &str = "pending@example.org";
const UNVERIFIED: &str = "unverified@example.org";
const INACTIVE: &str = "inactive@example.org";
const SOCIAL: &str = "social@example.org";
const EVERY: [&str; 6] = [KNOWN, UNKNOWN, PENDING, UNVERIFIED, INACTIVE, SOCIAL];

const PASSWORD: &str = "correct horse battery staple λ";
/// Of [`PASSWORD`].
const HASH: &str = "{SSHA}vF18A/WtuhgsJlw80ZUD92RVP4q2dg7B";

async fn every_kind_of_address_gets_the_same_bytes_with_mail_and_without(database: Database) {
    let mut server = MailServer::prepare();
    let mut service = Service::prepare(database).await;
    service.set("MAIL__URL", &format!("smtp://127.0.0.1:{}", server.port()));
    service.set("SIGNUP__VERIFY_EMAIL", "true");
    service.start_again().await;
    people(&service).await;
    // Nobody listens at first.
    compare(&service).await;
    server.start(&[]);
    compare(&service).await;
}

/// One of each kind. Somebody who only comes by a provider has no password.
async fn people(service: &Service) {
    let lines = [
        json!({"email": KNOWN, "password_hash": HASH}),
        json!({"email": UNVERIFIED, "password_hash": HASH, "email_verified": false}),
        json!({"email": INACTIVE, "password_hash": HASH, "active": false}),
        json!({"email": SOCIAL}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    fs::write(service.directory().join("users.ndjson"), text).unwrap();
    service.doorbook(&["user", "import", "users.ndjson"]).await;
    let wish = json!({"email": PENDING, "password": PASSWORD});
    service.anonymous().post("/api/signup", &wish).await.expect(202);
}

async fn compare(service: &Service) {
    let anonymous = |path: &'static str, with: Value| {
        move |email: &str| {
            let mut wish = with.clone();
            wish["email"] = email.into();
            (service.anonymous(), path, wish)
        }
    };
    let password = json!({"password": PASSWORD});
    let wrong = json!({"password": "no violet anchor in a tundra"});
    all_alike("sign-up", 202, anonymous("/api/signup", password.clone())).await;
    all_alike("login with a wrong password", 401, anonymous("/api/login", wrong)).await;
    all_alike("reset", 202, anonymous("/api/password/forgot", json!({}))).await;
    all_alike("resend", 202, anonymous("/api/email/resend", json!({}))).await;

    // The right password is told to those only who may log in.
    let mut refusals = Vec::new();
    for email in [UNKNOWN, PENDING, UNVERIFIED, INACTIVE, SOCIAL] {
        let (caller, path, wish) = anonymous("/api/login", password.clone())(email);
        refusals.push(caller.post(path, &wish).await.expect(401));
    }
    assert_alike("login with the right password", &refusals);

    let desk = service.anonymous();
    desk.try_log_in(KNOWN, PASSWORD).await.unwrap().expect(200);
    let changes = |email: &str| (desk.twin(), "/api/email/change", json!({"email": email}));
    all_alike("change of address", 202, changes).await;
}

async fn all_alike(what: &str, status: u16, ask: impl Fn(&str) -> (Caller, &'static str, Value)) {
    let mut answers = Vec::new();
    for email in EVERY {
        let (caller, path, wish) = ask(email);
        answers.push(caller.post(path, &wish).await.expect(status));
    }
    assert_alike(what, &answers);
}

#[track_caller]
fn assert_alike(what: &str, answers: &[Answer]) {
    let seen: Vec<_> = answers.iter().map(bytes).collect();
    for (number, other) in seen.iter().enumerate() {
        assert_eq!(other, &seen[0], "{what}: number {number}");
    }
}

/// What a client sees, without what differs from request to request.
fn bytes(answer: &Answer) -> (u16, BTreeMap<String, Vec<u8>>, String) {
    let headers = answer.headers.iter();
    let headers = headers.filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    (answer.status.as_u16(), headers.collect(), answer.body.clone())
}
