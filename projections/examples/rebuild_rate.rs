//! How fast all read models are rebuilt together, and in how much memory.
//!
//! `cargo run --release -p doorbook-projections --example rebuild_rate -- [EVENTS] [POSTGRES-URL]`
//!
//! The log is made up while it is read: 25 events a user, among them six sessions of three events each, which end
//! 50,000 events after they began, so that what a chunk changes is not merged in memory alone.
#![expect(
    clippy::print_stdout,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "a program for people at a terminal"
)]

use std::{env, error::Error, sync::Arc, time::Instant};

use async_trait::async_trait;
use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    engine::{Engine, ReadTarget},
    fault::Fault,
    log::{EventLog, Position, Recorded},
    login_history::LoginHistory,
    sessions::Sessions,
    signups::SignUps,
    users::Users,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const BLOCK: u64 = 25;
/// How many users later a session ends.
const LATER: u64 = 2_000;

struct MadeUp {
    events: u64,
    wake: watch::Sender<u64>,
}

fn id(kind: u64, number: u64) -> Uuid {
    Uuid::from_u64_pair(
        number << 16 | 0x7000,
        0x8000_0000_0000_0000 | kind << 32 | number.wrapping_mul(2_654_435_761) >> 32,
    )
}

fn sealed(key: &str, bytes: usize) -> String {
    format!("{key}:{}", "Zm9vYmFyLV8".repeat(bytes / 11 + 1))
}

fn registered(user: Uuid, claim: &str, at: u64) -> String {
    let email = sealed(&format!("user-{user}"), 66);
    let password = sealed(&format!("password-{user}"), 170);
    format!(
        r#"{{"registered":{{"email":"{email}","claim":"{claim}","email_verified":true,"password":"{password}","at":{at}}}}}"#
    )
}

fn started(user: Uuid, at: u64) -> String {
    let origin = sealed(&format!("user-{user}-2026-11"), 200);
    let secret = "0123456789abcdef".repeat(4);
    format!(
        r#"{{"started":{{"user_id":"{user}","epoch":1,"secret":"{secret}","method":"password","remember":true,"idle_until":{},"absolute_until":{},"idle_ms":604800000,"origin":"{origin}","at":{at}}}}}"#,
        at + 7,
        at + 14
    )
}

/// Kind and id of the stream, sequence, type, payload.
type Made = (&'static str, String, u64, &'static str, String);

