//! Tables that do not fit: of another version, another log, or a log that has gone on otherwise.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use doorbook_domain::event::Event;
use doorbook_projections::{
    cursor::Cursor,
    engine::Denied,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::Table,
    users::{self, Users},
};

use crate::support::{
    bench::{is_true_to_log, open, open_with, run},
    history::user,
    log::MemoryLog,
    place::Place,
};

on_both!(
    tables_of_an_older_version_are_not_shown_and_rebuilt,
    tables_of_an_older_version_do_not_stand_in_for_those_that_an_admin_paused,
    tables_of_another_log_are_not_shown_and_rebuilt,
    checkpoint_beyond_the_log_causes_a_rebuild,
);

/// The read model `users` as a later program has it.
struct Newer {
    events: AtomicUsize,
}

impl Projection for Newer {
    fn name(&self) -> &'static str {
        users::NAME
    }

    fn version(&self) -> u32 {
        Users.version() + 1
    }

    fn aggregates(&self) -> &'static [&'static str] {
        Users.aggregates()
    }

    fn tables(&self) -> &'static [Table] {
        Users.tables()
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        self.events.fetch_add(1, Ordering::Relaxed);
        Users.patches(recorded, event, out)
    }
}

async fn tables_of_an_older_version_are_not_shown_and_rebuilt(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    let position = log.live_on(1, 10);
    running.reaches(position).await;
    running.stop().await;

    let newer = Arc::new(Newer {
        events: AtomicUsize::new(0),
    });
    let engine = open_with(&place, &log, vec![Arc::clone(&newer) as _]).await;
    let listed = users::page(&engine.reads(), &Cursor::start(), 99).await;
    assert!(listed.is_err(), "its queries may not fit those tables");
    assert!(!engine.reads().serves(users::NAME));
    let stream = format!("user-{}", user(1));
    let retried = engine.retry_parked(users::NAME, &stream).await;
    assert!(matches!(retried, Err(Denied::Misfit)), "nor do its values: {retried:?}");
    assert_eq!(engine.status().await.unwrap()[0].position, None);
    let running = run(engine);
    running.reaches(position).await;
    assert_ne!(newer.events.load(Ordering::Relaxed), 0);
    assert_eq!(running.engine.status().await.unwrap()[0].generation, Some(2));
    assert!(running.engine.reads().serves(users::NAME));
    let listed = users::page(&running.engine.reads(), &Cursor::start(), 99).await;
    assert_eq!(listed.unwrap().len(), 10);
    running.stop().await;
}

async fn tables_of_an_older_version_do_not_stand_in_for_those_that_an_admin_paused(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 10)).await;
    assert!(!running.engine.rests(users::NAME), "it follows the log");
    running.engine.pause(users::NAME).await.unwrap();
    assert!(running.engine.rests(users::NAME));
    running.stop().await;

    let engine = open(&place, &log).await;
    assert!(engine.rests(users::NAME), "over a restart, too");
    let newer = Arc::new(Newer {
        events: AtomicUsize::new(0),
    });
    let engine = open_with(&place, &log, vec![newer]).await;
    assert!(!engine.rests(users::NAME), "its queries may not fit those tables");
}

async fn tables_of_another_log_are_not_shown_and_rebuilt(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 10)).await;
    running.stop().await;

    let another = Arc::new(MemoryLog::new(2));
    let position = another.live_on(1, 3);
    let engine = open(&place, &another).await;
    assert!(users::page(&engine.reads(), &Cursor::start(), 99).await.is_err());
    let running = run(engine);
    running.reaches(position).await;
    assert_eq!(
        users::page(&running.engine.reads(), &Cursor::start(), 99)
            .await
            .unwrap()
            .len(),
        3
    );
    is_true_to_log(&running.engine).await;
    running.stop().await;
}

async fn checkpoint_beyond_the_log_causes_a_rebuild(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    running.reaches(log.live_on(1, 10)).await;
    running.stop().await;

    // The log is restored from a backup: the same log, but shorter.
    let restored = Arc::new(MemoryLog::new(1));
    let position = restored.live_on(1, 6);
    let running = run(open(&place, &restored).await);
    running.reaches(position).await;
    assert_eq!(
        users::page(&running.engine.reads(), &Cursor::start(), 99)
            .await
            .unwrap()
            .len(),
        6
    );
    is_true_to_log(&running.engine).await;
    running.stop().await;

    // And then it goes on otherwise than before, up to the same position.
    let other = Arc::new(MemoryLog::new(1));
    other.live_on(1, 5);
    while other.log_in(7, 7000, 1, 1) < position {
        other.alter(|events| assert!(events.len() < 1000));
    }
    other.alter(|events| {
        let last = events.last_mut().unwrap();
        last.metadata = r#"{"command_id":"00000000-0000-0000-0000-0000000000ff"}"#.into();
    });
    let running = run(open(&place, &other).await);
    running.reaches(position).await;
    assert_eq!(
        users::page(&running.engine.reads(), &Cursor::start(), 99)
            .await
            .unwrap()
            .len(),
        5
    );
    running.stop().await;
}
