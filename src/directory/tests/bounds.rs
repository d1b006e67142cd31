//! How much memory holds.

use doorbook_domain::id::SessionId;
use doorbook_openapi::app::Check;

use super::{
    super::{Directory, memory::Found, session::Session, user::User},
    support::*,
};

/// A world with a user and `sessions` sessions of it in the log.
fn crowd(capacity: usize, sessions: u128) -> World {
    let world = World::new(capacity);
    world.user_event(user(1), &registered(user(1)));
    for number in 1..=sessions {
        world.session_event(session(number), &started(user(1), 0));
    }
    world
}

#[tokio::test]
async fn sessions_beyond_the_capacity_give_way_and_come_back() {
    let world = crowd(4, 10);
    for number in 1..=10 {
        assert!(world.resolve(number, 1, 0).await.is_some());
        assert!(world.directory.counts().sessions <= 4);
    }
    let counts = world.directory.counts();
    assert_eq!(
        (counts.sessions, counts.users, counts.fills, counts.evictions),
        (4, 1, 10, 6)
    );
    assert_eq!(world.check(1, 1, 0), Check::Unknown);
    assert!(world.resolve(1, 1, 0).await.is_some());
}

#[tokio::test]
async fn session_in_use_outlasts_those_that_are_not() {
    let world = crowd(4, 40);
    for number in 1..=40 {
        assert!(world.resolve(number, 1, IDLE - 1).await.is_some());
        assert!(number == 1 || world.lives(1, 1, 0), "evicted by {number}");
    }
}

#[tokio::test]
async fn user_is_forgotten_with_its_last_session() {
    let world = World::new(1);
    for number in 1..=3 {
        world.user_event(user(number), &registered(user(number)));
        world.session_event(session(number), &started(user(number), 0));
        assert!(world.resolve(number, 1, 0).await.is_some());
        assert_eq!(world.directory.counts().users, 1);
    }
    world.session_event(session(3), &ended());
    assert_eq!(world.directory.counts().users, 0);
}

#[tokio::test]
async fn ids_without_a_session_are_bounded_and_the_oldest_give_way() {
    let world = World::new(40);
    for number in 1..=100 {
        assert_eq!(world.resolve(number, 1, 0).await, None);
    }
    assert_eq!(world.directory.counts().without_session, 10);
    assert_eq!(world.check(90, 1, 0), Check::Unknown);
    for number in 91..=100 {
        assert_eq!(world.check(number, 1, 0), Check::Dead);
    }
}

/// Puts live sessions in, each with a user of its own and an address of 25 bytes.
fn fill(directory: &Directory, numbers: std::ops::Range<u128>) {
    for number in numbers {
        let id = session(number * 0x9E37_79B9_7F4A_7C15);
        let owner = user(number * 0x9E37_79B9_7F4A_7C15);
        let hold = directory.memory.users.hold(owner);
        let read = User {
            identity: doorbook_openapi::app::Identity::new(&format!("someone{number:06}@example.org"), None),
            active: true,
            fresh: true,
            ..User::unread(owner)
        };
        directory.memory.users.replace(hold.slot(), read);
        let (_, record) = Session::start(id, &started(owner, 0)).unwrap();
        let super::super::Turn::Own(lead) = directory.memory.loads.enter(id) else {
            panic!("nobody else loads");
        };
        assert!(directory.memory.install(&lead, id, Found::Open(record, hold)));
    }
}

#[test]
fn session_with_its_user_costs_at_most_250_bytes() {
    assert_eq!(size_of::<Option<Session>>(), 96);
    assert_eq!(size_of::<Option<User>>(), 56);
    let world = World::new(1_000_000);
    fill(&world.directory, 0..100_000);
    let counts = world.directory.counts();
    assert_eq!((counts.sessions, counts.users), (100_000, 100_000));
    assert!(
        counts.bytes / counts.sessions <= 250,
        "{} bytes each",
        counts.bytes / counts.sessions
    );
}

/// Nanoseconds that this thread has run: others may be using the machine.
fn busy() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    schedstat.split(' ').next().unwrap().parse().unwrap()
}

/// Measures what `README.md` claims: `cargo test --lib directory -- --ignored --nocapture --test-threads 1`.
#[test]
#[ignore = "a measurement: it needs a process of its own"]
fn measure_resident_memory_and_time_of_a_check() {
    let resident = || {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(1).unwrap().parse::<u128>().unwrap() * 4096
    };
    let world = World::new(2_000_000);
    let before = resident();
    let mut worst = 0;
    for filled in (0..1_200_000).step_by(10_000) {
        fill(&world.directory, filled..filled + 10_000);
        let sessions = filled + 10_000;
        let each = (resident() - before) / sessions;
        if sessions >= 100_000 {
            worst = worst.max(each);
        }
        if sessions == 900_000 {
            println!("900,000 sessions: {each} bytes each, {:?}", world.directory.counts());
        }
    }
    println!("worst from 100,000 to 1,200,000 sessions: {worst} bytes each");
    let mut place = 0;
    let ids = std::iter::repeat_with(|| {
        place = (place + 741_337) % 1_200_000;
        session(place * 0x9E37_79B9_7F4A_7C15)
    });
    let ids: Vec<_> = ids.take(1_000_000).collect();
    let begin = busy();
    let lives = |id: &&SessionId| matches!(world.directory.check(**id, &secret(1), T0), Check::Live(_));
    assert_eq!(ids.iter().filter(lives).count(), ids.len());
    let each = (busy() - begin) / 1_000_000;
    println!("a check among 1,200,000 sessions: {each} ns of CPU");
    let begin = busy();
    let few = ids.iter().take(1000).cycle().take(1_000_000);
    assert_eq!(few.filter(lives).count(), 1_000_000);
    let each = (busy() - begin) / 1_000_000;
    println!("a check of one of the same 1,000 sessions: {each} ns of CPU");
}
