//! Every way to tamper with a real database, with the stored leaves as witnesses and with those altered as well.

use sqlx::{Connection as _, Executor as _, PgConnection};

use super::bed::{Bed, On};
use crate::{
    config::Database,
    proof::{
        audit::{Finding, Kind, Live, audit},
        tree::Tree,
    },
    sql::own::OwnDatabase,
    store::{Store, StoreOptions},
};

/// A way to tamper with events 33 and up: what to do on each database.
struct Way {
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
    kind: Kind,
    position: u64,
}

const fn at_33(kind: Kind, sqlite: &'static [&'static str], postgres: &'static [&'static str]) -> Way {
    Way {
        sqlite,
        postgres,
        kind,
        position: 33,
    }
}

/// One space more: the same JSON in other bytes.
const PAYLOAD: Way = at_33(
    Kind::Altered,
    &["update events set payload = payload || ' ' where position = 33"],
    &[
        "update events set payload = (payload::text || ' ')::json where id = (select event_id from log where position = 33)",
    ],
);
const METADATA: Way = at_33(
    Kind::Altered,
    &["update events set metadata = replace(metadata, '21', '22') where position = 33"],
    &["update events set metadata = replace(metadata::text, '21', '22')::json
        where id = (select event_id from log where position = 33)"],
);
const INSTANT: Way = at_33(
    Kind::Altered,
    &["update events set recorded_at = recorded_at + 1 where position = 33"],
    &["update events set recorded_at = recorded_at + interval '1 microsecond'
        where id = (select event_id from log where position = 33)"],
);
const STREAM: Way = at_33(
    Kind::Altered,
    &["update events set aggregate_id = 'other' where position = 33"],
    &["update events set aggregate_id = 'other' where id = (select event_id from log where position = 33)"],
);
const DELETED: Way = at_33(
    Kind::Removed,
    &["delete from events where position = 33"],
    &[
        "delete from events where id = (select event_id from log where position = 33)",
        "delete from log where position = 33",
    ],
);
const DELETED_EVENT_ONLY: Way = at_33(
    Kind::Removed,
    &["delete from events where position = 33"],
    &["delete from events where id = (select event_id from log where position = 33)"],
);
const CLOSED_UP: Way = at_33(
    Kind::Removed,
    &[
        "delete from events where position = 33",
        "update events set position = -position where position > 33",
        "update events set position = -position - 1 where position < 0",
    ],
    &[
        "delete from events where id = (select event_id from log where position = 33)",
        "delete from log where position = 33",
        "alter table log drop constraint log_position_check",
        "update log set position = -position where position > 33",
        "update log set position = -position - 1 where position < 0",
    ],
);
const INSERTED: Way = at_33(
    Kind::Inserted,
    &[
        "update events set position = -position where position > 32",
        "update events set position = -position + 1 where position < 0",
        "insert into events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            values (33, 'tally', 'foreign', 1, 'tally.added', '1', '{}', '{}')",
    ],
    &[
        "alter table log drop constraint log_position_check",
        "update log set position = -position where position > 32",
        "update log set position = -position + 1 where position < 0",
        "insert into events (id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            overriding system value values (-5, 'tally', 'foreign', 1, 'tally.added', '1', '{}', '{}')",
        "insert into log (position, event_id) values (33, -5)",
    ],
);
const SWAPPED: Way = at_33(
    Kind::Reordered,
    &[
        "update events set position = -1 where position = 33",
        "update events set position = 33 where position = 35",
        "update events set position = 35 where position = -1",
    ],
    &[
        "alter table log drop constraint log_event_id_key",
        "update log l set event_id = (select event_id from log where position = 68 - l.position) where position in (33, 35)",
    ],
);
const TRUNCATED: Way = Way {
    sqlite: &["delete from events where position > 50"],
    postgres: &[
        "delete from events where id in (select event_id from log where position > 50)",
        "delete from log where position > 50",
    ],
    kind: Kind::CutOff,
    position: 51,
};
const ALL: [Way; 10] = [
    PAYLOAD,
    METADATA,
    INSTANT,
    STREAM,
    DELETED,
    DELETED_EVENT_ONLY,
    CLOSED_UP,
    INSERTED,
    SWAPPED,
    TRUNCATED,
];

async fn tampering_is_named_by_the_event(on: On) {
    for (number, way) in ALL.iter().enumerate() {
        let (bed, kept) = Bed::signed(on).await;
        assert!(bed.audit(&kept).await.sound, "nothing was done yet");
        bed.tamper(way.sqlite, way.postgres).await;
        let finding = bed.finding(&kept).await;
        assert_eq!(
            (finding.kind, finding.position),
            (way.kind, Some(way.position)),
            "{number}: {finding}"
        );
        if way.kind != Kind::CutOff {
            assert_eq!(
                (finding.after, finding.until),
                (Some(20), Some(40)),
                "{number}: {finding}"
            );
        }
        assert!(bed.notary.catch_up(&|_, _| {}).await.is_err() || way.kind != Kind::CutOff);
    }
}

/// With the leaves as they should be for the altered log, and no checkpoint left in the store.
async fn tampering_that_was_covered_up_is_narrowed_to_an_interval(on: On) {
    for (number, way) in ALL.iter().enumerate() {
        let (bed, kept) = Bed::signed(on).await;
        bed.tamper(way.sqlite, way.postgres).await;
        bed.cover_up().await;
        let Finding {
            kind,
            position,
            after,
            until,
            ..
        } = bed.finding(&kept).await;
        match way.kind {
            // Too few are too few.
            Kind::CutOff => assert_eq!((kind, position, until), (Kind::CutOff, Some(51), Some(60)), "{number}"),
            // A hole in the numbers tells of itself.
            Kind::Removed if number < 6 => assert_eq!((kind, position), (Kind::Removed, Some(33)), "{number}"),
            Kind::Altered
            | Kind::Removed
            | Kind::Inserted
            | Kind::Reordered
            | Kind::Interval
            | Kind::LeavesAltered
            | Kind::NodesAltered
            | Kind::OutsideTheLog
            | Kind::CheckpointInvalid
            | Kind::OtherLog => assert_eq!(
                (kind, position, after, until),
                (Kind::Interval, None, Some(20), Some(40)),
                "{number}"
            ),
        }
        if !(4..6).contains(&number) {
            assert!(
                bed.audit(&[]).await.sound,
                "{number}: who keeps nothing elsewhere sees nothing"
            );
        }
    }
}

/// The whole store, tree and checkpoints included, as it was at event 40; and what grew on it then.
async fn rolled_back_store_is_noticed_also_after_it_has_grown_again(on: On) {
    let (mut bed, kept) = Bed::signed(on).await;
    bed.tamper(
        &["delete from events where position > 40"],
        &[
            "delete from events where id in (select event_id from log where position > 40)",
            "delete from log where position > 40",
        ],
    )
    .await;
    bed.cover_up().await;
    let finding = bed.finding(&kept).await;
    assert_eq!(
        (finding.kind, finding.position, finding.until),
        (Kind::CutOff, Some(41), Some(60))
    );
    bed.append_and_sign(70).await;
    let finding = bed.finding(&kept).await;
    assert_eq!(
        (finding.kind, finding.after, finding.until),
        (Kind::Interval, Some(40), Some(60))
    );
}

async fn leaves_and_nodes_that_were_altered_are_told_from_events(on: On) {
    let (bed, kept) = Bed::signed(on).await;
    let zeros = match on {
        On::Sqlite => {
            "update tiles set hashes = unhex(substr(hex(hashes), 1, 64 * 9) || hex(zeroblob(32)) \
                || substr(hex(hashes), 64 * 10 + 1))"
        }
        On::Postgres => {
            "update tiles set hashes = overlay(hashes placing decode(repeat('00', 32), 'hex') from 32 * 9 + 1)"
        }
    };
    bed.tamper_with_tree(zeros).await;
    let finding = bed.finding(&kept).await;
    assert_eq!((finding.kind, finding.position), (Kind::LeavesAltered, Some(10)));

    let mut bed = Bed::new(on).await;
    bed.append_and_sign(600).await;
    bed.tamper_with_tree(
        "update tiles set hashes = (select hashes from tiles where level = 0 and number = 2) where level = 1",
    )
    .await;
    assert_eq!(bed.finding(&[]).await.kind, Kind::NodesAltered);
    bed.tamper_with_tree("delete from tiles where number = 1").await;
    assert_eq!(bed.finding(&[]).await.kind, Kind::NodesAltered);
    // Made anew, it is what it was.
    bed.notary.forget_tree().await.unwrap();
    bed.notary.catch_up(&|_, _| {}).await.unwrap();
    assert!(bed.audit(&[]).await.sound);
}

/// Numbers are believed as far as there is something under them: an audit that never ends names nothing.
async fn tree_that_claims_to_be_endless_is_audited_all_the_same(on: On) {
    const ENDLESS: &str = "update tree set size = 4000000000000000000";
    let (bed, kept) = Bed::signed(on).await;
    bed.tamper_with_tree(ENDLESS).await;
    let patience = std::time::Duration::from_mins(1);
    let finding = tokio::time::timeout(patience, bed.finding(&kept)).await.unwrap();
    assert_eq!(finding.kind, Kind::NodesAltered);
    assert!(bed.notary.catch_up(&|_, _| {}).await.is_err());

    let (bed, kept) = Bed::signed(on).await;
    bed.tamper_with_tree(ENDLESS).await;
    bed.tamper(
        &["update events set position = 3999999999999999999 where position = 60"],
        &["update log set position = 3999999999999999999 where position = 60"],
    )
    .await;
    let report = tokio::time::timeout(patience, bed.audit(&kept)).await.unwrap();
    let first = report.findings.first().unwrap();
    assert_eq!((first.kind, first.position), (Kind::Reordered, Some(60)), "{report:?}");
}

/// What counts in a stream must stand in the log.
async fn event_that_stands_nowhere_in_the_log_is_noticed(on: On) {
    let (bed, kept) = Bed::signed(on).await;
    bed.tamper(
        &["insert into events (position, aggregate_type, aggregate_id, sequence, event_type, event_version, payload,
            metadata) values (0, 'user', 'eve', 1, 'user.registered', '1', '{}', '{}')"],
        &["insert into events (id, aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            overriding system value values (-5, 'user', 'eve', 1, 'user.registered', '1', '{}', '{}')"],
    )
    .await;
    let finding = bed.finding(&kept).await;
    assert_eq!(finding.kind, Kind::OutsideTheLog);
    assert_eq!(finding.evidence.as_deref(), Some("user-eve#1"));
}

async fn checkpoint_that_was_altered_or_is_of_another_log_is_named(on: On) {
    let (bed, kept) = Bed::signed(on).await;
    let mut forged = kept.clone();
    forged[1].note = forged[1].note.replace("\n40\n", "\n41\n");
    let finding = bed.finding(&forged).await;
    assert_eq!(finding.kind, Kind::CheckpointInvalid);
    assert!(finding.evidence.unwrap().contains(&forged[1].place));
    let (_other, foreign) = Bed::signed(on).await;
    let report = bed.audit(&foreign).await;
    assert!(
        report
            .findings
            .iter()
            .all(|finding| finding.kind == Kind::CheckpointInvalid),
        "another key"
    );
}

macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::On::Sqlite).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(super::On::Postgres).await;
            })+
        }
    };
}

