//! A log in memory that can fail and be held up, keys that open by place, and a world of users and sessions.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use cqrs_es::DomainEvent;
use doorbook_domain::{
    id::{SessionId, UserId},
    role::Role,
    seal::{ClaimId, Sealed, SecretHash},
    session::{EndReason, Method, SessionEvent},
    time::Timestamp,
    user::{PasswordCause, UserEvent},
};
use doorbook_openapi::app::{Check, LiveSession};
use doorbook_projections::{
    fault::Fault,
    keyring::{Keyring, Place, Unsealed},
    log::{EventLog, Position, Recorded},
};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

use super::super::Directory;

/// When every story begins.
pub(super) const T0: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
/// Idle time of a session, in microseconds.
pub(super) const IDLE: i64 = 1_000;
/// Absolute time of a session, in microseconds.
pub(super) const ABSOLUTE: i64 = 10_000;

pub(super) fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(T0.micros() + micros)
}

pub(super) fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(1 << 100 | number))
}

pub(super) fn session(number: u128) -> SessionId {
    SessionId(Uuid::from_u128(2 << 100 | number))
}

pub(super) fn secret(number: u8) -> SecretHash {
    SecretHash([number; 32])
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap()
}

/// A log in memory.
pub(super) struct StubLog {
    pub(super) events: Mutex<Vec<Recorded>>,
    pub(super) streams_read: AtomicUsize,
    pub(super) failing: AtomicBool,
    pub(super) gate: Mutex<Option<Arc<Gate>>>,
    wake: watch::Sender<u64>,
}

/// Holds readings up after they have seen the stream and before they return.
pub(super) struct Gate {
    pub(super) aggregate: &'static str,
    pub(super) reached: Semaphore,
    pub(super) open: Semaphore,
}

impl StubLog {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            events: Mutex::default(),
            streams_read: AtomicUsize::new(0),
            failing: AtomicBool::new(false),
            gate: Mutex::default(),
            wake: watch::Sender::new(0),
        })
    }

    pub(super) fn hold_up(&self, aggregate: &'static str) -> Arc<Gate> {
        let gate = Arc::new(Gate {
            aggregate,
            reached: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        *self.gate.lock() = Some(Arc::clone(&gate));
        gate
    }

    /// Appends an event and returns its sequence.
    pub(super) fn append<E: DomainEvent + Serialize>(&self, aggregate: &str, id: Uuid, event: &E) -> u64 {
        self.append_raw(
            aggregate,
            id,
            &event.event_type(),
            &serde_json::to_string(event).unwrap(),
        )
    }

    pub(super) fn append_raw(&self, aggregate: &str, id: Uuid, event_type: &str, payload: &str) -> u64 {
        let mut events = self.events.lock();
        let stream_id: Box<str> = id.to_string().into();
        let of_stream = |event: &&Recorded| &*event.aggregate == aggregate && event.stream_id == stream_id;
        let sequence = count(events.iter().filter(of_stream).count() + 1);
        let recorded = Recorded {
            position: Position::new(count(events.len() + 1)),
            aggregate: aggregate.into(),
            stream_id,
            sequence,
            event_type: event_type.into(),
            version: "1.0".into(),
            payload: payload.into(),
            metadata: "{}".into(),
            recorded_at: T0,
        };
        events.push(recorded);
        drop(events);
        self.wake.send_modify(|count| *count += 1);
        sequence
    }

    pub(super) fn reads(&self) -> usize {
        self.streams_read.load(Ordering::SeqCst)
    }

    fn answer(&self) -> Result<(), Fault> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(Fault::plain("the log is down"));
        }
        Ok(())
    }
}

#[async_trait]
impl EventLog for StubLog {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(Uuid::nil())
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        self.answer()?;
        let events = self.events.lock();
        let later = events.iter().filter(|event| event.position > after);
        Ok(later.take(limit).cloned().collect())
    }

    async fn head(&self) -> Result<Position, Fault> {
        self.answer()?;
        Ok(Position::new(count(self.events.lock().len())))
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, after: u64) -> Result<Vec<Recorded>, Fault> {
        self.streams_read.fetch_add(1, Ordering::SeqCst);
        let of_stream = |event: &&Recorded| {
            &*event.aggregate == aggregate && &*event.stream_id == stream_id && event.sequence > after
        };
        let seen: Vec<_> = self.events.lock().iter().filter(of_stream).cloned().collect();
        let gate = self.gate.lock().clone().filter(|gate| gate.aggregate == aggregate);
        if let Some(gate) = gate {
            gate.reached.add_permits(1);
            gate.open.acquire().await.unwrap().forget();
        }
        self.answer()?;
        Ok(seen)
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}

/// Opens what [`seal`] made, in its place only.
pub(super) struct StubKeyring;

