//! The end of an account: nothing that names its owner is left anywhere, and the address is anybody's again.

mod admins;
mod traces;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use self::traces::{assert_gone, counters, everything_stored, files, hex, needles, stored_keys};
use crate::support::{Answer, Caller, Database, Kind, PASSWORD, Person, Provider, Service, eventually};

on_each_store!(
    nothing_that_names_the_erased_is_left,
    letter_that_is_under_way_is_erased_with_its_addressee,
    erased_address_is_anybodys_again_and_shows_nothing_of_before,
    command_erases_beside_the_service,
    export_shows_everything_but_secrets,
);

const TYPED: &str = "Grace.Canary+door@Hopper-Example.org";
const NAME: &str = "Grace Canaryname";
const IP: &str = "203.0.113.77";
const AGENT: &str = "CanaryBrowser/7.7 (Lynx)";
/// Whom a provider knows her as.
const ELSEWHERE: &str = "grace.canaryelsewhere@hopper.example";
const SECOND: &str = "nine wet pebbles under the bridge";

/// Changes something from the canary's machine.
async fn from_her_machine(caller: &Caller, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let known = caller.jar().value("csrftoken");
    let token = match known {
        Some(token) => token,
        None => caller.get("/api/csrf").await.expect(200).json()["csrf_token"]
            .as_str()
            .unwrap()
            .to_owned(),
    };
    let mut request = caller
        .request(method, path)
        .header("x-csrftoken", token)
        .header("x-forwarded-for", IP)
        .header("user-agent", AGENT);
    if let Some(body) = body {
        request = request.json(body);
    }
    caller.send(request).await.unwrap()
}

async fn post(caller: &Caller, path: &str, body: Value) -> Answer {
    from_her_machine(caller, Method::POST, path, Some(&body)).await
}

/// Somebody who has done everything that leaves a trace.
async fn grace(service: &Service) -> Caller {
    let caller = service.anonymous();
    let wrong = json!({"email": TYPED, "password": "not hers at all"});
    post(&caller, "/api/login", wrong.clone()).await.expect(401);
    let wish = json!({"email": TYPED, "password": PASSWORD, "name": NAME});
    post(&caller, "/api/signup", wish).await.expect(202);
    post(&caller, "/api/login", wrong).await.expect(401);
    let login = json!({"email": TYPED, "password": PASSWORD});
    post(&caller, "/api/login", login).await.expect(200);
    let change = json!({"current_password": PASSWORD, "new_password": SECOND});
    post(&caller, "/api/password/change", change).await.expect(204);
    let phone = service.anonymous();
    let login = json!({"email": TYPED, "password": SECOND});
    post(&phone, "/api/login", login).await.expect(200);
    eventually("her failed logins are recorded", || async {
        let logins = caller.get("/api/me/logins").await.expect(200).json();
        let failures = logins["items"].as_array().unwrap().iter();
        (failures.filter(|login| login["outcome"] == "failure").count() == 1).then_some(())
    })
    .await;
    caller
}

async fn prepared(database: Database) -> Service {
    Service::start_with(
        database,
        &[
            ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
            ("SIGNUP__VERIFY_EMAIL", "false"),
        ],
    )
    .await
}

/// Links an account elsewhere, and lets another one wait.
async fn links(caller: &Caller, github: &Provider) {
    let start = json!({"intent": "link"});
    let started = post(caller, "/api/social/github/start", start).await.expect(200).json();
    let her = Person::verified(7_700_770_077, ELSEWHERE);
    let back = github.agree(started["authorize_url"].as_str().unwrap(), &her);
    post(caller, "/api/social/github", back.body()).await.expect(200);
}

