//! `kill -9` at random moments: nothing that was acknowledged is lost, and nothing that ended lives.

use std::{env, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use crate::support::{Database, Journal, Service, random};

on_each_store!(killed_service_has_lost_nothing_that_it_acknowledged);

/// Clients at once.
const CLIENTS: usize = 4;

/// Longest life between two kills.
const LIFE_MS: u64 = 1_200;

/// Kills on each store: 10, or half of `DOORBOOK_TEST_KILLS`.
fn kills() -> usize {
    env::var("DOORBOOK_TEST_KILLS").map_or(20, |text| text.parse().expect("DOORBOOK_TEST_KILLS is a number")) / 2
}

async fn killed_service_has_lost_nothing_that_it_acknowledged(database: Database) {
    let mut service = Service::start(database).await;
    let all = Journal::default();
    // A busy machine answers little between two kills: it is killed more often then.
    for kill in 1..=3 * kills() {
        if kill > kills() && all.len() > kills() {
            break;
        }
        let journal = Arc::new(Journal::default());
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (journal, origin) = (Arc::clone(&journal), service.origin());
            clients.spawn(async move { journal.write(&origin, &format!("{kill}-{client}")).await });
        }
        sleep(Duration::from_millis(random(LIFE_MS))).await;
        service.kill();
        while let Some(client) = clients.join_next().await {
            client.unwrap();
        }
        service.start_again().await;
        journal.check_sessions(&service).await;
        journal.check_accounts(&service).await;
        all.append(&journal);
    }
    assert!(
        kills() < 5 || all.len() > kills(),
        "only {} answers were acknowledged",
        all.len()
    );
    all.check_sessions(&service).await;
    service.doorbook(&["projections", "verify"]).await;
}
