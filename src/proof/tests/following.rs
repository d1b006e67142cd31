//! The follower: when it signs, that it signs nothing which contradicts what it signed, and where checkpoints go.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, On};
use crate::proof::{
    checkpoint::Checkpoint,
    courier::Courier,
    shelf::Shelf,
    walk::{Step, Walk},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Sizes of the checkpoints on the shelf.
async fn sizes(bed: &Bed) -> Vec<u64> {
    let key = bed.notary.key();
    let notes = bed.notary.shelf().all().await.unwrap();
    notes
        .iter()
        .map(|found| Checkpoint::open(&found.note, &key).unwrap().size)
        .collect()
}

/// Lets the follower run until there is what is waited for.
async fn follow_until(bed: &Bed, ready: impl AsyncFn() -> bool) {
    let cancel = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&bed.notary).follow(cancel.clone()));
    let wait = async {
        while !ready().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap();
    cancel.cancel();
    running.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoint_is_signed_after_so_many_events_and_at_the_end() {
    let mut bed = Bed::with(On::Sqlite, &[("audit.checkpoint_events", "25".to_owned())]).await;
    bed.append(60).await;
    follow_until(&bed, async || bed.notary.figures().size == 60).await;
    bed.notary.catch_up(&|_, _| {}).await.unwrap();
    assert_eq!(sizes(&bed).await, [25, 50, 60]);
    let figures = bed.notary.figures();
    assert_eq!((figures.signed, figures.broken), (60, false));
    let listed = bed.notary.tree().checkpoints(3, 10).await.unwrap();
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.id, one.checkpoint.size, one.sent))
        .collect();
    assert_eq!(listed, [(2, 50, true), (1, 25, true)]);
    // Each counts once, wherever else it is kept.
    let kept = bed.notary.shelf().all().await.unwrap();
    assert!(!kept.is_empty());
    let counted = bed.audit(&kept).await.checkpoints;
    assert_eq!(usize::try_from(counted).unwrap(), kept.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoint_is_signed_when_the_time_has_come_though_nothing_has_happened() {
    let mut bed = Bed::with(On::Sqlite, &[("audit.checkpoint_every", "1s".to_owned())]).await;
    bed.append(3).await;
    follow_until(&bed, async || sizes(&bed).await.len() >= 3).await;
    assert!(sizes(&bed).await.iter().all(|size| *size == 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follower_that_meets_another_history_signs_nothing_and_goes_on_when_it_is_mended() {
    let (mut bed, _) = Bed::signed(On::Sqlite).await;
    bed.tamper(&["update events set payload = '{}' where position = 60"], &[])
        .await;
    follow_until(&bed, async || bed.notary.figures().broken).await;
    bed.append(5).await;
    assert!(bed.notary.catch_up(&|_, _| {}).await.is_err());
    assert_eq!(sizes(&bed).await, [20, 40, 60]);
    bed.tamper(
        &["update events set payload = '{\"number\": 60}' where position = 60"],
        &[],
    )
    .await;
    follow_until(&bed, async || {
        !bed.notary.figures().broken && bed.notary.figures().size == 65
    })
    .await;
    bed.notary.catch_up(&|_, _| {}).await.unwrap();
    assert_eq!(sizes(&bed).await, [20, 40, 60, 65]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tree_that_is_made_anew_is_compared_with_what_was_signed() {
    let (bed, _) = Bed::signed(On::Sqlite).await;
    bed.notary.forget_tree().await.unwrap();
    bed.notary.catch_up(&|_, _| {}).await.unwrap();
    assert_eq!(sizes(&bed).await, [20, 40, 60], "nothing new was signed");
    bed.tamper(&["update events set payload = '{}' where position = 33"], &[])
        .await;
    bed.notary.forget_tree().await.unwrap();
    let refused = bed.notary.catch_up(&|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("not what was signed"), "{refused}");
    bed.notary.forget_tree().await.unwrap();
    bed.tamper(&["delete from events where position > 30"], &[]).await;
    let refused = bed.notary.catch_up(&|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("ends before"), "{refused}");
    assert_eq!(sizes(&bed).await, [20, 40, 60]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tree_that_is_taken_away_from_under_the_follower_is_compared_too() {
    let (bed, _) = Bed::signed(On::Sqlite).await;
    let mut walk = Walk::new(&bed.notary);
    while walk.step().await.unwrap() == Step::Moved {}
    bed.tamper(&["update events set payload = '{}' where position = 33"], &[])
        .await;
    bed.tamper_with_tree("delete from tiles; update tree set size = 0")
        .await;
    let refused = loop {
        match walk.step().await {
            Ok(Step::Moved) => {}
            Ok(Step::AtHead) => panic!("the altered log became a tree"),
            Err(fault) => break fault.to_string(),
        }
    };
    assert!(refused.contains("not what was signed"), "{refused}");
    assert_eq!(sizes(&bed).await, [20, 40, 60]);

    // And one that was exchanged for that of another log of the same length, whose last event is the same.
    let (mut bed, _) = Bed::signed(On::Sqlite).await;
    let mut walk = Walk::new(&bed.notary);
    while walk.step().await.unwrap() == Step::Moved {}
    bed.tamper(&["update events set payload = '{}' where position = 33"], &[])
        .await;
    bed.leaves_as_events().await;
    bed.append(5).await;
    let refused = walk.close().await.unwrap_err().to_string();
    assert!(refused.contains("not what was signed"), "{refused}");
    assert_eq!(sizes(&bed).await, [20, 40, 60]);
}

/// Whoever writes the databases, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tree_and_key_that_were_exchanged_in_the_databases_sign_nothing() {
    let (bed, _) = Bed::signed(On::Sqlite).await;
    bed.tamper(&["update events set payload = '{}' where position = 33"], &[])
        .await;
    bed.tamper_with_tree("delete from tiles").await;
    bed.tamper_with_tree("update tree set size = 0, origin = origin || '/restored-20260101T000000Z'")
        .await;
    let refused = bed.notary.catch_up(&|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("of another tree"), "{refused}");
    follow_until(&bed, async || bed.notary.figures().broken).await;
    bed.tamper_with_tree("delete from tree").await;
    let refused = bed.notary.catch_up(&|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("not what was signed"), "{refused}");
    assert_eq!(sizes(&bed).await, [20, 40, 60]);

    let (bed, _) = Bed::signed(On::Sqlite).await;
    bed.tamper(&["update events set payload = '{}' where position = 33"], &[])
        .await;
    bed.tamper_with_tree("delete from tiles; delete from tree; delete from checkpoints")
        .await;
    let notary = bed.with_another_key().await;
    let refused = notary.catch_up(&|_, _| {}).await.unwrap_err().to_string();
    assert!(refused.contains("was it exchanged"), "{refused}");
    assert_eq!(sizes(&bed).await, [20, 40, 60]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_go_into_a_directory_once_it_is_there() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("share");
    let url = format!("file:{}", directory.display());
    let mut bed = Bed::with(On::Sqlite, &[("audit.checkpoint_url", url)]).await;
    bed.append_and_sign(5).await;
    bed.append_and_sign(5).await;
    let cancel = CancellationToken::new();
    let courier = Courier::new(&bed.notary).unwrap().unwrap();
    let running = tokio::spawn(courier.follow(cancel.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!directory.exists(), "a share that is not mounted is not made");
    assert_eq!(bed.notary.tree().count_unsent().await.unwrap(), 2);
    fs::create_dir(&directory).unwrap();
    let arrived = async {
        while bed.notary.tree().count_unsent().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, arrived).await.unwrap();
    cancel.cancel();
    running.await.unwrap();
    let copies = Shelf::new(&directory).all().await.unwrap();
    let own = bed.notary.shelf().all().await.unwrap();
    assert_eq!(copies.len(), 2);
    assert!(copies.iter().zip(&own).all(|(copy, own)| copy.note == own.note));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_are_posted_again_until_they_are_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/add", listener.local_addr().unwrap());
    let mut bed = Bed::with(On::Sqlite, &[("audit.checkpoint_url", url)]).await;
    bed.append_and_sign(5).await;
    let note = bed.notary.shelf().all().await.unwrap().remove(0).note;
    let server = std::thread::spawn(move || {
        let mut bodies = Vec::new();
        for status in ["503 Service Unavailable", "204 No Content"] {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
            while !String::from_utf8_lossy(&request).ends_with("=\n") {
                let count = stream.read(&mut buffer).unwrap();
                assert!(count > 0);
                request.extend_from_slice(&buffer[..count]);
            }
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            bodies.push(String::from_utf8(request).unwrap());
        }
        bodies
    });
    let cancel = CancellationToken::new();
    let courier = Courier::new(&bed.notary).unwrap().unwrap();
    let running = tokio::spawn(courier.follow(cancel.clone()));
    let bodies = tokio::task::spawn_blocking(move || server.join().unwrap())
        .await
        .unwrap();
    let taken = async {
        while bed.notary.tree().count_unsent().await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, taken).await.unwrap();
    cancel.cancel();
    running.await.unwrap();
    assert!(
        bodies
            .iter()
            .all(|body| body.starts_with("POST /add ") && body.ends_with(&note)),
        "{bodies:?}"
    );
}

/// `cargo test … -- --ignored measure`: how fast the follower catches up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn measure_how_fast_the_follower_catches_up() {
    for on in [On::Sqlite, On::Postgres] {
        let mut bed = Bed::new(on).await;
        bed.append(100_000).await;
        let start = std::time::Instant::now();
        bed.notary.catch_up(&|_, _| {}).await.unwrap();
        let spent = start.elapsed();
        let start = std::time::Instant::now();
        assert!(bed.audit(&[]).await.sound);
        println!("{on:?}: 100,000 events in {spent:?}; audited in {:?}", start.elapsed());
    }
}