async fn nothing_that_names_the_erased_is_left(database: Database) {
    let github = Provider::start(Kind::Github, "github").await;
    let mut service = Service::prepare(database).await;
    github.configure(&mut service);
    for (key, value) in [
        ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
        ("SIGNUP__VERIFY_EMAIL", "false"),
        ("THROTTLE__ENABLED", "true"),
    ] {
        service.set(key, value);
    }
    service.start_again().await;
    let bob = service.signed_up("bob@example.org").await;
    let grace = grace(&service).await;
    links(&grace, &github).await;
    assert!(counters(&service, database).await > 0, "attempts were counted");
    let id = grace.get("/api/me").await.expect(200).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let before = stored_keys(&service, database).await;
    let mut needles = needles(&grace.session_cookie().unwrap());
    service.doorbook(&["projections", "verify"]).await;

    let answer = from_her_machine(&grace, Method::DELETE, "/api/me", None)
        .await
        .expect(204);
    assert!(answer.cookie("sessionid").unwrap().removes());
    assert_eq!(answer.header("clear-site-data"), Some("\"storage\""));

    let after = stored_keys(&service, database).await;
    let gone: Vec<_> = before
        .iter()
        .filter(|(name, wrapped)| wrapped.is_some() && after.contains(&(name.clone(), None)))
        .collect();
    let names: Vec<&str> = gone.iter().map(|(name, _)| name.as_str()).collect();
    assert!(names.contains(&format!("user-{id}").as_str()), "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("attempts-email-")),
        "{names:?}"
    );
    assert!(names.iter().any(|name| name.starts_with("password-")), "{names:?}");
    for (_, wrapped) in &gone {
        let wrapped = wrapped.clone().unwrap();
        needles.push(hex(&wrapped).into_bytes());
        needles.push(wrapped);
    }
    assert_gone(&everything_stored(&service, database).await, &needles);

    for anybody in [&grace, &bob] {
        let cookie = anybody.session_cookie();
        assert_eq!(cookie.is_some(), anybody.is_signed_in().await);
    }
    nothing_comes_back(&service, database, &id, &needles).await;
}

/// Not by a rebuild, in no list, and in nothing that is printed.
async fn nothing_comes_back(service: &Service, database: Database, id: &str, needles: &[Vec<u8>]) {
    service.doorbook(&["projections", "verify"]).await;
    service.doorbook(&["projections", "rebuild", "--all"]).await;
    service.doorbook(&["projections", "verify"]).await;
    let listed = service.doorbook(&["user", "list", "--json"]).await;
    assert!(!listed.contains(id) && listed.contains("bob@example.org"), "{listed}");
    let events = service
        .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "100000"])
        .await;
    assert!(events.contains("user.erased") && events.contains("claim.released"));
    assert_gone(&[("events".to_owned(), events.into_bytes())], needles);
    assert_gone(&everything_stored(service, database).await, needles);
    assert_gone(&[("the service's log".to_owned(), service.log().into_bytes())], needles);
}

/// The letter is asked for at the last moment: whoever makes it may have read the address already.
async fn letter_that_is_under_way_is_erased_with_its_addressee(database: Database) {
    let service = prepared(database).await;
    for number in 0..20 {
        let email = format!("grace.canary{number}@example.org");
        let caller = service.signed_up(&email).await;
        let forgot = json!({"email": email});
        service
            .anonymous()
            .post("/api/password/forgot", &forgot)
            .await
            .expect(202);
        caller.delete("/api/me").await.expect(204);
        let mut stored = Vec::new();
        files(&service.data().join("mail"), &mut stored);
        assert_gone(&stored, &[b"grace.canary".to_vec()]);
    }
    eventually("every letter was sent or given up", || async {
        let waiting = service.doorbook(&["mail", "list", "--json"]).await;
        waiting.is_empty().then_some(())
    })
    .await;
    let mut stored = Vec::new();
    files(&service.data().join("mail"), &mut stored);
    assert_gone(&stored, &[b"grace.canary".to_vec()]);
}

