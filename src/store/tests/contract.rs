use std::{collections::BTreeSet, time::Duration};

use doorbook_domain::time::Timestamp;
use doorbook_projections::log::Position;
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::timeout};
use uuid::Uuid;

use super::{
    fixture::{Fixture, PATIENCE, add, follow, metadata, open, order},
    tally::{Tally, TallyCommand, TallyEvent},
};
use crate::store::{Failure, NewEvent, Store};

/// Each promise, on each store.
macro_rules! contract {
    ($($promise:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(super::Fixture::sqlite().await).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                super::$promise(super::Fixture::postgres().await).await;
            })*
        }
    };
}

contract! {
    command_leaves_its_events_and_the_state_after_them
    refusal_and_no_event_leave_nothing
    metadata_is_stored_with_each_event
    of_two_writers_at_one_sequence_exactly_one_wins
    conflict_is_decided_anew_until_everybody_got_through
    order_is_dense_and_keeps_each_stream_in_order
    reading_resumes_from_any_position
    reader_is_woken_by_an_append
    event_of_another_process_comes_without_a_signal
    position_of_an_event_is_found_by_stream_and_sequence
    broken_payload_is_a_fault_of_its_stream_only
    events_are_never_changed
    reopened_log_is_the_same_and_goes_on
    dropped_command_leaves_all_or_nothing
    imported_history_reads_as_it_was_given
    import_that_collides_leaves_nothing
}

async fn command_leaves_its_events_and_the_state_after_them(fixture: Fixture) {
    let first = add(&fixture.store, "a", &[1, 2]).await.unwrap();
    assert_eq!((first.aggregate.sum, first.sequence), (3, 2));
    let second = add(&fixture.store, "a", &[4]).await.unwrap();
    assert_eq!((second.aggregate.sum, second.sequence), (7, 3));
    assert_eq!(second.events.len(), 1);
    assert_eq!(second.events[0].sequence, 3);

    let loaded = fixture.store.load::<Tally>("a").await.unwrap();
    assert_eq!((loaded.aggregate, loaded.sequence), (second.aggregate, 3));
    let events = follow(&*fixture.log(), Position::START, 3).await;
    assert_eq!(
        (&*events[2].aggregate, &*events[2].event_type, &*events[2].version),
        ("tally", "tally.added", "1.0")
    );
    let stored: TallyEvent = serde_json::from_str(&events[2].payload).unwrap();
    assert_eq!(stored, second.events[0].event, "also its odd characters");
    let stored_at = events[2].recorded_at.to_utc();
    assert!(stored_at.timestamp() > 1_700_000_000, "{stored_at}");
}

async fn refusal_and_no_event_leave_nothing(fixture: Fixture) {
    assert!(fixture.store.is_empty().await.unwrap());
    let refused = add(&fixture.store, "a", &[10_001]).await;
    assert!(matches!(refused, Err(Failure::Refused(_))), "{refused:?}");
    let nothing = add(&fixture.store, "a", &[]).await.unwrap();
    assert_eq!((nothing.sequence, nothing.events.len()), (0, 0));
    assert!(fixture.store.is_empty().await.unwrap());
    add(&fixture.store, "a", &[10_000]).await.unwrap();
    assert!(!fixture.store.is_empty().await.unwrap());
}

async fn metadata_is_stored_with_each_event(fixture: Fixture) {
    let mut full = metadata(7);
    full.request_id = Some("r-1".to_owned());
    full.causation = Some("c-1".to_owned());
    fixture
        .store
        .execute::<Tally>("a", TallyCommand::Add(vec![1, 2]), &full)
        .await
        .unwrap();
    add(&fixture.store, "a", &[3]).await.unwrap();

    let events = follow(&*fixture.log(), Position::START, 3).await;
    let stored: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(&event.metadata).unwrap())
        .collect();
    let id = Uuid::from_u128(7).to_string();
    let expected = json!({"command_id": id, "actor": "system", "request_id": "r-1", "causation": "c-1", "at": "1000"});
    assert_eq!(stored[..2], [expected.clone(), expected]);
    assert_eq!(stored[2].get("request_id"), None);
    let ids: BTreeSet<Uuid> = events
        .iter()
        .map(doorbook_projections::log::Recorded::event_id)
        .collect();
    assert_eq!(ids.len(), 3, "each event has an id of its own");
}

async fn of_two_writers_at_one_sequence_exactly_one_wins(fixture: Fixture) {
    let insert =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        values ('tally', 'a', 1, 'tally.added', '1.0', '{\"added\":{\"number\":1,\"text\":\"\"}}', '{}')";
    let (one, other) = tokio::join!(fixture.sql(insert), fixture.sql(insert));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let events = fixture.log().stream("tally", "a", 0).await.unwrap();
    assert_eq!(events.len(), 1);
}

