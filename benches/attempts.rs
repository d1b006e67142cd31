//! What ten million attempts leave behind that were refused: hardly an event, and no more rows than the table may have.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::{Duration, Instant},
};

use doorbook::{
    clock::Clock,
    config::{Config, Sources},
    hashing::{Argon2Cost, PasswordHasher},
    ids,
    open::{self, Durable},
    service::{Parts, Service},
    throttle::Throttle,
};
use doorbook_domain::time::Timestamp;
use doorbook_openapi::app::{App as _, LogIn, Origin, Refusal, Secret};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::figure::{Limit, Measured};

const ATTEMPTS: u32 = 10_000_000;
/// How long they take by the clock of the service.
const MINUTES: u32 = 50;

/// A service whose clock stands until it is moved.
struct Stand {
    service: Service,
    throttle: Throttle,
    clock: Clock,
    directory: TempDir,
}

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{ATTEMPTS} guesses within {MINUTES} minutes of a standing clock, handed to the service itself on SQLite with the default \
         limits: a third at one address from everywhere, a third at invented addresses from one IPv6 /64, a third at \
         invented addresses from as many networks. What is let through is hashed at the lowest cost that can be set."
    ));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(attack(&mut measured));
    measured
}

async fn attack(measured: &mut Measured) {
    let stand = Stand::start().await;
    let cancel = CancellationToken::new();
    let kept = tokio::spawn(stand.throttle.clone().keep(cancel.clone()));
    let (began, mut refused) = (Instant::now(), 0_u32);
    for number in 0..ATTEMPTS {
        if number % (ATTEMPTS / MINUTES) == 0 {
            stand.clock.advance(Duration::from_mins(1));
        }
        refused += u32::from(stand.is_refused(number).await);
    }
    let spent = began.elapsed();
    cancel.cancel();
    kept.await.unwrap();
    let rows = stand.rows().await;
    let events = stand.end().await;
    measured.put("guesses", f64::from(ATTEMPTS), "", Limit::None);
    measured.put("of them refused", f64::from(refused), "", Limit::AtLeast(9_900_000.0));
    measured.put(
        "each",
        spent.as_secs_f64() * 1e6 / f64::from(ATTEMPTS),
        "µs",
        Limit::None,
    );
    measured.put("events in the log", events as f64, "", Limit::None);
    let share = events as f64 / f64::from(refused) * 100.0;
    measured.put("events for 100 refused guesses", share, "", Limit::AtMost(1.0));
    measured.put("counters in the table", rows as f64, "rows", Limit::AtMost(1_000_000.0));
}

/// Who guesses where.
fn guess(number: u32) -> (String, IpAddr) {
    let everywhere = Ipv4Addr::from_bits(0x0b00_0000 + number % 0x00ff_ffff);
    let [high, low] = [(number >> 16) as u16, number as u16];
    let one_network = Ipv6Addr::new(0x2001, 0xdb8, 0, 7, high, low, 0, 1);
    match number % 3 {
        0 => ("ada@example.org".to_owned(), everywhere.into()),
        1 => (format!("user-{number}@example.org"), one_network.into()),
        _ => (format!("user-{number}@example.org"), everywhere.into()),
    }
}

impl Stand {
    async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("doorbook-bench-").tempdir().unwrap();
        let data = directory.path().display().to_string();
        let config = Config::load(&Sources {
            file: None,
            environment: Vec::new(),
            flags: vec![("--data-dir", "data.dir".to_owned(), data)],
        })
        .unwrap();
        let clock = Clock::standing(Timestamp::from_micros(1_795_478_400_000_000));
        let durable = Durable::open(&config).await.unwrap();
        let parts = open::parts(&config, durable, clock.clone()).await.unwrap();
        let throttle = parts.throttle.clone();
        let cost = Argon2Cost {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        };
        let service = Service::new(Parts {
            hasher: Arc::new(PasswordHasher::new(cost).unwrap()),
            ..parts
        });
        Self {
            service,
            throttle,
            clock,
            directory,
        }
    }

    async fn is_refused(&self, number: u32) -> bool {
        let (email, ip) = guess(number);
        let wish = LogIn {
            email,
            password: Secret("a guess".to_owned()),
            remember: false,
            replaces: None,
        };
        let origin = Origin {
            request_id: ids::uuid_v4(),
            ip: Some(ip),
            user_agent: None,
            device: None,
        };
        match self.service.log_in(wish, &origin).await {
            Err(Refusal::Throttled(_)) => true,
            Err(Refusal::InvalidCredentials) => false,
            other => panic!("{other:?}"),
        }
    }

    async fn rows(&self) -> i64 {
        count(&self.directory, "throttle.db", "select count(*) from counters").await
    }

    /// Lets the service write what it still holds, and counts the events.
    async fn end(self) -> i64 {
        let Self { service, directory, .. } = self;
        service.close().await;
        count(&directory, "log.db", "select count(*) from events").await
    }
}

async fn count(directory: &TempDir, file: &str, sql: &str) -> i64 {
    let url = format!("sqlite:{}", directory.path().join(file).display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
}
