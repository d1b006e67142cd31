//! The session check beside a bare `200 OK`.

use std::{
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    baseline,
    figure::{Limit, Measured},
    load::{Connection, Outcome, hammer},
    process::{cpu_micros, disk_bytes, median, own_cpu_micros},
    service::Service,
};

/// Connections of the load, each with a session of its own, and requests that are under way on each.
pub(crate) const CONNECTIONS: usize = 8;
pub(crate) const DEPTH: usize = 32;

const ROUNDS: usize = 9;
const SPAN: Duration = Duration::from_millis(1500);

/// How often the service is traced, idle and under load, and for how long.
const TRACES: usize = 3;
const TRACED: Duration = Duration::from_secs(4);

/// System calls that reach for a file.
const FILE_CALLS: &str = "trace=openat,pread64,pwrite64,lseek,fsync,fdatasync,fcntl,ftruncate";

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "`GET /api/session` with live cookies at the built service on SQLite, and the same bytes at a plain poem `200 OK` \
         behind the same middleware, acceptor and runtime in another process: with a body of 2 bytes, and with one as long \
         as the session's. {CONNECTIONS} keep-alive connections, each of another user, with {DEPTH} requests under way on \
         each; {ROUNDS} rounds of {} s each, interleaved; medians. The load generator shares the cores.",
        SPAN.as_secs_f64()
    ));
    let service = Service::start();
    let requests = service.session_checks(CONNECTIONS);
    let length = body_length(&service, &requests);
    let bare = baseline::start(2);
    let long_bare = baseline::start(length);
    let (mut checks, mut plain, mut long) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..=ROUNDS {
        let before = disk_bytes(service.pid());
        let check = Round::run(service.api, service.pid(), &requests);
        let disk = disk_bytes(service.pid()) - before;
        let bare = Round::run(bare.address, bare.child.0.id(), &requests);
        let long_bare = Round::run(long_bare.address, long_bare.child.0.id(), &requests);
        // The first round warms up.
        if round > 0 {
            checks.push(&check, disk);
            plain.push(&bare, 0);
            long.push(&long_bare, 0);
        }
    }
    let long_name = format!("bare `200 OK` of {length} bytes");
    tell(
        &mut measured,
        [
            ("session check", &checks),
            ("bare `200 OK`", &plain),
            (&long_name, &long),
        ],
    );
    measured.put(
        "disk reads and writes for each session check",
        checks.disk as f64 / checks.answers as f64,
        "bytes",
        Limit::AtMost(0.5),
    );
    count_file_calls(&mut measured, &service, &requests);
    measured
}

/// How long the body of a session is.
fn body_length(service: &Service, requests: &[String]) -> usize {
    let answer = Connection::open(service.api).ask(&requests[0]);
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(body.starts_with("{\"authenticated\":true"), "{answer}");
    body.len()
}

fn tell(measured: &mut Measured, [check, plain, long]: [(&str, &Rounds); 3]) {
    for (name, rounds) in [check, plain, long] {
        measured.put(format!("{name}: answers"), median(&rounds.rates), "/s", Limit::None);
    }
    for ((name, rounds), limit) in [(plain, Limit::AtLeast(0.85)), (long, Limit::None)] {
        let ratio = median(&check.1.rates) / median(&rounds.rates);
        measured.put(format!("session checks ÷ {name}"), ratio, "", limit);
    }
    for (name, rounds) in [check, plain, long] {
        measured.put(
            format!("{name}: CPU of the server"),
            median(&rounds.costs),
            "µs",
            Limit::None,
        );
        measured.put(
            format!("{name}: CPU of the load"),
            median(&rounds.loads),
            "µs",
            Limit::None,
        );
    }
}

#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    costs: Vec<f64>,
    loads: Vec<f64>,
    answers: u64,
    disk: u64,
}

impl Rounds {
    fn push(&mut self, round: &Round, disk: u64) {
        let answers = round.outcome.ok as f64;
        self.rates.push(round.outcome.per_second());
        self.costs.push(round.cpu / answers);
        self.loads.push(round.load / answers);
        self.answers += round.outcome.ok;
        self.disk += disk;
    }
}

struct Round {
    outcome: Outcome,
    /// CPU time of the server and of the load generator, in microseconds.
    cpu: f64,
    load: f64,
}

impl Round {
    fn run(address: SocketAddr, pid: u32, requests: &[String]) -> Self {
        let own = own_cpu_micros();
        let before = cpu_micros(pid);
        let outcome = hammer(address, requests, DEPTH, SPAN);
        assert_eq!(outcome.other, 0, "not every request was answered well");
        Self {
            outcome,
            cpu: cpu_micros(pid) - before,
            load: own_cpu_micros() - own,
        }
    }
}

/// File calls under load beside those of the background alone, under strace: by turns, since what the background does now
/// and then falls into one or the other. What it does in a longer time is more.
fn count_file_calls(measured: &mut Measured, service: &Service, requests: &[String]) {
    let (mut idle, mut beyond, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TRACES {
        let (quiet, of, ()) = file_calls(service.pid(), || thread::sleep(TRACED));
        let (busy, span, outcome) = file_calls(service.pid(), || hammer(service.api, requests, DEPTH, TRACED));
        idle.push(quiet * TRACED.as_secs_f64() / of);
        beyond.push((busy - quiet * span / of).max(0.0) / outcome.ok as f64);
        checks.push(outcome.ok as f64);
    }
    let span = TRACED.as_secs();
    measured.put(
        format!("file calls of the idle service in {span} s (strace), median of {TRACES}"),
        median(&idle),
        "",
        Limit::None,
    );
    let what = format!(
        "the same while {:.0} session checks were answered, beyond idle, for each check",
        median(&checks)
    );
    measured.put(what, median(&beyond), "", Limit::AtMost(0.001));
}

/// File calls, and in how many seconds.
fn file_calls<T>(pid: u32, work: impl FnOnce() -> T) -> (f64, f64, T) {
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
    let begun = Instant::now();
    let done = work();
    let strace_pid = rustix::process::Pid::from_child(&strace);
    rustix::process::kill_process(strace_pid, rustix::process::Signal::INT).unwrap();
    let output = strace.wait_with_output().unwrap();
    let span = begun.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stderr);
    let calls = text
        .lines()
        .filter(|line| line.contains('(') && !line.contains("resumed>"));
    (calls.count() as f64, span, done)
}