async fn conflict_is_decided_anew_until_everybody_got_through(fixture: Fixture) {
    let mut writers = JoinSet::new();
    for _ in 0..4 {
        let store = fixture.store.clone();
        writers.spawn(async move {
            for _ in 0..10 {
                while let Err(failure) = add(&store, "a", &[1]).await {
                    assert!(matches!(failure, Failure::Conflict), "{failure:?}");
                }
            }
        });
    }
    timeout(PATIENCE, writers.join_all()).await.unwrap();
    let loaded = fixture.store.load::<Tally>("a").await.unwrap();
    assert_eq!(
        (loaded.aggregate.sum, loaded.sequence),
        (40, 40),
        "none is lost, none counts twice"
    );
}

async fn order_is_dense_and_keeps_each_stream_in_order(fixture: Fixture) {
    let mut writers = JoinSet::new();
    for writer in 0..4 {
        let store = fixture.store.clone();
        writers.spawn(async move {
            for _ in 0..10 {
                add(&store, &writer.to_string(), &[1, 1]).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let events = follow(&*fixture.log(), Position::START, 80).await;
    assert_eq!(events.len(), 80);
    assert!(
        events
            .iter()
            .zip(1..)
            .all(|(event, number)| event.position.number() == number)
    );
    for stream in ["0", "1", "2", "3"] {
        let sequences = events
            .iter()
            .filter(|event| &*event.stream_id == stream)
            .map(|event| event.sequence);
        assert!(sequences.eq(1..=20), "stream {stream}");
    }
    assert_eq!(fixture.log().head().await.unwrap(), Position::new(80));
}

async fn reading_resumes_from_any_position(fixture: Fixture) {
    for stream in ["a", "b", "a", "c", "b"] {
        add(&fixture.store, stream, &[1, 1]).await.unwrap();
    }
    let log = fixture.log();
    let all = follow(&*log, Position::START, 10).await;
    for (index, event) in all.iter().enumerate() {
        assert_eq!(log.read(event.position, 100).await.unwrap(), all[index + 1..]);
        assert_eq!(
            log.read(event.position, 1).await.unwrap(),
            all[index + 1..].iter().take(1).cloned().collect::<Vec<_>>()
        );
    }
    assert_eq!(log.read(Position::new(u64::MAX), 100).await.unwrap(), []);
    assert_eq!(
        log.stream("tally", "a", 1).await.unwrap(),
        [all[1].clone(), all[4].clone(), all[5].clone()]
    );
    assert_eq!(log.stream("other", "a", 0).await.unwrap(), []);
}

async fn reader_is_woken_by_an_append(fixture: Fixture) {
    let log = fixture.log();
    add(&fixture.store, "a", &[1]).await.unwrap();
    follow(&*log, Position::START, 1).await;
    let mut wake = log.wake();
    wake.borrow_and_update();
    add(&fixture.store, "a", &[1]).await.unwrap();
    while log.head().await.unwrap() < Position::new(2) {
        timeout(PATIENCE, wake.changed())
            .await
            .expect("a signal must come")
            .unwrap();
    }
}

async fn event_of_another_process_comes_without_a_signal(fixture: Fixture) {
    let other = open(&fixture.url).await;
    add(&other, "a", &[1]).await.unwrap();
    let events = follow(&*fixture.log(), Position::START, 1).await;
    assert_eq!(order(&events), [("a", 1)]);
    other.close().await;
}

async fn position_of_an_event_is_found_by_stream_and_sequence(fixture: Fixture) {
    add(&fixture.store, "a", &[1, 1]).await.unwrap();
    add(&fixture.store, "b", &[1]).await.unwrap();
    for (id, sequence, number) in [("a", 1, 1), ("a", 2, 2), ("b", 1, 3)] {
        let position = fixture.store.position_of("tally", id, sequence).await.unwrap();
        assert_eq!(position, Position::new(number));
    }
    assert!(fixture.store.position_of("tally", "a", 3).await.is_err());
    assert!(fixture.store.position_of("tally", "c", 1).await.is_err());
}

async fn broken_payload_is_a_fault_of_its_stream_only(fixture: Fixture) {
    let insert =
        "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
        values ('tally', 'a', 1, 'tally.added', '1.0', '{\"added\": 7}', '[]')";
    fixture.sql(insert).await.unwrap();
    if matches!(fixture.url, crate::store::StoreUrl::Sqlite(_)) {
        fixture
            .sql(
                &insert
                    .replace("'a'", "'b'")
                    .replace("{\"added\": 7}", "{")
                    .replace("[]", ""),
            )
            .await
            .unwrap();
        assert!(fixture.store.load::<Tally>("b").await.is_err());
    }
    assert!(fixture.store.load::<Tally>("a").await.is_err());
    let failure = add(&fixture.store, "a", &[1]).await;
    assert!(matches!(failure, Err(Failure::Broken(_))), "{failure:?}");
    add(&fixture.store, "c", &[1]).await.unwrap();
    let events = follow(&*fixture.log(), Position::START, 2).await;
    assert_eq!(
        &*events[0].payload, "{\"added\": 7}",
        "the reader hands it on for parking"
    );
}

async fn events_are_never_changed(fixture: Fixture) {
    add(&fixture.store, "a", &[1]).await.unwrap();
    follow(&*fixture.log(), Position::START, 1).await;
    let mut changes = vec!["update events set payload = '{}'", "delete from events"];
    if !matches!(fixture.url, crate::store::StoreUrl::Sqlite(_)) {
        changes.extend([
            "truncate events",
            "update log set position = 9",
            "delete from log",
            "truncate log",
        ]);
    }
    for change in changes {
        let refused = fixture.sql(change).await.expect_err(change).to_string();
        assert!(refused.contains("only ever appended"), "{refused}");
    }
    assert_eq!(follow(&*fixture.log(), Position::START, 1).await.len(), 1);
}

async fn reopened_log_is_the_same_and_goes_on(fixture: Fixture) {
    add(&fixture.store, "a", &[1, 2]).await.unwrap();
    let id = fixture.log().id().await.unwrap();
    let before = follow(&*fixture.log(), Position::START, 2).await;
    fixture.store.clone().close().await;
    assert!(fixture.log().head().await.is_err(), "closed for all clones");

    let store = open(&fixture.url).await;
    assert_eq!(store.log().id().await.unwrap(), id);
    assert_eq!(follow(&*store.log(), Position::START, 2).await, before);
    add(&store, "a", &[3]).await.unwrap();
    assert_eq!(order(&follow(&*store.log(), Position::new(2), 1).await), [("a", 3)]);
    store.close().await;
}

async fn dropped_command_leaves_all_or_nothing(fixture: Fixture) {
    for micros in (0..3_000).step_by(100) {
        let _ = timeout(
            Duration::from_micros(micros),
            add(&fixture.store, &micros.to_string(), &[1, 1, 1]),
        )
        .await;
    }
    // The connections are sound, and what was begun has ended.
    add(&fixture.store, "last", &[1]).await.unwrap();
    for micros in (0..3_000).step_by(100) {
        let sequence = add(&fixture.store, &micros.to_string(), &[]).await.unwrap().sequence;
        assert!(sequence == 0 || sequence == 3, "{sequence} of three events");
    }
}

fn imported(stream: u64, sequence: u64) -> NewEvent {
    NewEvent {
        aggregate: "tally".into(),
        stream_id: format!("s{stream}").into(),
        sequence,
        event_type: "tally.added".into(),
        version: "1.0".into(),
        payload: "{\"added\":{\"number\":1,\"text\":\"a\\tb\\\\ \\u0000 ä\"}}".into(),
        metadata: "{\n\t\"actor\":\"seed\"}".into(),
        recorded_at: Timestamp::from_micros(1_600_000_000_123_456 + i64::try_from(sequence).unwrap()),
    }
}

async fn imported_history_reads_as_it_was_given(fixture: Fixture) {
    add(&fixture.store, "a", &[1]).await.unwrap();
    let history: Vec<_> = (0..400)
        .flat_map(|stream| (1..4).map(move |sequence| imported(stream, sequence)))
        .collect();
    fixture.store.import(&history).await.unwrap();
    let events = follow(&*fixture.log(), Position::new(1), 1_200).await;
    assert_eq!(events.len(), 1_200);
    for (event, given) in events.iter().zip(&history) {
        assert_eq!((&event.stream_id, event.sequence), (&given.stream_id, given.sequence));
        assert_eq!((&event.payload, &event.metadata), (&given.payload, &given.metadata));
        assert_eq!(event.recorded_at, given.recorded_at);
    }
    let loaded = fixture.store.load::<Tally>("s399").await.unwrap();
    assert_eq!((loaded.aggregate.sum, loaded.sequence), (3, 3));
}

async fn import_that_collides_leaves_nothing(fixture: Fixture) {
    fixture.store.import(&[imported(1, 1)]).await.unwrap();
    let collision = fixture.store.import(&[imported(2, 1), imported(1, 1)]).await;
    assert!(collision.is_err());
    let empty: Store = fixture.store.clone();
    assert_eq!(empty.load::<Tally>("s2").await.unwrap().sequence, 0);
}
