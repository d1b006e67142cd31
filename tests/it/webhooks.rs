//! Webhooks: what leaves, to a receiver of the test's own, when things break and when they do not.

mod receivers;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::support::{Database, PASSWORD, Posted, Receiver, Reply, Service, eventually};

on_each_store!(
    event_is_posted_once_and_signed,
    failed_post_is_repeated_with_the_same_id,
    killed_service_posts_again_with_the_same_id,
    receiver_that_is_gone_parks_at_once_and_parked_events_are_retried_or_dropped,
    rebuild_and_restart_post_nothing_and_a_new_webhook_begins_at_the_end,
);

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEWER: &str = "whsec_b25lIHJlYWxseSByYW5kb20gc2VjcmV0Lg==";
const TAKEN: Reply = Reply::Status(204);

/// A webhook to this address, which may be internal.
fn configure(service: &mut Service, name: &str, url: &str, events: &str) {
    let name = name.to_uppercase();
    service.set(&format!("WEBHOOKS__{name}__URL"), url);
    service.set(&format!("WEBHOOKS__{name}__SECRET"), SECRET);
    service.set(&format!("WEBHOOKS__{name}__EVENTS"), events);
    service.set(&format!("WEBHOOKS__{name}__ALLOW_INTERNAL"), "true");
}

/// A running service with one webhook, `crm`.
async fn service(database: Database, receiver: &Receiver, events: &str) -> Service {
    let mut service = Service::prepare(database).await;
    configure(&mut service, "crm", &receiver.url(), events);
    service.start_again().await;
    service
}

/// Waits until so many have come.
async fn posted(receiver: &Receiver, kind: &str, count: usize) -> Vec<Posted> {
    eventually("webhooks come", || async {
        let posted = receiver.of(kind);
        (posted.len() >= count).then_some(posted)
    })
    .await
}

async fn lines(service: &Service, arguments: &[&str]) -> Vec<Value> {
    let text = service.doorbook(arguments).await;
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What `doorbook webhooks list` says about it.
async fn listed(service: &Service, name: &str) -> Value {
    let lines = lines(service, &["webhooks", "list", "--json"]).await;
    lines.into_iter().find(|line| line["webhook"] == name).unwrap()
}

async fn nothing_waits(service: &Service, name: &str) {
    eventually("nothing waits", || async {
        (listed(service, name).await["pending"] == 0).then_some(())
    })
    .await;
}

async fn metric(service: &Service, name: &str) -> u64 {
    service.metric(&format!("{name}{{webhook=\"crm\"}}")).await.unwrap()
}

async fn event_is_posted_once_and_signed(database: Database) {
    let receiver = Receiver::start(&[TAKEN]).await;
    let service = service(database, &receiver, "user.registered,session.*").await;
    let ada = service.signed_up(ADA).await;
    let me = ada.get("/api/me").await.expect(200).json();
    ada.try_log_out().await.unwrap();
    let ended = posted(&receiver, "session.ended", 1).await.remove(0);
    let started = posted(&receiver, "session.started", 1).await.remove(0);
    let registered = posted(&receiver, "user.registered", 1).await.remove(0);
    for posted in [&registered, &started, &ended] {
        assert_eq!(posted.verified(SECRET), Ok(posted.json()));
        posted.verified(NEWER).unwrap_err();
        let altered = Posted {
            body: posted.body.replace("user_id", "user-id"),
            ..posted.clone()
        };
        altered.verified(SECRET).unwrap_err();
        assert_eq!(posted.header("content-type"), "application/json");
        assert_eq!(posted.json()["data"]["user_id"], me["id"], "{}", posted.body);
        let keys: Vec<String> = posted.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["data", "timestamp", "type"]);
    }
    assert_eq!(ended.json()["data"]["reason"], "logged_out");
    assert_eq!(ended.json()["data"]["stream"], started.json()["data"]["stream"]);
    let position = registered.json()["data"]["position"].as_str().unwrap().to_owned();
    let stored = &lines(&service, &["events", "show", &position, "--json"]).await[0];
    assert_eq!(registered.id(), stored["id"]);
    assert_eq!(registered.json()["timestamp"], stored["recorded_at"]);
    nothing_waits(&service, "crm").await;
    eventually("the figures say so", || async {
        let sent = metric(&service, "webhook_sent_total").await >= 3;
        (sent && metric(&service, "webhook_lag_events").await == 0).then_some(())
    })
    .await;
    assert_eq!(receiver.posted().len(), 3, "{:?}", receiver.posted());
}

