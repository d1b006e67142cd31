//! How soon a committed event can be read from the log on PostgreSQL, and how fast events are appended.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use doorbook::{
    clock::Clock,
    ids,
    store::{CommandMetadata, Store, StoreOptions, StoreUrl},
};
use doorbook_domain::{
    id::UserId,
    seal::SecretHash,
    session::{Method, Session, SessionCommand, Start},
};
use doorbook_projections::log::Position;
use tokio::{sync::mpsc, task::JoinSet, time};

use crate::{
    figure::{Limit, Measured},
    postgres::OwnDatabase,
    process::quantile,
};

const WRITERS: u32 = 16;
const SPAN: Duration = Duration::from_secs(5);
/// Pause of a writer between two events while the lag is measured: about 500 events a second in all.
const PAUSE: Duration = Duration::from_millis(30);

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{WRITERS} writers begin sessions through `doorbook::store` on PostgreSQL with `fsync` on, {} s each: with pauses, \
         while a reader follows the log and notes when each event can be read; then as fast as they can.",
        SPAN.as_secs()
    ));
    let database = OwnDatabase::create();
    let url: StoreUrl = database.url().parse().unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        Store::migrate(&url).await.unwrap();
        let store = Store::open(&url, StoreOptions::default()).await.unwrap();
        let lags = lags(&store).await;
        measured.put("from commit to readable, p50", quantile(&lags, 0.5), "ms", Limit::None);
        measured.put("from commit to readable, p99", quantile(&lags, 0.99), "ms", Limit::None);
        let (committed, mut commits) = mpsc::unbounded_channel();
        let begun = Instant::now();
        write(&store, Duration::ZERO, &committed).await;
        drop(committed);
        let mut count = 0;
        while commits.recv().await.is_some() {
            count += 1;
        }
        let rate = f64::from(count) / begun.elapsed().as_secs_f64();
        measured.put("appended", rate, "events/s", Limit::None);
        store.close().await;
    });
    measured
}

type Commits = mpsc::UnboundedSender<(String, Instant)>;

/// Milliseconds from each commit to its being readable.
async fn lags(store: &Store) -> Vec<f64> {
    let (committed, mut commits) = mpsc::unbounded_channel();
    let log = store.log();
    let reader = tokio::spawn(async move {
        let (mut after, mut seen) = (Position::START, HashMap::new());
        let mut wake = log.wake();
        loop {
            wake.borrow_and_update();
            let events = log.read(after, 1000).await.unwrap();
            let now = Instant::now();
            for event in &events {
                seen.insert(event.stream_id.to_string(), now);
                after = event.position;
            }
            let idle = events.is_empty() && time::timeout(Duration::from_secs(1), wake.changed()).await.is_err();
            if idle && !seen.is_empty() {
                return seen;
            }
        }
    });
    write(store, PAUSE, &committed).await;
    drop(committed);
    let seen = reader.await.unwrap();
    let mut lags = Vec::new();
    while let Some((stream, at)) = commits.recv().await {
        let readable = seen.get(&stream).expect("a committed event cannot be read");
        lags.push(readable.saturating_duration_since(at).as_secs_f64() * 1000.0);
    }
    lags
}

async fn write(store: &Store, pause: Duration, committed: &Commits) {
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, committed) = (store.clone(), committed.clone());
        writers.spawn(async move {
            while begun.elapsed() < SPAN {
                let stream = begin(&store).await;
                committed.send((stream, Instant::now())).unwrap();
                time::sleep(pause).await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
}

/// Begins a session and returns its stream.
async fn begin(store: &Store) -> String {
    let now = Clock::system().now();
    let start = Start {
        user_id: UserId(ids::uuid_v4()),
        epoch: 0,
        secret: SecretHash(ids::random()),
        method: Method::Password,
        remember: true,
        new_device: false,
        idle_ms: 86_400_000,
        absolute_ms: 86_400_000,
        origin: None,
        ip_bucket: None,
        at: now,
    };
    let metadata = CommandMetadata {
        command_id: ids::uuid_v7(now),
        actor: "bench".to_owned(),
        request_id: None,
        causation: None,
        at: now,
    };
    let stream = ids::uuid_v7(now).to_string();
    let command = SessionCommand::Start(start);
    store.execute::<Session>(&stream, command, &metadata).await.unwrap();
    stream
}