#[async_trait]
impl Keyring for StubKeyring {
    async fn open(&self, sealed: &Sealed, place: &Place<'_>) -> Result<Unsealed, Fault> {
        let seal = format!("key:{}|{}|{}|", place.stream, place.event_type, place.field);
        match sealed.as_str().strip_prefix(&seal) {
            Some("erased") => Ok(Unsealed::Erased),
            Some(text) => Ok(Unsealed::Value(text.as_bytes().to_vec())),
            None => Err(Fault::plain("the value does not belong here")),
        }
    }
}

pub(super) fn seal(user: UserId, event_type: &str, field: &str, text: &str) -> Sealed {
    Sealed::new(format!("key:user-{user}|{event_type}|{field}|{text}"))
}

/// One directory over one log.
pub(super) struct World {
    pub(super) log: Arc<StubLog>,
    pub(super) directory: Arc<Directory>,
}

impl World {
    /// A world whose directory trusts itself, with nobody following the log.
    pub(super) fn new(capacity: usize) -> Self {
        let world = Self::distrusting(capacity);
        world.directory.trust.set_reading(true);
        world
    }

    pub(super) fn distrusting(capacity: usize) -> Self {
        let log = StubLog::new();
        let directory = Directory::new(Arc::<StubLog>::clone(&log), Arc::new(StubKeyring), capacity);
        Self {
            log,
            directory: Arc::new(directory),
        }
    }

    /// A world with one user and one session of it, in memory, under `secret(1)`.
    pub(super) async fn with_session() -> Self {
        let world = Self::new(1000);
        world.user_event(user(1), &registered(user(1)));
        world.session_event(session(1), &started(user(1), 0));
        assert!(world.resolve(1, 1, 0).await.is_some());
        world
    }

    /// Commits and nudges.
    pub(super) fn session_event(&self, id: SessionId, event: &SessionEvent) {
        let sequence = self.log.append("session", id.0, event);
        self.directory.nudge_session(id, &[(sequence, event.clone())]);
    }

    /// Commits and nudges.
    pub(super) fn user_event(&self, id: UserId, event: &UserEvent) {
        let sequence = self.log.append("user", id.0, event);
        self.directory.nudge_user(id, &[(sequence, event.clone())]);
    }

    pub(super) fn check(&self, id: u128, of: u8, micros: i64) -> Check {
        self.directory.check(session(id), &secret(of), at(micros))
    }

    pub(super) fn lives(&self, id: u128, of: u8, micros: i64) -> bool {
        matches!(self.check(id, of, micros), Check::Live(_))
    }

    pub(super) async fn resolve(&self, id: u128, of: u8, micros: i64) -> Option<LiveSession> {
        self.directory
            .resolve(session(id), &secret(of), at(micros))
            .await
            .unwrap()
    }

    /// Brings the event at this place of the log by the tail.
    pub(super) fn tail(&self, index: usize) {
        let recorded = self.log.events.lock()[index].clone();
        self.directory.take_in(&recorded);
    }
}

pub(super) fn registered(id: UserId) -> UserEvent {
    UserEvent::Registered {
        email: seal(id, "user.registered", "email", "Ada@example.org"),
        claim: ClaimId("email-0".into()),
        email_verified: true,
        password: None,
        at: T0,
    }
}

pub(super) fn renamed(id: UserId, name: Option<&str>) -> UserEvent {
    UserEvent::ProfileChanged {
        name: name.map(|name| seal(id, "user.profile_changed", "name", name)),
        at: T0,
    }
}

pub(super) fn password_changed(epoch: u32) -> UserEvent {
    UserEvent::PasswordChanged {
        password: Sealed::new("password:0"),
        epoch,
        cause: PasswordCause::Changed,
        at: T0,
    }
}

pub(super) fn granted(epoch: u32) -> UserEvent {
    UserEvent::RoleGranted {
        role: Role::Admin,
        epoch,
        at: T0,
    }
}

/// A session that starts at [`T0`] under `secret(1)`.
pub(super) fn started(user: UserId, epoch: u32) -> SessionEvent {
    SessionEvent::Started {
        user_id: user,
        epoch,
        secret: secret(1),
        method: Method::Password,
        remember: true,
        new_device: false,
        idle_until: at(IDLE),
        absolute_until: at(ABSOLUTE),
        idle_ms: 1,
        origin: None,
        ip_bucket: None,
        at: T0,
    }
}

pub(super) fn refreshed(idle_until: i64) -> SessionEvent {
    SessionEvent::Refreshed {
        idle_until: at(idle_until),
        at: T0,
    }
}

pub(super) fn rotated(of: u8, epoch: u32) -> SessionEvent {
    SessionEvent::Rotated {
        secret: secret(of),
        epoch,
        at: T0,
    }
}

pub(super) fn ended() -> SessionEvent {
    SessionEvent::Ended {
        reason: EndReason::LoggedOut,
        by: None,
        at: T0,
    }
}
