use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
};

use async_trait::async_trait;
use cqrs_es::Aggregate;
use doorbook_domain::{
    attempts::{LoginAttempts, LoginAttemptsEvent},
    claim::Claim,
    event::Event,
    id::UserId,
    seal::{ClaimId, Sealed},
    session::{Session, SessionEvent},
    signup::SignUp,
    user::{User, UserEvent},
};
use doorbook_projections::keyring::Place as Spot;
use parking_lot::Mutex;

use super::*;

pub(crate) fn shape(users: u32, events: u64, seed: u64) -> Shape {
    Shape {
        users,
        events,
        seed,
        until: Timestamp::from_micros(1_790_000_000_000_000),
        lifetimes: Lifetimes {
            absolute: Duration::from_hours(14 * 24),
            idle: Duration::from_hours(7 * 24),
        },
        staff: Lifetimes {
            absolute: Duration::from_hours(24),
            idle: Duration::from_hours(1),
        },
    }
}

/// Keys that seal nothing, but know whether they were made.
#[derive(Default)]
pub(crate) struct Glass(Mutex<HashSet<Key>>);

#[async_trait]
impl Sealer for Glass {
    async fn create(&self, keys: &[Key]) -> Result<(), Fault> {
        for key in keys {
            assert!(self.0.lock().insert(key.clone()), "{key:?} was made twice");
        }
        Ok(())
    }

    async fn seal(&self, key: &Key, spot: Spot<'_>, plain: &[u8]) -> Result<Sealed, Fault> {
        let owner = match key {
            Key::Month(owner, _) => owner,
            Key::User(_) | Key::Password(_) | Key::Attempts(_) => key,
        };
        assert!(self.0.lock().contains(owner), "{owner:?} was not made");
        let text = String::from_utf8_lossy(plain);
        Ok(Sealed::new(format!(
            "{key:?}:{}/{}/{}/{text}",
            spot.stream, spot.event_type, spot.field
        )))
    }

    fn claim(&self, address: &str) -> Result<ClaimId, Fault> {
        Ok(ClaimId(format!("email-{address}").into()))
    }

    fn ip_bucket(&self, ip: IpAddr) -> u32 {
        u32::from(ip.is_ipv6())
    }

    fn password_hash(&self) -> &'static str {
        "$argon2id$…"
    }
}

async fn events(shape: Shape) -> Vec<NewEvent> {
    let events = Mutex::new(Vec::new());
    let take = |batch: Vec<NewEvent>| {
        events.lock().extend(batch);
        async { Ok(()) }
    };
    let total = fill(History::new(shape).unwrap(), &Glass::default(), take, |_| {})
        .await
        .unwrap();
    let events = events.into_inner();
    assert_eq!(usize::try_from(total).unwrap(), events.len());
    events
}

fn read(event: &NewEvent) -> Event {
    Event::read(&event.aggregate, &event.event_type, &event.version, &event.payload).unwrap()
}

#[tokio::test]
async fn same_shape_gives_the_same_bytes_and_another_seed_others() {
    let first = events(shape(20, 2000, 1)).await;
    assert_eq!(first, events(shape(20, 2000, 1)).await);
    assert_ne!(first, events(shape(20, 2000, 2)).await);
}

#[tokio::test]
async fn history_has_as_many_events_as_asked_for_in_time_order_until_its_end() {
    let shape = shape(50, 10_000, 3);
    let (begin, until) = (shape.until.minus(SPAN), shape.until);
    let events = events(shape).await;
    assert_eq!(events.len(), 10_000);
    assert!(events.windows(2).all(|pair| pair[0].recorded_at <= pair[1].recorded_at));
    let (first, last) = (events[0].recorded_at, events[9_999].recorded_at);
    assert_eq!(first, begin);
    assert!(
        last <= until && until.since(last) < Duration::from_hours(72),
        "{last} {until}"
    );
}

#[tokio::test]
async fn streams_are_gapless_and_interleaved() {
    let events = events(shape(50, 10_000, 4)).await;
    let mut sequences: HashMap<(&str, &str), u64> = HashMap::new();
    let mut jumps = 0;
    for pair in events.windows(2) {
        jumps += usize::from(pair[0].stream_id != pair[1].stream_id);
    }
    for event in &events {
        let last = sequences.entry((&event.aggregate, &event.stream_id)).or_default();
        assert_eq!(event.sequence, *last + 1, "{} {}", event.aggregate, event.stream_id);
        *last += 1;
    }
    assert!(jumps > 8_000, "{jumps}");
}

