//! Queues and cursors of followers.

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::Position;
use sqlx::{Connection as _, PgConnection, SqliteConnection, migrate::Migrator};
use uuid::Uuid;

use super::bed::{Bed, NOVEMBER, on_both};
use crate::{
    config::Database,
    keys::{Queue, Slot},
};

fn slot(number: u64) -> Slot {
    Slot {
        position: Position::new(number),
        letter: None,
    }
}

async fn take_in(queue: &Queue, numbers: &[u64]) {
    let event = |&number: &u64| (Position::new(number), Uuid::from_u128(number.into()));
    let events: Vec<_> = numbers.iter().map(event).collect();
    let last = events.last().unwrap().0;
    queue.take_in(&events, last, NOVEMBER).await.unwrap();
}

async fn positions(queue: &Queue) -> Vec<u64> {
    let rows = queue.all().await.unwrap();
    rows.iter().map(|row| row.slot.position.number()).collect()
}

async fn queues_are_apart(bed: &Bed) {
    let keyring = bed.keyring().await;
    let (crm, mail) = (keyring.queue("webhook-crm"), keyring.queue("outbox"));
    take_in(&crm, &[1, 2, 3]).await;
    take_in(&mail, &[1, 2]).await;
    // The same events again change nothing.
    take_in(&crm, &[2, 3]).await;
    assert_eq!(
        (positions(&crm).await, positions(&mail).await),
        (vec![1, 2, 3], vec![1, 2])
    );
    assert_eq!(keyring.cursor("webhook-crm").await.unwrap(), Position::new(3));
    assert_eq!(keyring.cursor("outbox").await.unwrap(), Position::new(2));

    let later = NOVEMBER.plus(Duration::from_mins(1));
    crm.remove(slot(1)).await.unwrap();
    crm.postpone(slot(2), later, "status 500").await.unwrap();
    crm.park(slot(3), NOVEMBER, "status 410").await.unwrap();
    assert_eq!(crm.due(NOVEMBER, 9).await.unwrap(), []);
    assert_eq!(crm.due(later, 9).await.unwrap().len(), 1);
    assert_eq!(mail.due(NOVEMBER, 9).await.unwrap().len(), 2);
    let waiting = crm.waiting().await.unwrap();
    assert_eq!((waiting.pending, waiting.parked), (1, 1));
    let waiting = mail.waiting().await.unwrap();
    assert_eq!((waiting.pending, waiting.parked), (2, 0));
    assert_eq!(mail.retry(None, NOVEMBER).await.unwrap(), 0);
    assert_eq!(mail.discard(None).await.unwrap(), 0);
    assert_eq!(crm.discard(Some(slot(2))).await.unwrap(), 0, "it is not parked");
    assert_eq!(crm.retry(Some(slot(3)), later).await.unwrap(), 1);
    crm.park(slot(3), NOVEMBER, "status 410").await.unwrap();
    assert_eq!(crm.discard(Some(slot(3))).await.unwrap(), 1);
    assert_eq!(positions(&crm).await, [2]);
}

async fn follower_begins_once_and_is_forgotten_with_what_it_was_to_send(bed: &Bed) {
    let keyring = bed.keyring().await;
    for (number, at) in [(7, 7), (9, 7)] {
        keyring.begin_at("webhook-crm", Position::new(number)).await.unwrap();
        assert_eq!(keyring.cursor("webhook-crm").await.unwrap(), Position::new(at));
    }
    let (crm, other) = (keyring.queue("webhook-crm"), keyring.queue("webhook-other"));
    take_in(&crm, &[8, 9]).await;
    take_in(&other, &[8]).await;
    keyring.set_cursor("shredder", Position::new(3)).await.unwrap();
    assert_eq!(
        keyring.followers("webhook-").await.unwrap(),
        ["webhook-crm", "webhook-other"]
    );
    assert_eq!(keyring.forget_follower("webhook-crm").await.unwrap(), 2);
    assert_eq!(keyring.followers("webhook-").await.unwrap(), ["webhook-other"]);
    assert_eq!((positions(&crm).await, positions(&other).await), (vec![], vec![8]));
    assert_eq!(keyring.cursor("shredder").await.unwrap(), Position::new(3));
    keyring.begin_at("webhook-crm", Position::new(12)).await.unwrap();
    assert_eq!(keyring.cursor("webhook-crm").await.unwrap(), Position::new(12));
}

async fn restored_log_takes_back_what_was_to_be_sent_of_what_it_does_not_have(bed: &Bed) {
    let keyring = bed.keyring().await;
    let crm = keyring.queue("webhook-crm");
    take_in(&crm, &[1, 2, 3]).await;
    keyring.take_back(Position::new(2)).await.unwrap();
    assert_eq!(positions(&crm).await, [1, 2]);
    assert_eq!(keyring.cursor("webhook-crm").await.unwrap(), Position::new(2));
}

/// Makes the tables of a version that knew letters only, with one that waits and one that is parked.
async fn before_webhooks(bed: &Bed) {
    let rows = "insert into outbox (position, letter, event, since, tries, due_at, parked_at, reason) values \
        (7, -1, '00000000-0000-0000-0000-000000000007', 1, 0, 2, null, null), \
        (8, 1, '00000000-0000-0000-0000-000000000008', 3, 4, 5, 6, 'refused')";
    let first = |mut migrator: Migrator| {
        migrator.migrations.to_mut().truncate(3);
        migrator
    };
    match &bed.database {
        Database::Sqlite(file) => {
            let url = format!("sqlite:{}?mode=rwc", file.display());
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let migrator = first(sqlx::migrate!("migrations/keys_sqlite"));
            migrator.run_direct(&mut connection).await.unwrap();
            sqlx::query(rows).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Database::Postgres(url) => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            for statement in ["create schema doorbook_keys", "set search_path = doorbook_keys"] {
                sqlx::query(statement).execute(&mut connection).await.unwrap();
            }
            let migrator = first(sqlx::migrate!("migrations/keys_postgres"));
            migrator.run_direct(&mut connection).await.unwrap();
            sqlx::query(rows).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

async fn letters_of_an_older_version_still_wait(bed: &Bed) {
    before_webhooks(bed).await;
    let queue = bed.keyring().await.queue("outbox");
    let [first, second] = queue.all().await.unwrap().try_into().unwrap();
    assert_eq!((first.slot, first.parked_at), (slot(7), None));
    assert_eq!(second.slot.to_string(), "8.1");
    assert_eq!((second.tries, second.reason.as_deref()), (4, Some("refused")));
    assert_eq!(second.parked_at, Some(Timestamp::from_micros(6)));
}

on_both! {
    queues_are_apart: super::queues_are_apart;
    follower_begins_once_and_is_forgotten_with_what_it_was_to_send:
        super::follower_begins_once_and_is_forgotten_with_what_it_was_to_send;
    restored_log_takes_back_what_was_to_be_sent_of_what_it_does_not_have:
        super::restored_log_takes_back_what_was_to_be_sent_of_what_it_does_not_have;
    letters_of_an_older_version_still_wait: super::letters_of_an_older_version_still_wait;
}
