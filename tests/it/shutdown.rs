//! SIGTERM under load: requests in flight are answered, and what was acknowledged stays.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};

use crate::support::{Caller, Database, Journal, PASSWORD, Service, eventually};

on_each_store!(
    requests_in_flight_are_answered_at_sigterm,
    acknowledged_answers_survive_sigterm
);

/// A request that has been under way for so long has been accepted.
const ACCEPTED: Duration = Duration::from_millis(250);

async fn requests_in_flight_are_answered_at_sigterm(database: Database) {
    let mut service = Service::start(database).await;
    service
        .anonymous()
        .try_sign_up("ada@example.org")
        .await
        .unwrap()
        .expect(202);
    let mut logins = JoinSet::new();
    for _ in 0..24 {
        let browser = service.anonymous();
        browser.get("/api/csrf").await.expect(200);
        logins.spawn(async move { log_in_until_closed(&browser).await });
    }
    sleep(3 * ACCEPTED).await;
    let told = Instant::now();
    service.tell_to_stop();

    let mut answered = 0;
    while let Some(login) = logins.join_next().await {
        let (count, unanswered_since) = login.unwrap();
        assert!(
            unanswered_since + ACCEPTED > told,
            "a request in flight was not answered"
        );
        answered += count;
    }
    assert!(service.ended().await.success());
    assert!(answered > 0);
}

/// Logs in again and again. Returns how often it was answered, and when the request that was not was sent.
async fn log_in_until_closed(browser: &Caller) -> (usize, Instant) {
    for answered in 0.. {
        let sent = Instant::now();
        match browser.twin().try_log_in("ada@example.org", PASSWORD).await {
            Ok(answer) => assert!(answer.status.is_success() || answer.status == 503, "{answer:?}"),
            Err(_) => return (answered, sent),
        }
    }
    unreachable!("the loop has no end of its own")
}

async fn acknowledged_answers_survive_sigterm(database: Database) {
    let mut service = Service::start(database).await;
    let journal = Arc::new(Journal::default());
    let mut clients = JoinSet::new();
    for client in 0..4 {
        let (journal, origin) = (Arc::clone(&journal), service.origin());
        clients.spawn(async move { journal.write(&origin, &client.to_string()).await });
    }
    eventually("the clients have written", || async {
        (journal.len() > 20).then_some(())
    })
    .await;
    assert!(service.stop().await.success(), "SIGTERM is no failure");
    while let Some(client) = clients.join_next().await {
        client.unwrap();
    }
    service.start_again().await;
    assert!(journal.len() > 0);
    journal.check_sessions(&service).await;
    journal.check_accounts(&service).await;
    service.doorbook(&["projections", "verify"]).await;
}
