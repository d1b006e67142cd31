//! Rebuilding the read models beside the service, under logins and logouts.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::support::{Caller, Database, Service, eventually};

on_each_store!(rebuild_never_shows_an_older_or_empty_state);

const STEADY: &str = "ada@example.org";
const RESTLESS: &str = "bob@example.org";

async fn rebuild_never_shows_an_older_or_empty_state(database: Database) {
    let mut service = Service::prepare(database).await;
    service
        .doorbook(&["dev", "seed", "--users", "200", "--events", "4000", "--seed", "1"])
        .await;
    service.start_again().await;
    let reader = service.signed_up(STEADY).await;
    service.anonymous().log_in(STEADY).await;
    let restless = service.signed_up(RESTLESS).await;
    eventually("two sessions are listed", || async {
        (sessions(&reader).await.len() == 2).then_some(())
    })
    .await;

    let done = Arc::new(AtomicBool::new(false));
    let checker = service.anonymous();
    checker.log_in(STEADY).await;
    let checks = tokio::spawn(check(checker, Arc::clone(&done)));
    eventually("three sessions are listed", || async {
        (sessions(&reader).await.len() == 3).then_some(())
    })
    .await;
    let readers = tokio::spawn(watch(reader, Arc::clone(&done)));
    let writer = tokio::spawn(log_in_and_out(service.anonymous(), Arc::clone(&done)));
    for _ in 0..3 {
        service.doorbook(&["projections", "rebuild", "--all"]).await;
    }
    done.store(true, Ordering::SeqCst);
    assert!(readers.await.unwrap() > 10, "the reader has seen too little");
    assert!(checks.await.unwrap() > 100, "too few sessions were checked");
    let logins = writer.await.unwrap();
    assert!(logins > 0);

    eventually("the history of the logins is complete", || async {
        // The sign-up of `signed_up` is followed by one login.
        (logins_of(&restless).await == logins + 1).then_some(())
    })
    .await;
    service.doorbook(&["projections", "verify"]).await;
}

async fn sessions(caller: &Caller) -> BTreeSet<String> {
    let list = caller.get("/api/sessions?limit=200").await.expect(200).json();
    list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

async fn logins_of(caller: &Caller) -> usize {
    let mut count = 0;
    let mut path = "/api/me/logins?limit=200".to_owned();
    loop {
        let list = caller.get(&path).await.expect(200).json();
        count += list["items"].as_array().unwrap().len();
        let Some(cursor) = list["next_cursor"].as_str() else {
            return count;
        };
        path = format!("/api/me/logins?limit=200&cursor={cursor}");
    }
}

/// Checks its session again and again: it lives all the time. Returns how often.
async fn check(caller: Caller, done: Arc<AtomicBool>) -> usize {
    let mut checks = 0;
    while !done.load(Ordering::SeqCst) {
        assert!(
            caller.is_signed_in().await,
            "after {checks} checks the session was gone"
        );
        checks += 1;
    }
    checks
}

/// Reads again and again: nothing that was shown may be gone. Returns how often it looked.
async fn watch(reader: Caller, done: Arc<AtomicBool>) -> usize {
    let (all, mut logins, mut looks) = (sessions(&reader).await, logins_of(&reader).await, 0);
    while !done.load(Ordering::SeqCst) {
        assert_eq!(sessions(&reader).await, all, "the list of sessions has changed");
        let now = logins_of(&reader).await;
        assert!(now >= logins, "the history has shrunk from {logins} to {now}");
        (logins, looks) = (now, looks + 1);
    }
    looks
}

/// Logs in and out until told to stop, and sees the list follow each time. Returns how often.
async fn log_in_and_out(browser: Caller, done: Arc<AtomicBool>) -> usize {
    let mut count = 0;
    while !done.load(Ordering::SeqCst) {
        let answer = browser.log_in(RESTLESS).await;
        assert!(answer.status.is_success());
        count += 1;
        let id = browser.session_id().await;
        eventually("the new session is listed", || async {
            sessions(&browser).await.contains(&id).then_some(())
        })
        .await;
        browser.try_log_out().await.unwrap().expect(200);
    }
    count
}
