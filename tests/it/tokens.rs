//! Secrets that stand for somebody: each is worth something in its own place only, and is found nowhere.

use std::{fs, path::Path};

use reqwest::Method;
use serde_json::json;

use crate::support::{Caller, Database, Kind, Person, Provider, Service};

on_each_store!(token_of_one_kind_is_worth_nothing_in_the_place_of_another);

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const NEW: &str = "countess@example.net";
const OTHER: &str = "six quiet herons over Utrecht";

/// Where a token can be presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Session,
    Csrf,
    Reset,
    Verify,
    State,
    Flow,
    Device,
}

const PLACES: [Place; 6] = [
    Place::Session,
    Place::Csrf,
    Place::Reset,
    Place::Verify,
    Place::State,
    Place::Flow,
];

async fn token_of_one_kind_is_worth_nothing_in_the_place_of_another(database: Database) {
    let github = Provider::start(Kind::Github, "github").await;
    let mut service = Service::prepare(database).await;
    github.configure(&mut service);
    for (key, value) in [("SIGNUP__VERIFY_EMAIL", "true"), ("LOG__LEVEL", "debug")] {
        service.set(key, value);
    }
    service.start_again().await;
    let (ada, flow) = (service.anonymous(), service.anonymous());
    let tokens = one_of_each(&service, &ada, &flow, &github).await;
    for (own, token) in &tokens {
        for place in PLACES.into_iter().filter(|place| place != own) {
            assert!(!opens(&service, &flow, place, token).await, "{own:?} as {place:?}");
        }
    }
    nothing_is_found(&service, &ada, &tokens).await;
    // Each does what it is for, after all that.
    assert!(ada.is_signed_in().await);
    for place in [Place::Csrf, Place::Verify, Place::Reset, Place::State] {
        let (_, token) = tokens.iter().find(|(own, _)| *own == place).unwrap();
        assert!(opens(&service, &flow, place, token).await, "{place:?}");
    }
}

async fn one_of_each(service: &Service, ada: &Caller, flow: &Caller, github: &Provider) -> Vec<(Place, String)> {
    ada.try_sign_up(ADA).await.unwrap().expect(202);
    let verify = json!({"token": service.mail(1).await.token()});
    ada.post("/api/email/verify", &verify).await.expect(204);
    ada.log_in(ADA).await;
    let stranger = service.anonymous();
    stranger.try_sign_up(BOB).await.unwrap().expect(202);
    let sign_up = service.mail(2).await.token();
    ada.post("/api/email/change", &json!({"email": NEW})).await.expect(202);
    let change = service.mail(3).await.token();
    stranger
        .post("/api/password/forgot", &json!({"email": ADA}))
        .await
        .expect(202);
    let reset = service.mail(4).await.token();
    let start = json!({"intent": "login"});
    let started = flow.post("/api/social/github/start", &start).await.expect(200).json();
    let url = started["authorize_url"].as_str().unwrap();
    let back = github.agree(url, &Person::verified(1, "eve@example.org"));
    let value = |caller: &Caller, name: &str| caller.jar().value(name).unwrap();
    vec![
        (Place::Session, value(ada, "sessionid")),
        (Place::Csrf, value(&stranger, "csrftoken")),
        (Place::Verify, change),
        (Place::Verify, sign_up),
        (Place::Reset, reset),
        (Place::State, back.state),
        (Place::Flow, value(flow, "doorbook_flow")),
        (Place::Device, value(ada, "doorbook_device")),
    ]
}

/// Whether it is taken for what belongs there.
async fn opens(service: &Service, flow: &Caller, place: Place, token: &str) -> bool {
    let stranger = service.anonymous();
    let answer = match place {
        Place::Session | Place::Device => {
            stranger.jar().plant("sessionid", token);
            return stranger.is_signed_in().await;
        }
        Place::Csrf => {
            stranger.jar().plant("csrftoken", token);
            let wish = json!({"email": "nobody@example.org"});
            stranger.post("/api/password/forgot", &wish).await
        }
        Place::Reset => {
            let wish = json!({"token": token, "new_password": OTHER});
            stranger.post("/api/password/reset", &wish).await
        }
        Place::Verify => stranger.post("/api/email/verify", &json!({"token": token})).await,
        Place::State => {
            // The code of this flow is given to whoever has its state and its browser.
            let back = json!({"code": "canary-code-github-1", "state": token});
            flow.post("/api/social/github", &back).await
        }
        Place::Flow => {
            stranger.jar().plant("doorbook_flow", token);
            let back = json!({"code": "canary-code-github-1", "state": "whatever"});
            stranger.post("/api/social/github", &back).await
        }
    };
    let refused = matches!(answer.status.as_u16(), 400 | 403 | 410);
    assert!(refused || answer.status.is_success(), "{answer:?}");
    assert!(refused || answer.cookie("sessionid").is_none() || place == Place::State);
    !refused
}

/// Not in a log line, an event, an export, nor in a file other than the letters themselves.
async fn nothing_is_found(service: &Service, ada: &Caller, tokens: &[(Place, String)]) {
    let events = ["events", "tail", "--json", "--after", "0", "--lines", "10000"];
    let texts = [
        ("log", service.log()),
        ("events", service.doorbook(&events).await),
        ("letters that wait", service.doorbook(&["mail", "list", "--json"]).await),
        ("export", ada.get("/api/me/export").await.expect(200).body),
    ];
    let mut files = Vec::new();
    read(&service.data(), &mut files);
    for (place, token) in tokens {
        // The secret is at the end: what a session's cookie begins with is an id.
        let secret = &token[token.len() - 24..];
        for (name, text) in &texts {
            assert!(!text.contains(secret), "{place:?} in {name}");
        }
        for (name, bytes) in &files {
            // Letters of a token are themselves in whatever is no text.
            let text = String::from_utf8_lossy(bytes);
            assert!(!text.contains(secret), "{place:?} in {name}");
        }
    }
}

fn read(directory: &Path, into: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("mail") {
                read(&path, into);
            }
        } else {
            into.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

/// Otherwise whoever asks for a reset in another's name would get the token (OWASP, password reset poisoning).
#[tokio::test(flavor = "multi_thread")]
async fn mailed_link_begins_as_it_is_configured_whatever_host_is_asked() {
    let service = Service::start_with_mail(Database::Sqlite).await;
    let caller = service.anonymous();
    caller.try_sign_up(ADA).await.unwrap().expect(202);
    let verify = json!({"token": service.mail(1).await.token()});
    caller.post("/api/email/verify", &verify).await.expect(204);
    let token = caller.jar().value("csrftoken").unwrap();
    for (number, header) in [(2, "host"), (3, "x-forwarded-host"), (4, "forwarded")] {
        let value = if header == "forwarded" {
            "host=evil.example"
        } else {
            "evil.example"
        };
        let request = caller
            .request(Method::POST, "/api/password/forgot")
            .header(header, value)
            .header("x-csrftoken", &token)
            .json(&json!({"email": ADA}));
        caller.send(request).await.unwrap().expect(202);
        let mail = service.mail(number).await;
        assert!(
            mail.says(&format!("{}/auth/reset#token=", service.origin())) && !mail.says("evil"),
            "{header}: {mail:?}"
        );
    }
}
