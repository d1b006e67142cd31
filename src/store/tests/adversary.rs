//! Writers that make ids visible in the worst order, beside a cluster that is busy with other things.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use doorbook_projections::log::{EventLog, Position, Recorded};
use hashbrown::HashMap;
use sqlx::{Connection, Executor, PgConnection};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use super::fixture::{Database, Fixture, PATIENCE, follow};

const WRITERS: usize = 16;
const STREAMS: u64 = 8;

/// Counts what was committed.
#[derive(Default)]
pub(super) struct Committed(AtomicU64);

impl Committed {
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Starts sixteen writers that write for `span`.
pub(super) async fn write(database: &Database, span: Duration) -> (JoinSet<()>, Arc<Committed>) {
    let mut connection = database.connect().await;
    connection
        .execute("create table if not exists noise (n serial primary key, at timestamptz)")
        .await
        .unwrap();
    let committed = Arc::<Committed>::default();
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let mut connection = database.connect().await;
        let committed = Arc::clone(&committed);
        writers.spawn(async move {
            let mut sequences = HashMap::new();
            let until = Instant::now() + span;
            while Instant::now() < until {
                let events = transaction(&mut connection, writer, &mut sequences).await;
                committed.0.fetch_add(events, Ordering::SeqCst);
            }
        });
    }
    (writers, committed)
}

/// One to three events of one stream, other writes after them in half of all cases, a pause, and in one case of five a
/// rollback. Returns how many were committed.
async fn transaction(connection: &mut PgConnection, writer: usize, sequences: &mut HashMap<u64, i64>) -> u64 {
    let stream = rand::random_range(0..STREAMS);
    let sequence = sequences.entry(stream).or_insert(0);
    let count = rand::random_range(1..=3);
    let mut transaction = connection.begin().await.unwrap();
    for next in *sequence + 1..=*sequence + count {
        let insert = "insert into events
            (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            values ('tally', $1, $2, 'tally.added', '1.0', '{\"added\":{\"number\":0,\"text\":\"\"}}', '{}')";
        let insert = sqlx::query(insert).bind(format!("{writer}-{stream}")).bind(next);
        insert.execute(&mut *transaction).await.unwrap();
    }
    if rand::random_bool(0.5) {
        transaction
            .execute("insert into noise (at) values (now())")
            .await
            .unwrap();
    }
    sleep(Duration::from_micros(rand::random_range(0..20_000))).await;
    if rand::random_bool(0.2) {
        transaction.rollback().await.unwrap();
        return 0;
    }
    transaction.commit().await.unwrap();
    *sequence += count;
    count.unsigned_abs()
}

/// Reads until every committed event was read and the writers have ended.
pub(super) async fn read_along(
    log: Arc<dyn EventLog>,
    mut writers: JoinSet<()>,
    committed: &Committed,
) -> Vec<Recorded> {
    let mut events: Vec<Recorded> = Vec::new();
    let mut wake = log.wake();
    let mut deadline = None;
    loop {
        wake.borrow_and_update();
        let after = events.last().map_or(Position::START, |event| event.position);
        let batch = log.read(after, 100).await.unwrap();
        let quiet = batch.is_empty();
        events.extend(batch);
        while let Some(ended) = writers.try_join_next() {
            ended.unwrap();
        }
        if writers.is_empty() && quiet {
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + PATIENCE);
            if events.len() >= committed.count() || Instant::now() > deadline {
                return events;
            }
        }
        if quiet {
            let _ = timeout(Duration::from_millis(20), wake.changed()).await;
        }
    }
}

/// Nothing is skipped or doubled, positions are dense, each stream is in its order.
pub(super) fn assert_complete(events: &[Recorded], committed: usize) {
    let mut sequences: HashMap<&str, u64> = HashMap::new();
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position, Position::new(position));
        let sequence = sequences.entry(&event.stream_id).or_insert(0);
        *sequence += 1;
        assert_eq!(
            event.sequence, *sequence,
            "stream {} at position {position}",
            event.stream_id
        );
    }
    assert_eq!(events.len(), committed);
}

/// Keeps a transaction open and builds indexes in another database of the cluster, until it is dropped.
struct Elsewhere {
    _indexing: JoinSet<()>,
    _idle: PgConnection,
    _database: Database,
}

impl Elsewhere {
    async fn begin() -> Self {
        let database = Database::create().await;
        let mut idle = database.connect().await;
        idle.execute("create table held (n int); begin; insert into held values (1)")
            .await
            .unwrap();
        let mut busy = database.connect().await;
        busy.execute("create table large as select generate_series(1, 500000) as n")
            .await
            .unwrap();
        let mut indexing = JoinSet::new();
        indexing.spawn(async move {
            loop {
                busy.execute("create index large_n on large ((n::text))").await.unwrap();
                busy.execute("drop index large_n").await.unwrap();
            }
        });
        Self {
            _indexing: indexing,
            _idle: idle,
            _database: database,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_skips_and_doubles_nothing_whatever_order_commits_come_in() {
    let fixture = Fixture::postgres().await;
    let elsewhere = Elsewhere::begin().await;
    let mut idle = fixture.database().connect().await;
    idle.execute("begin; insert into log_identity values (1, gen_random_uuid()) on conflict do nothing")
        .await
        .unwrap();

    let (writers, committed) = write(fixture.database(), Duration::from_secs(8)).await;
    let events = read_along(fixture.log(), writers, &committed).await;
    assert_complete(&events, committed.count());
    assert!(events.len() > 1_000, "only {} events were written", events.len());
    let inversions = fixture.database().inversions().await;
    assert!(
        inversions > 100,
        "only {inversions} ids became visible after higher ones: the test proves nothing"
    );
    assert_eq!(
        follow(&*fixture.log(), Position::START, events.len()).await,
        events,
        "read again"
    );
    drop(elsewhere);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_that_commits_long_after_higher_ids_is_numbered_when_it_does() {
    let fixture = Fixture::postgres().await;
    let mut slow = fixture.database().connect().await;
    let insert = |stream: &str| {
        format!(
            "insert into events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
            values ('tally', '{stream}', 1, 'tally.added', '1.0', '{{}}', '{{}}')"
        )
    };
    slow.execute(&*format!("begin; {}", insert("slow"))).await.unwrap();
    for stream in 0..20 {
        fixture
            .sql(&format!("begin; {}; rollback", insert("none")))
            .await
            .unwrap();
        fixture.sql(&insert(&stream.to_string())).await.unwrap();
        let read = follow(&*fixture.log(), Position::new(stream), 1).await;
        assert_eq!(*read[0].stream_id, *stream.to_string(), "nobody waits for the slow one");
    }
    slow.execute("commit").await.unwrap();
    let late = follow(&*fixture.log(), Position::new(20), 1).await;
    assert_eq!(&*late[0].stream_id, "slow");

    let mut connection = fixture.database().connect().await;
    let settled = "select low = (select max(id) from events) from sequencer";
    let deadline = Instant::now() + PATIENCE;
    while !sqlx::query_scalar::<_, bool>(settled)
        .fetch_one(&mut connection)
        .await
        .unwrap()
    {
        assert!(Instant::now() < deadline, "what was rolled back is never given up");
        sleep(Duration::from_millis(20)).await;
    }
}
