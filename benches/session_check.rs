//! The session check beside a bare `200 OK`.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{
    baseline,
    figure::{Limit, Measured},
    load::{Outcome, hammer},
    process::{cpu_micros, disk_bytes, median},
    service::Service,
};

/// Connections of the load, and requests that are under way on each.
pub(crate) const CONNECTIONS: usize = 4;
pub(crate) const DEPTH: usize = 32;

const ROUNDS: usize = 9;
const SPAN: Duration = Duration::from_millis(1500);

/// System calls that reach for a file.
const FILE_CALLS: &str = "trace=openat,pread64,pwrite64,lseek,fsync,fdatasync,fcntl,ftruncate";

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "`GET /api/session` with a live cookie at the built service on SQLite, and the same bytes at a plain poem `200 OK` \
         behind the same middleware, acceptor and runtime in another process. {CONNECTIONS} keep-alive connections with \
         {DEPTH} requests under way on each; {ROUNDS} rounds of {} s each, interleaved; medians. The load generator \
         shares the cores.",
        SPAN.as_secs_f64()
    ));
    let service = Service::start();
    let (child, bare) = baseline::start();
    let request = service.session_check(&service.signed_in("ada.lovelace@example.org"));
    let (mut checks, mut plain) = (Rounds::default(), Rounds::default());
    for round in 0..=ROUNDS {
        let before = disk_bytes(service.pid());
        let check = Round::run(service.api, service.pid(), &request);
        let disk = disk_bytes(service.pid()) - before;
        let bare = Round::run(bare, child.0.id(), &request);
        // The first round warms up.
        if round > 0 {
            checks.push(&check, disk);
            plain.push(&bare, 0);
        }
    }
    let rates: Vec<_> = checks
        .rates
        .iter()
        .zip(&plain.rates)
        .map(|(check, bare)| check / bare)
        .collect();
    measured.put("session checks", median(&checks.rates), "/s", Limit::None);
    measured.put("bare `200 OK`", median(&plain.rates), "/s", Limit::None);
    let ratio = median(&checks.rates) / median(&plain.rates);
    measured.put("session checks ÷ bare (medians)", ratio, "", Limit::AtLeast(0.85));
    measured.put(
        "the same, median of the rounds' ratios",
        median(&rates),
        "",
        Limit::None,
    );
    measured.put("CPU of a session check", median(&checks.costs), "µs", Limit::None);
    measured.put("CPU of a bare `200 OK`", median(&plain.costs), "µs", Limit::None);
    measured.put(
        "disk reads and writes of all rounds",
        checks.disk as f64,
        "bytes",
        Limit::AtMost(0.0),
    );
    count_file_calls(&mut measured, &service, &request);
    measured
}

#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    costs: Vec<f64>,
    disk: u64,
}

impl Rounds {
    fn push(&mut self, round: &Round, disk: u64) {
        self.rates.push(round.outcome.per_second());
        self.costs.push(round.cpu / (round.outcome.ok as f64));
        self.disk += disk;
    }
}

struct Round {
    outcome: Outcome,
    cpu: f64,
}

impl Round {
    fn run(address: SocketAddr, pid: u32, request: &str) -> Self {
        let before = cpu_micros(pid);
        let outcome = hammer(address, request, CONNECTIONS, DEPTH, SPAN);
        assert_eq!(outcome.other, 0, "not every request was answered well");
        Self {
            outcome,
            cpu: cpu_micros(pid) - before,
        }
    }
}

/// File calls under load beside those of the background alone, under strace.
fn count_file_calls(measured: &mut Measured, service: &Service, request: &str) {
    let span = Duration::from_secs(4);
    let (idle, ()) = file_calls(service.pid(), || thread::sleep(span));
    let (busy, outcome) = file_calls(service.pid(), || hammer(service.api, request, CONNECTIONS, DEPTH, span));
    measured.put("file calls of the idle service in 4 s (strace)", idle, "", Limit::None);
    let what = format!(
        "the same while {} session checks were answered, beyond idle, for each check",
        outcome.ok
    );
    measured.put(
        what,
        (busy - idle).max(0.0) / outcome.ok as f64,
        "",
        Limit::AtMost(0.001),
    );
}

fn file_calls<T>(pid: u32, work: impl FnOnce() -> T) -> (f64, T) {
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-q", "-e", FILE_CALLS, "-p", &pid.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let strace = strace
        .spawn()
        .expect("strace is missing: `sudo apt-get install strace`");
    // Attached to every thread before the work begins.
    let traced = || {
        std::fs::read_to_string(format!("/proc/{pid}/status"))
            .unwrap()
            .contains("TracerPid:\t0")
    };
    while traced() {
        thread::sleep(Duration::from_millis(20));
    }
    let done = work();
    let strace_pid = rustix::process::Pid::from_child(&strace);
    rustix::process::kill_process(strace_pid, rustix::process::Signal::INT).unwrap();
    let output = strace.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    let calls = text
        .lines()
        .filter(|line| line.contains('(') && !line.contains("resumed>"));
    (calls.count() as f64, done)
}