async fn failed_post_is_repeated_with_the_same_id(database: Database) {
    let receiver = Receiver::start(&[Reply::Status(500), TAKEN]).await;
    let service = service(database, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    let [first, second] = posted(&receiver, "user.registered", 2).await.try_into().unwrap();
    assert_eq!((first.id(), &first.body), (second.id(), &second.body));
    assert_ne!(first.header("webhook-timestamp"), second.header("webhook-timestamp"));
    second.verified(SECRET).unwrap();
    nothing_waits(&service, "crm").await;
    assert_eq!(metric(&service, "webhook_failed_total").await, 1);
    assert_eq!(receiver.posted().len(), 2);
}

async fn killed_service_posts_again_with_the_same_id(database: Database) {
    // The receiver has it long before it says so.
    let receiver = Receiver::start(&[Reply::Late(Duration::from_secs(9))]).await;
    let mut service = service(database, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    let before = posted(&receiver, "user.registered", 1).await.remove(0);
    service.kill();
    receiver.replies(TAKEN);
    service.start_again().await;
    let after = posted(&receiver, "user.registered", 2).await.remove(1);
    assert_eq!((before.id(), &before.body), (after.id(), &after.body));
    nothing_waits(&service, "crm").await;
    assert_eq!(receiver.posted().len(), 2);
}

async fn receiver_that_is_gone_parks_at_once_and_parked_events_are_retried_or_dropped(database: Database) {
    let receiver = Receiver::start(&[Reply::Status(410)]).await;
    let service = service(database, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    service.signed_up(BOB).await;
    let parked = eventually("both are parked", || async {
        let parked = lines(&service, &["webhooks", "parked", "crm", "--json"]).await;
        (parked.len() == 2).then_some(parked)
    })
    .await;
    assert_eq!(receiver.posted().len(), 2, "parked at once");
    assert_eq!(parked[0]["reason"], "status 410: the receiver wants no more");
    assert_eq!(
        (&parked[0]["event"], &parked[0]["tries"]),
        (&json!("user.registered"), &json!(1))
    );
    let ids = |posted: &[Posted]| {
        posted
            .iter()
            .map(|posted| posted.id().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let known: BTreeSet<_> = parked
        .iter()
        .map(|line| line["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids(&receiver.posted()), known);
    assert_eq!(listed(&service, "crm").await["parked"], 2);
    assert!(!format!("{parked:?}{}", service.log()).contains(SECRET));

    receiver.replies(TAKEN);
    let position = |line: &Value| line["position"].as_str().unwrap().to_owned();
    let first = position(&parked[0]);
    assert_eq!(
        service.doorbook(&["webhooks", "retry", "crm", &first]).await,
        "1 event is posted again.\n"
    );
    let again = posted(&receiver, "user.registered", 3).await.remove(2);
    assert_eq!(again.id(), parked[0]["id"]);
    for arguments in [
        ["webhooks", "retry", "crm", &first],
        ["webhooks", "drop", "crm", &first],
    ] {
        let refused = service.output(&arguments).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("is parked for `crm`"));
    }
    assert_eq!(
        service.doorbook(&["webhooks", "drop", "crm", "--all"]).await,
        "1 event is forgotten.\n"
    );
    assert_eq!(service.doorbook(&["webhooks", "parked", "--json"]).await, "");
    let second = parked[1]["id"].as_str().unwrap();
    let posted = receiver.posted();
    let of_the_second = posted.iter().filter(|posted| posted.id() == second).count();
    assert_eq!(of_the_second, 1, "what was dropped is not posted again: {posted:#?}");
}

async fn rebuild_and_restart_post_nothing_and_a_new_webhook_begins_at_the_end(database: Database) {
    let (receiver, other) = (Receiver::start(&[TAKEN]).await, Receiver::start(&[TAKEN]).await);
    let mut service = service(database, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    posted(&receiver, "user.registered", 1).await;
    service.doorbook(&["projections", "rebuild", "--all"]).await;
    assert!(service.stop().await.success());
    configure(&mut service, "other", &other.url(), "user.registered");
    service.start_again().await;
    service.doorbook(&["projections", "rebuild", "--all"]).await;
    // Whatever was wrongly caused would come before this one.
    service.signed_up(BOB).await;
    let both = posted(&receiver, "user.registered", 2).await;
    let new = posted(&other, "user.registered", 1).await;
    assert_eq!(new[0].id(), both[1].id());
    nothing_waits(&service, "other").await;
    assert_eq!((receiver.posted().len(), other.posted().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_sign_while_the_receiver_goes_over() {
    let receiver = Receiver::start(&[TAKEN]).await;
    let mut service = Service::prepare(Database::Sqlite).await;
    configure(&mut service, "crm", &receiver.url(), "user.registered");
    service.set("WEBHOOKS__CRM__SECRET", NEWER);
    service.set("WEBHOOKS__CRM__PREVIOUS_SECRET", SECRET);
    service.start_again().await;
    service.signed_up(ADA).await;
    let posted = posted(&receiver, "user.registered", 1).await.remove(0);
    assert_eq!(posted.header("webhook-signature").split(' ').count(), 2);
    posted.verified(NEWER).unwrap();
    posted.verified(SECRET).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn receiver_is_left_alone_for_as_long_as_it_says() {
    let receiver = Receiver::start(&[Reply::After(429, "9"), TAKEN]).await;
    let service = service(Database::Sqlite, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    let [first, second] = posted(&receiver, "user.registered", 2).await.try_into().unwrap();
    let at = |posted: &Posted| posted.header("webhook-timestamp").parse::<u64>().unwrap();
    // By itself it would have come back after 4 to 6 seconds.
    assert!(at(&second) >= at(&first) + 9, "{first:?} {second:?}");
    assert_eq!(first.id(), second.id());
    nothing_waits(&service, "crm").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_that_is_taken_out_is_forgotten_and_put_back_is_new() {
    let receiver = Receiver::start(&[Reply::Status(500)]).await;
    let mut service = service(Database::Sqlite, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    posted(&receiver, "user.registered", 1).await;
    assert!(service.stop().await.success());
    let variables =
        ["URL", "SECRET", "EVENTS", "ALLOW_INTERNAL"].map(|field| format!("DOORBOOK__WEBHOOKS__CRM__{field}"));
    for variable in &variables {
        service.unset_variable(variable);
    }
    service.start_again().await;
    service.signed_up(BOB).await;
    assert!(service.stop().await.success());
    receiver.replies(TAKEN);
    let before = receiver.posted().len();
    configure(&mut service, "crm", &receiver.url(), "user.registered");
    service.start_again().await;
    service.signed_up("carol@example.org").await;
    posted(&receiver, "user.registered", before + 1).await;
    nothing_waits(&service, "crm").await;
    let ids: Vec<_> = receiver.posted().iter().map(|posted| posted.id().to_owned()).collect();
    assert_eq!(ids.len(), before + 1);
    assert!(!ids[..before].contains(&ids[before]));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_person_and_no_secret_leaves() {
    let receiver = Receiver::start(&[TAKEN]).await;
    let events = "signup.*,user.*,claim.*,session.*,login.*,audit.*,projection.*";
    let service = service(Database::Sqlite, &receiver, events).await;
    let ada = service.signed_up(ADA).await;
    let name = json!({"name": "Countess of Lovelace"});
    ada.change(reqwest::Method::PATCH, "/api/me", Some(&name))
        .await
        .unwrap()
        .expect(200);
    let wish = json!({"current_password": PASSWORD, "new_password": "six quiet herons over Utrecht"});
    ada.post("/api/password/change", &wish).await.expect(204);
    service.anonymous().try_log_in(ADA, "wrong").await.unwrap().expect(401);
    service.anonymous().try_log_in(BOB, "wrong").await.unwrap().expect(401);
    ada.delete("/api/me").await.expect(204);
    posted(&receiver, "user.erased", 1).await;
    posted(&receiver, "login.failed", 2).await;
    posted(&receiver, "claim.released", 1).await;
    let posted = receiver.posted();
    let log = lines(
        &service,
        &["events", "tail", "--json", "--after", "0", "--lines", "1000"],
    )
    .await;
    let stored: String = log.iter().map(Value::to_string).collect();
    let sent: String = posted.iter().map(|posted| posted.body.as_str()).collect();
    for canary in [
        "ada@",
        "Lovelace",
        "127.0.0.1",
        PASSWORD,
        "argon2",
        "email-",
        "whsec_",
        "hidden",
    ] {
        assert!(!sent.contains(canary), "{canary}: {sent}");
    }
    // They stand in the log: it is the body that leaves them out.
    for field in ["secret", "password", "email", "claim", "origin", "ip_bucket"] {
        let field = format!("\"{field}\":");
        assert!(stored.contains(&field) && !sent.contains(&field), "{field}: {sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backup_keeps_what_is_to_be_posted_and_no_letters() {
    let receiver = Receiver::start(&[Reply::Status(500)]).await;
    let mut service = Service::prepare(Database::Sqlite).await;
    configure(&mut service, "crm", &receiver.url(), "user.registered");
    service.set("MAIL__URL", "smtp://127.0.0.1:1");
    service.start_again().await;
    let ada = service.signed_up(ADA).await;
    let wish = json!({"current_password": PASSWORD, "new_password": "six quiet herons over Utrecht"});
    ada.post("/api/password/change", &wish).await.expect(204);
    posted(&receiver, "user.registered", 1).await;
    let queues = |file: PathBuf| async move {
        let mut keys = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
            .await
            .unwrap();
        let query = "select distinct queue from outbox order by queue";
        sqlx::query_scalar::<_, String>(query)
            .fetch_all(&mut keys)
            .await
            .unwrap()
    };
    let keys = service.data().join("keys.db");
    eventually("both wait", || async {
        (queues(keys.clone()).await == ["outbox", "webhook-crm"]).then_some(())
    })
    .await;
    let backup = service.directory().join("backup");
    let line = service.doorbook(&["backup", backup.to_str().unwrap(), "--json"]).await;
    let copied: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(queues(copied["keys"].as_str().unwrap().into()).await, ["webhook-crm"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn test_is_posted_past_the_queue_and_an_unknown_webhook_is_named() {
    let receiver = Receiver::start(&[TAKEN]).await;
    let mut service = Service::prepare(Database::Sqlite).await;
    configure(&mut service, "crm", &receiver.url(), "user.registered");
    let said = service.doorbook(&["webhooks", "test", "crm"]).await;
    assert_eq!(said, "The receiver of `crm` took it.\n");
    let [test] = receiver.posted().try_into().unwrap();
    assert_eq!(
        (test.kind(), &test.json()["data"]),
        ("webhook.test".to_owned(), &json!({}))
    );
    test.verified(SECRET).unwrap();
    receiver.replies(Reply::Status(500));
    for (name, sentence) in [
        ("crm", "the receiver did not take it: status 500"),
        ("crn", "there is no webhook `crn`: `doorbook webhooks list` names them"),
    ] {
        let refused = service.output(&["webhooks", "test", name]).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(
            String::from_utf8_lossy(&refused.stderr).contains(sentence),
            "{refused:?}"
        );
    }
}
