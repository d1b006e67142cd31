//! What a live session costs in memory.

use std::{fs, process::Command, sync::Arc};

use async_trait::async_trait;
use doorbook::{clock::Clock, directory::Directory};
use doorbook_domain::{
    id::{SessionId, UserId},
    seal::{ClaimId, Sealed, SecretHash},
    session::{Method, SessionEvent},
    time::Timestamp,
    user::UserEvent,
};
use doorbook_openapi::app::Check;
use doorbook_projections::{
    fault::Fault,
    keyring::{Keyring, Place, Unsealed},
    log::{EventLog, Position, Recorded},
};
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::figure::{Limit, Measured};

/// The argument that makes this program fill a directory.
pub(crate) const CHILD: &str = "child-memory";

const SESSIONS: u64 = 1_200_000;
const STEP: u64 = 10_000;
/// Where the figure of the acceptance stands, and from where on the worst counts.
const CLAIMED: u64 = 900_000;
const FROM: u64 = 100_000;

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(
        "A process of its own fills a session directory through `resolve`, each session with its own user and an address \
         of 25 bytes, from streams that are made when they are read. Resident bytes (`/proc/self/statm`) above those of \
         the process before, the allocator's waste included, divided by the sessions; looked at every 10,000.",
    );
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.arg(CHILD).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    let sizes: Vec<(u64, f64)> = text
        .lines()
        .map(|line| {
            let (sessions, bytes) = line.split_once(' ').unwrap();
            (sessions.parse().unwrap(), bytes.parse().unwrap())
        })
        .collect();
    let each = |wanted| sizes.iter().find(|(sessions, _)| *sessions == wanted).unwrap().1;
    measured.put(
        "a live session of 900,000",
        each(CLAIMED),
        "bytes",
        Limit::AtMost(250.0),
    );
    let late = sizes.iter().filter(|(sessions, _)| *sessions >= FROM);
    let (at, worst) = late.max_by(|left, right| left.1.total_cmp(&right.1)).unwrap();
    let what = format!("a live session at the worst size from 100,000 to 1,200,000 ({at})");
    measured.put(what, *worst, "bytes", Limit::AtMost(350.0));
    measured
}

/// Fills a directory and prints how much each session takes at each size.
pub(crate) fn fill() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(async {
        let log = Arc::new(MadeLog {
            wake: watch::Sender::new(0),
        });
        let directory = Arc::new(Directory::new(log, Arc::new(OpenKeys), 2_000_000));
        tokio::spawn(Arc::clone(&directory).follow(Position::START, CancellationToken::new()));
        let now = Clock::system().now();
        while !directory.is_trusted(now) {
            tokio::task::yield_now().await;
        }
        let before = resident();
        for number in 0..SESSIONS {
            let live = directory.resolve(session(number), &SECRET, now).await.unwrap();
            assert!(live.is_some(), "a session does not live");
            if (number + 1) % STEP == 0 {
                let each = (resident() - before) as f64 / (number + 1) as f64;
                println!("{} {each:.1}", number + 1);
            }
        }
        let all_known =
            (0..SESSIONS).all(|number| matches!(directory.check(session(number), &SECRET, now), Check::Live(_)));
        assert!(all_known, "memory forgot a session");
    });
}

fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

const SECRET: SecretHash = SecretHash([7; 32]);

/// The number, spread over the id as randomness would.
fn session(number: u64) -> SessionId {
    let spread = u128::from(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    SessionId(Uuid::from_u128(1 << 127 | spread << 32 | u128::from(number)))
}

fn user(number: u64) -> UserId {
    UserId(Uuid::from_u128(
        1 << 126 | session(number).0.as_u128() & (u128::MAX >> 2),
    ))
}

/// A log whose streams are made when they are read.
struct MadeLog {
    wake: watch::Sender<u64>,
}

#[async_trait]
impl EventLog for MadeLog {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(Uuid::nil())
    }

    async fn read(&self, _: Position, _: usize) -> Result<Vec<Recorded>, Fault> {
        Ok(Vec::new())
    }

    async fn head(&self) -> Result<Position, Fault> {
        Ok(Position::START)
    }

    async fn stream(&self, aggregate: &str, stream_id: &str, _: u64) -> Result<Vec<Recorded>, Fault> {
        let id: Uuid = stream_id.parse().map_err(Fault::because("no id"))?;
        let number = (id.as_u128() & u128::from(u32::MAX)) as u64;
        let at = Clock::system().now();
        Ok(vec![if aggregate == "session" {
            recorded("session", stream_id, "session.started", &started(number, at))
        } else {
            recorded("user", stream_id, "user.registered", &registered(number, at))
        }])
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}

fn recorded<E: Serialize>(aggregate: &str, stream_id: &str, event_type: &str, event: &E) -> Recorded {
    Recorded {
        position: Position::START,
        aggregate: aggregate.into(),
        stream_id: stream_id.into(),
        sequence: 1,
        event_type: event_type.into(),
        version: "1.0".into(),
        payload: serde_json::to_string(event).unwrap().into(),
        metadata: "{}".into(),
        recorded_at: Timestamp::from_micros(0),
    }
}

fn started(number: u64, at: Timestamp) -> SessionEvent {
    let day = std::time::Duration::from_hours(24);
    SessionEvent::Started {
        user_id: user(number),
        epoch: 0,
        secret: SECRET,
        method: Method::Password,
        remember: true,
        new_device: false,
        idle_until: at.plus(day),
        absolute_until: at.plus(day * 2),
        idle_ms: 86_400_000,
        origin: None,
        ip_bucket: None,
        at,
    }
}

fn registered(number: u64, at: Timestamp) -> UserEvent {
    UserEvent::Registered {
        email: Sealed::new(format!("key:user{number:09}@example.org")),
        claim: ClaimId("email-0".into()),
        email_verified: true,
        password: None,
        at,
    }
}

/// Opens everything.
struct OpenKeys;

#[async_trait]
impl Keyring for OpenKeys {
    async fn open(&self, sealed: &Sealed, _: &Place<'_>) -> Result<Unsealed, Fault> {
        let (_, text) = sealed.as_str().split_once(':').ok_or(Fault::plain("no sealed value"))?;
        Ok(Unsealed::Value(text.as_bytes().to_vec()))
    }
}
