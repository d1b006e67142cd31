//! Logins beside bare hashing, and session checks in a storm of logins.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{
    figure::{Limit, Measured},
    load::{Outcome, hammer},
    process::{Watch, median, mib, quantile, status_bytes},
    service::{PASSWORD, Service, is_ok},
    session_check::{CONNECTIONS, DEPTH},
};

const ROUNDS: usize = 5;
const SPAN: Duration = Duration::from_secs(4);
/// Browsers that log in one after the other.
const BROWSERS: usize = 8;
/// How long a storm lasts, how many browsers it has, and how much stronger it is than what can be served.
const STORM: Duration = Duration::from_secs(10);
const STORM_BROWSERS: usize = 128;
const STORM_FACTOR: f64 = 10.0;

/// Whose browser it is: each is somebody else's.
fn email(browser: usize) -> String {
    format!("ada.lovelace.{browser}@example.org")
}

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{BROWSERS} browsers, each of another user and with the cookie that it is known by, log in again and again at the built service on SQLite, {ROUNDS} rounds of {} s, interleaved \
         with two threads of bare Argon2id of the same cost; medians. Then {STORM_BROWSERS} browsers send logins at {STORM_FACTOR} \
         times that rate for {} s while session checks are hammered as in `session-check`, twice. The latency of a \
         refused login is what its browser sees, on the cores that also carry the load generator.",
        SPAN.as_secs(),
        STORM.as_secs()
    ));
    let service = Service::start();
    (0..BROWSERS)
        .map(email)
        .for_each(|email| drop(service.signed_in(&email)));
    let rate = throughput(&mut measured, &service);
    storms(&mut measured, &service, rate * STORM_FACTOR);
    measured
}

fn throughput(measured: &mut Measured, service: &Service) -> f64 {
    let (mut logins, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        logins.push(closed_loop(service));
        bare.push(bare_hashes());
    }
    let (rate, hashes) = (median(&logins), median(&bare));
    measured.put("logins", rate, "/s", Limit::None);
    measured.put("bare Argon2id on two threads", hashes, "/s", Limit::None);
    measured.put("logins ÷ bare Argon2id", rate / hashes, "", Limit::AtLeast(0.9));
    rate
}

/// Logins a second of browsers that wait for their answers.
fn closed_loop(service: &Service) -> f64 {
    let done = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for browser in 0..BROWSERS {
            let (done, email) = (&done, email(browser));
            scope.spawn(move || {
                let mut browser = service.browser();
                while begun.elapsed() < SPAN {
                    let answer = browser.post("/api/login", &email, PASSWORD);
                    assert!(is_ok(&answer), "{answer}");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// Hashes a second of two threads that do nothing else.
fn bare_hashes() -> f64 {
    let params = Params::new(19_456, 2, 1, Some(32)).unwrap();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let done = AtomicU64::new(0);
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut memory = vec![Block::default(); argon2.params().block_count()];
                let mut hash = [0; 32];
                while begun.elapsed() < SPAN {
                    argon2
                        .hash_password_into_with_memory(PASSWORD.as_bytes(), &[7; 16], &mut hash, &mut memory)
                        .unwrap();
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

fn storms(measured: &mut Measured, service: &Service, rate: f64) {
    let requests = service.session_checks(CONNECTIONS);
    let checks = |span| hammer(service.api, &requests, DEPTH, span);
    let rss = || status_bytes(service.pid(), "VmRSS").unwrap();
    let mut undisturbed = vec![checks(SPAN).per_second()];
    let before = rss();
    let storms = [(); 2].map(|()| {
        let watch = Watch::start(service.pid());
        let storm = Storm::new(service, rate);
        let outcome = storm.rage(|| checks(STORM));
        undisturbed.push(checks(SPAN).per_second());
        (storm, outcome, watch.peak())
    });
    let calm = median(&undisturbed);
    measured.put("undisturbed session checks", calm, "/s", Limit::None);
    for (number, (storm, outcome, peak)) in storms.iter().enumerate() {
        let number = number + 1;
        storm.tell(measured, number);
        let kept = outcome.per_second() / calm;
        measured.put(
            format!("storm {number}: session checks ÷ undisturbed"),
            kept,
            "",
            Limit::AtLeast(0.5),
        );
        assert_eq!(outcome.other, 0, "a session check failed in the storm");
        let more = mib(peak.saturating_sub(before));
        measured.put(
            format!("storm {number}: most memory above that before"),
            more,
            "MiB",
            Limit::AtMost(128.0),
        );
    }
    measured.put("memory before the storms", mib(before), "MiB", Limit::None);
    measured.put("memory after the storms", mib(rss()), "MiB", Limit::None);
}

/// Logins that come at a rate, whatever becomes of them.
struct Storm<'a> {
    service: &'a Service,
    rate: f64,
    sent: AtomicU64,
    accepted: Mutex<Vec<f64>>,
    refused: Mutex<Vec<f64>>,
}

impl<'a> Storm<'a> {
    fn new(service: &'a Service, rate: f64) -> Self {
        Self {
            service,
            rate,
            sent: AtomicU64::new(0),
            accepted: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Rages while the work is done.
    fn rage(&self, work: impl FnOnce() -> Outcome) -> Outcome {
        let browsers: Vec<_> = (0..STORM_BROWSERS).map(|_| self.service.browser()).collect();
        let begun = Instant::now();
        thread::scope(|scope| {
            for (number, mut browser) in browsers.into_iter().enumerate() {
                let email = email(number % BROWSERS);
                scope.spawn(move || {
                    while let Some(due) = self.next(begun) {
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        let asked = Instant::now();
                        let answer = browser.post("/api/login", &email, PASSWORD);
                        self.note(&answer, asked.elapsed());
                    }
                });
            }
            work()
        })
    }

    /// When the next login is due.
    fn next(&self, begun: Instant) -> Option<Instant> {
        if begun.elapsed() >= STORM {
            return None;
        }
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        Some(begun + Duration::from_secs_f64(number as f64 / self.rate))
    }

    fn note(&self, answer: &str, took: Duration) {
        let took = took.as_secs_f64() * 1000.0;
        if is_ok(answer) {
            self.accepted.lock().unwrap().push(took);
            return;
        }
        let refused = answer.starts_with("HTTP/1.1 503") && answer.to_ascii_lowercase().contains("\r\nretry-after: ");
        assert!(refused, "neither a session nor a refusal: {answer}");
        self.refused.lock().unwrap().push(took);
    }

    fn tell(&self, measured: &mut Measured, number: usize) {
        let (accepted, refused) = (self.accepted.lock().unwrap(), self.refused.lock().unwrap());
        let span = STORM.as_secs_f64();
        let all = (accepted.len() + refused.len()) as f64 / span;
        let least = Limit::AtLeast((self.rate * 0.95).floor());
        measured.put(format!("storm {number}: logins sent"), all, "/s", least);
        measured.put(
            format!("storm {number}: logins accepted"),
            accepted.len() as f64 / span,
            "/s",
            Limit::None,
        );
        measured.put(
            format!("storm {number}: refused, p50"),
            median(&refused),
            "ms",
            Limit::None,
        );
        let late = quantile(&refused, 0.95);
        measured.put(format!("storm {number}: refused, p95"), late, "ms", Limit::AtMost(50.0));
    }
}