#[tokio::test]
async fn everything_that_can_happen_happens() {
    let events = events(shape(200, 40_000, 5)).await;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for event in &events {
        *counts.entry(&event.event_type).or_default() += 1;
    }
    for (event_type, least) in [
        ("signup.requested", 200),
        ("signup.completed", 200),
        ("claim.taken", 200),
        ("user.registered", 200),
        ("user.profile_changed", 150),
        ("user.password_changed", 20),
        ("user.role_granted", 2),
        ("user.deactivated", 2),
        ("user.reactivated", 1),
        ("session.started", 10_000),
        ("session.refreshed", 3_000),
        ("session.reauthenticated", 20),
        ("session.rotated", 40),
        ("session.ended", 6_000),
        ("login.failed", 500),
    ] {
        assert!(
            counts.get(event_type).is_some_and(|&count| count >= least),
            "{event_type}: {counts:?}"
        );
    }
}

/// Every aggregate, folded beside the history.
#[derive(Default)]
struct World {
    users: HashMap<String, User>,
    sessions: HashMap<String, Session>,
    signups: HashMap<String, SignUp>,
    claims: HashMap<String, Claim>,
    attempts: HashMap<String, LoginAttempts>,
}

impl World {
    fn user(&self, id: UserId) -> &User {
        &self.users[&id.to_string()]
    }

    /// Checks that the rules allow what happened, then takes it in.
    fn take(&mut self, event: &NewEvent) {
        let (id, at) = (event.stream_id.to_string(), event.recorded_at);
        match read(event) {
            Event::SignUp(event) => self.signups.entry(id).or_default().apply(event),
            Event::Claim(event) => self.claims.entry(id).or_default().apply(event),
            Event::LoginAttempts(event) => {
                let attempts = self.attempts.entry(id).or_default();
                if let LoginAttemptsEvent::Failed { .. } = event {
                    assert!(attempts.records_singly(at));
                }
                attempts.apply(event);
            }
            Event::Projection(event) => panic!("{event:?} is no part of a history"),
            Event::User(event) => self.user_event(id, event),
            Event::Session(event) => self.session_event(id, event, at),
            Event::Reading(event) => panic!("nobody reads a made-up book: {event:?}"),
        }
    }

    fn user_event(&mut self, id: String, event: UserEvent) {
        let user = self.users.entry(id).or_default();
        let before = user.epoch();
        let raises = matches!(
            event,
            UserEvent::PasswordChanged { .. }
                | UserEvent::RoleGranted { .. }
                | UserEvent::RoleRevoked { .. }
                | UserEvent::Deactivated { .. }
        );
        assert_eq!(matches!(event, UserEvent::Registered { .. }), !user.is_registered());
        if let UserEvent::RoleGranted { role, .. } = event {
            assert!(!user.roles().contains(role));
        }
        user.apply(event);
        assert_eq!(user.epoch(), before + u32::from(raises));
    }

    fn session_event(&mut self, id: String, event: SessionEvent, at: Timestamp) {
        let before = self.sessions.get(&id).cloned().unwrap_or_default();
        match &event {
            SessionEvent::Started { user_id, epoch, .. } => {
                assert!(before.login().is_none());
                assert!(self.user(*user_id).is_active());
                assert_eq!(self.user(*user_id).epoch(), *epoch);
            }
            SessionEvent::Rotated { epoch, .. } => {
                let user = self.user(before.user_id().unwrap());
                assert_eq!(user.epoch(), *epoch);
                assert!(before.is_live(at, before.login().unwrap().epoch));
            }
            SessionEvent::Refreshed { .. } | SessionEvent::Reauthenticated { .. } | SessionEvent::Ended { .. } => {
                let user = self.user(before.user_id().unwrap());
                assert!(before.is_live(at, user.epoch()), "{event:?}");
            }
        }
        self.sessions.entry(id).or_default().apply(event);
    }
}

#[tokio::test]
async fn aggregates_accept_the_history_and_some_sessions_live_at_its_end() {
    let shape = shape(200, 40_000, 6);
    let until = shape.until;
    let mut world = World::default();
    for event in &events(shape).await {
        world.take(event);
    }
    let live = |session: &&Session| {
        let user = world.user(session.user_id().unwrap());
        user.is_active() && session.is_live(until, user.epoch())
    };
    let live = world.sessions.values().filter(live).count();
    assert!(live > 50, "{live} live sessions");
    assert_eq!(world.claims.len(), 200);
    assert!(world.signups.values().all(|signup| !signup.is_pending()));
}

#[test]
fn too_few_events_for_the_users_are_refused() {
    assert!(History::new(shape(10, 99, 1)).is_err());
    assert!(History::new(shape(0, 100, 1)).is_err());
    assert_eq!(History::new(shape(10, 100, 1)).unwrap().count(), 100);
}