async fn erased_address_is_anybodys_again_and_shows_nothing_of_before(database: Database) {
    let service = prepared(database).await;
    let first = grace(&service).await;
    let old = first.twin();
    let id = first.get("/api/me").await.expect(200).json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    from_her_machine(&first, Method::DELETE, "/api/me", None)
        .await
        .expect(204);
    assert!(!old.is_signed_in().await, "her other tab is signed out");
    for password in [PASSWORD, SECOND] {
        let nobody = service.anonymous();
        nobody.try_log_in(TYPED, password).await.unwrap().expect(401);
    }
    eventually("failed logins at the free address are recorded", || async {
        let tail = service.doorbook(&["events", "tail", "--json", "--lines", "20"]).await;
        (tail.matches("\"type\":\"login.failed\"").count() >= 2).then_some(())
    })
    .await;

    let second = service.signed_up(&TYPED.to_lowercase()).await;
    let profile = second.get("/api/me").await.expect(200).json();
    assert_ne!(profile["id"], id);
    assert_eq!(profile["name"], Value::Null);
    assert_eq!(
        second.get("/api/sessions").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        second.get("/api/me/logins").await.json()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let export = second.get("/api/me/export").await.expect(200).body;
    for trace in [id.as_str(), NAME, IP, AGENT, "[erased]"] {
        assert!(!export.contains(trace), "{trace} in {export}");
    }
    assert!(second.is_signed_in().await);
    service.anonymous().log_in(TYPED).await;
    assert!(!service.log().contains("was not recorded"), "{}", service.log());
}

async fn command_erases_beside_the_service(database: Database) {
    let service = prepared(database).await;
    let ada = service.signed_up("ada@example.org").await;
    let refused = service.output(&["user", "erase", "ada@example.org"]).await;
    assert_eq!(refused.status.code(), Some(2), "without a terminal it wants --yes");
    assert!(ada.is_signed_in().await);
    let said = service.doorbook(&["user", "erase", "ada@example.org", "--yes"]).await;
    assert!(said.contains("was erased") && !said.contains("ada@"), "{said}");
    assert!(!ada.is_signed_in().await);
    let again = service.output(&["user", "erase", "ada@example.org", "--yes"]).await;
    assert_eq!(again.status.code(), Some(1));
    service.signed_up("ada@example.org").await;
    let list = fs::read_to_string(service.data().join("erasures.ndjson")).unwrap();
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(!list.contains("ada@"), "{list}");
}

async fn export_shows_everything_but_secrets(database: Database) {
    let service = prepared(database).await;
    let bob = service.signed_up("bob@example.org").await;
    let grace = grace(&service).await;
    let answer = grace.get("/api/me/export").await.expect(200);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"doorbook-export.json\"")
    );
    let export = answer.json();
    assert_eq!(export["complete"], true);
    assert_eq!(export["profile"]["email"], TYPED);
    assert_eq!(export["profile"]["name"], NAME);
    assert_eq!(export["addresses"][0]["email"], TYPED);
    let sessions = export["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2, "{export}");
    assert!(
        sessions
            .iter()
            .all(|session| session["ip"] == IP && session["user_agent"] == AGENT)
    );
    let outcomes: Vec<&Value> = export["logins"]
        .as_array()
        .unwrap()
        .iter()
        .map(|login| &login["outcome"])
        .collect();
    assert_eq!(outcomes, ["success", "success", "failure"]);
    let events = export["events"].as_array().unwrap();
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for expected in [
        "signup.requested",
        "user.registered",
        "claim.taken",
        "session.started",
        "user.password_changed",
        "login.failed",
    ] {
        assert!(types.contains(&expected), "{expected} in {types:?}");
    }
    let failed = events.iter().find(|event| event["type"] == "login.failed").unwrap();
    assert_eq!(
        (&failed["data"]["email"], &failed["data"]["origin"]["ip"]),
        (&json!(TYPED), &json!(IP))
    );
    for secret in ["argon2", "\"password\":", "\"secret\":", "password-", "bob@example.org"] {
        assert!(!answer.body.contains(secret), "{secret} in {}", answer.body);
    }
    let other = bob.get("/api/me/export").await.expect(200).body;
    assert!(
        !other.contains("Canary") && other.contains("bob@example.org"),
        "{other}"
    );
    service
        .anonymous()
        .get("/api/me/export")
        .await
        .expect_problem(401, "unauthenticated");
}