on_both!(
    tampering_is_named_by_the_event,
    tampering_that_was_covered_up_is_narrowed_to_an_interval,
    rolled_back_store_is_noticed_also_after_it_has_grown_again,
    leaves_and_nodes_that_were_altered_are_told_from_events,
    tree_that_claims_to_be_endless_is_audited_all_the_same,
    event_that_stands_nowhere_in_the_log_is_noticed,
    checkpoint_that_was_altered_or_is_of_another_log_is_named,
);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dump_that_was_restored_elsewhere_is_still_as_it_was_signed() {
    let (bed, kept) = Bed::signed(On::Postgres).await;
    let fresh = OwnDatabase::create().await;
    let from = bed.postgres.as_ref().unwrap().url();
    let plain = |mut url: url::Url| {
        url.set_query(None);
        url.to_string()
    };
    let pipe = format!(
        "pg_dump '{}' | psql --quiet --set ON_ERROR_STOP=1 '{}'",
        plain(from),
        plain(fresh.url())
    );
    let shell = move || {
        std::process::Command::new("bash")
            .args(["-o", "pipefail", "-c", &pipe])
            .output()
    };
    let output = tokio::task::spawn_blocking(shell).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let url = fresh.url().to_string();
    let store = Store::open(&url.parse().unwrap(), StoreOptions::default())
        .await
        .unwrap();
    let tree = Tree::open(&Database::Postgres(url.clone())).await.unwrap();
    let compare = async || {
        let log = store.log();
        let live = Live {
            log: &*log,
            tree: &tree,
            notes: kept.clone(),
            key: &bed.notary.key(),
            outside: store.outside().await.unwrap(),
        };
        audit(live, &|_, _| {}).await.unwrap()
    };
    let report = compare().await;
    assert!(report.sound, "{report:?}");
    assert_eq!((report.events, report.covered, report.checkpoints), (60, 60, 3));
    let mut connection = PgConnection::connect(&url).await.unwrap();
    connection
        .execute("alter table events disable trigger user")
        .await
        .unwrap();
    connection
        .execute("update events set event_version = '2' where sequence = 1")
        .await
        .unwrap();
    connection.close().await.unwrap();
    assert!(!compare().await.sound);
    store.close().await;
    tree.close().await;
}