fn make(position: u64) -> Made {
    let (user, step) = ((position - 1) / BLOCK, (position - 1) % BLOCK);
    let at = 1_700_000_000_000_000 + position * 1_000;
    let user_id = id(1, user);
    let claim = format!("email-{:064x}", u128::from(user) << 40);
    match step {
        0 => (
            "user",
            user_id.to_string(),
            1,
            "user.registered",
            registered(user_id, &claim, at),
        ),
        1 => (
            "claim",
            claim,
            1,
            "claim.taken",
            format!(r#"{{"taken":{{"user_id":"{user_id}","at":{at}}}}}"#),
        ),
        2 => {
            let name = sealed(&format!("user-{user_id}"), 55);
            let payload = format!(r#"{{"profile_changed":{{"name":"{name}","at":{at}}}}}"#);
            ("user", user_id.to_string(), 2, "user.profile_changed", payload)
        }
        3..=5 => {
            let email = sealed(&format!("user-{user_id}"), 66);
            let payload = format!(
                r#"{{"failed":{{"user_id":"{user_id}","email":"{email}","reason":"wrong_password","at":{at}}}}}"#
            );
            ("attempts", claim, step - 2, "login.failed", payload)
        }
        6 => {
            let payload = format!(r#"{{"sessions_ended":{{"epoch":2,"at":{at}}}}}"#);
            ("user", user_id.to_string(), 3, "user.sessions_ended", payload)
        }
        _ => session((user, step - 7), user_id, at),
    }
}

fn session((user, step): (u64, u64), user_id: Uuid, at: u64) -> Made {
    let (which, phase) = (step / 3, step % 3);
    let stream = |user: u64| id(2 + which, user).to_string();
    match (phase, user.checked_sub(LATER)) {
        (0, _) => ("session", stream(user), 1, "session.started", started(user_id, at)),
        (2, Some(user)) => {
            let payload = format!(r#"{{"ended":{{"reason":"logged_out","at":{at}}}}}"#);
            // The first ones were refreshed once more.
            (
                "session",
                stream(user),
                if user < LATER { 4 } else { 3 },
                "session.ended",
                payload,
            )
        }
        (phase, _) => {
            let payload = format!(r#"{{"refreshed":{{"idle_until":{},"at":{at}}}}}"#, at + 9);
            ("session", stream(user), phase + 1, "session.refreshed", payload)
        }
    }
}

fn recorded(position: u64) -> Recorded {
    let (aggregate, stream_id, sequence, event_type, payload) = make(position);
    Recorded {
        position: Position::new(position),
        aggregate: aggregate.into(),
        stream_id: stream_id.into(),
        sequence,
        event_type: event_type.into(),
        version: "1.0".into(),
        payload: payload.into(),
        metadata: format!(r#"{{"command_id":"{}","actor":"anonymous"}}"#, id(9, position)).into(),
        recorded_at: Timestamp::from_micros(0),
    }
}

#[async_trait]
impl EventLog for MadeUp {
    async fn id(&self) -> Result<Uuid, Fault> {
        Ok(Uuid::from_u128(1))
    }

    async fn read(&self, after: Position, limit: usize) -> Result<Vec<Recorded>, Fault> {
        let last = self.events.min(after.number() + limit as u64);
        Ok((after.number() + 1..=last).map(recorded).collect())
    }

    async fn head(&self) -> Result<Position, Fault> {
        Ok(Position::new(self.events))
    }

    async fn stream(&self, _: &str, _: &str, _: u64) -> Result<Vec<Recorded>, Fault> {
        Ok(Vec::new())
    }

    fn wake(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }
}

/// The most memory that the process has had, in MiB.
fn peak_mib() -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let events: u64 = env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let log = Arc::new(MadeUp {
        events,
        wake: watch::Sender::new(0),
    });
    let begun = Instant::now();
    let mut after = Position::START;
    while let Some(last) = log.read(after, 2_000).await?.last() {
        after = last.position;
    }
    println!(
        "making up {events} events alone: {:.2} s",
        begun.elapsed().as_secs_f64()
    );

    let dir = tempfile::tempdir()?;
    let target = match env::args().nth(2) {
        None => ReadTarget::Sqlite(dir.path().to_owned()),
        Some(url) => ReadTarget::Postgres(Box::new(url.parse()?)),
    };
    let engine = Engine::open(
        target,
        log,
        vec![
            Arc::new(Sessions),
            Arc::new(Users),
            Arc::new(LoginHistory),
            Arc::new(SignUps),
        ],
        Arc::new(|| Timestamp::from_micros(0)),
    )
    .await?;
    let begun = Instant::now();
    let phases = |progress: doorbook_projections::engine::Progress| {
        if progress.done == 0 || progress.done == progress.total {
            println!("{:6.2} s {progress:?}", begun.elapsed().as_secs_f64());
        }
    };
    let cancel = CancellationToken::new();
    engine.rebuild(&engine.names(), &phases, &cancel).await?;
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{:.2} s, {:.0} events/s, peak {} MiB",
        seconds,
        events as f64 / seconds,
        peak_mib()?
    );
    if env::var_os("VERIFY").is_some() {
        for name in engine.names() {
            let begun = Instant::now();
            let report = engine.verify(name, &|_| {}, &cancel).await?;
            println!(
                "verify {name}: {} rows, {} differ, {:.2} s",
                report.rows,
                report.differing,
                begun.elapsed().as_secs_f64()
            );
        }
    }
    Ok(())
}
