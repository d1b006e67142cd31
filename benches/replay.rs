//! What a rebuild beside a busy service costs both.

use std::{
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    figure::{Limit, Measured},
    load::hammer,
    postgres::OwnDatabase,
    process::{Watch, mib, status_bytes},
    service::{PASSWORD, Service, is_ok},
    session_check::{CONNECTIONS, DEPTH},
};

const USERS: &str = "500000";
const EVENTS: u32 = 10_000_000;
const SPAN: Duration = Duration::from_secs(4);
/// Five logins a second, by as many people: one login may take longer than a fifth of a second.
const PEOPLE: u64 = 5;
const BETWEEN: Duration = Duration::from_secs(1);
/// When rebuilds are killed.
const KILLED_AFTER: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(5),
    Duration::from_secs(20),
    Duration::from_secs(45),
];

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{EVENTS} events (`doorbook dev seed --users {USERS} --seed 1`). The service serves and rests; {} rebuilds are killed \
         (`kill -9`) after {} to {} s. Then five logins a second come, and session \
         checks are hammered as in `session-check`, for {} s undisturbed before and after (the better counts), and while `doorbook projections rebuild --all` runs beside \
         it; afterwards `doorbook projections verify`, which ends with 3 where a row differs. The load generator shares the cores. Memory: of the service and of the \
         command.",
        KILLED_AFTER.len(),
        KILLED_AFTER[0].as_secs_f64(),
        KILLED_AFTER[KILLED_AFTER.len() - 1].as_secs(),
        SPAN.as_secs()
    ));
    for store in ["SQLite", "PostgreSQL"] {
        let database = (store == "PostgreSQL").then(OwnDatabase::create);
        let mut service = Service::prepare();
        if let Some(database) = &database {
            service.set("STORE__URL", &database.url());
        }
        let events = EVENTS.to_string();
        service.doorbook(
            &["dev", "seed", "--users", USERS, "--events", &events, "--seed", "1"],
            "",
        );
        if let Some(database) = &database {
            database.rest();
        }
        service.rebuild();
        service.serve();
        service.rest();
        kill_some(&service);
        one(&mut measured, &service, store);
    }
    measured
}

/// Rebuilds that die: what is served stays, and the next one is not in their way.
fn kill_some(service: &Service) {
    let requests = service.session_checks(1);
    for moment in KILLED_AFTER {
        let mut command = service.command(&["projections", "rebuild", "--all"]);
        let mut rebuild = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(moment);
        rebuild.kill().unwrap();
        let status = rebuild.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "the rebuild had ended by itself");
        let checks = hammer(service.api, &requests, DEPTH, Duration::from_millis(500));
        assert!(checks.ok > 0, "nothing is served after a rebuild was killed");
        assert_eq!(checks.other, 0, "a session check failed after a rebuild was killed");
    }
}

fn one(measured: &mut Measured, service: &Service, store: &str) {
    let requests = service.session_checks(CONNECTIONS);
    let before = status_bytes(service.pid(), "VmRSS").unwrap();
    let (stop, logins) = (AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for person in 0..PEOPLE {
            let (stop, logins) = (&stop, &logins);
            scope.spawn(move || log_in(service, person, stop, logins));
        }
        let calm = hammer(service.api, &requests, DEPTH, SPAN);
        let counted = logins.load(Ordering::Relaxed);
        let own = Watch::start(service.pid());
        let begun = Instant::now();
        let mut command = service.command(&["projections", "rebuild", "--all"]);
        let mut rebuild = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let beside = Watch::start(rebuild.id());
        let (mut checks, mut seconds) = (0, 0.0);
        let status = loop {
            let part = hammer(service.api, &requests, DEPTH, Duration::from_millis(500));
            assert_eq!(part.other, 0, "a session check failed during the rebuild");
            (checks, seconds) = (checks + part.ok, seconds + part.elapsed.as_secs_f64());
            if let Some(status) = rebuild.try_wait().unwrap() {
                break status;
            }
        };
        let took = begun.elapsed().as_secs_f64();
        assert!(status.success(), "the rebuild ended with {status}");
        let counted = logins.load(Ordering::Relaxed) - counted;
        // Beside the logins again: what the service does after its start has calmed down by now.
        let calm = hammer(service.api, &requests, DEPTH, SPAN)
            .per_second()
            .max(calm.per_second());
        stop.store(true, Ordering::Relaxed);
        let mut put = |name: &str, value, unit, limit| measured.put(format!("{store}: {name}"), value, unit, limit);
        put(
            "rebuilt under load at",
            f64::from(EVENTS) / took,
            "events/s",
            Limit::AtLeast(30_000.0),
        );
        let kept = checks as f64 / seconds / calm;
        put("session checks ÷ undisturbed", kept, "", Limit::AtLeast(0.4));
        put(
            "logins meanwhile, none refused",
            counted as f64 / took,
            "/s",
            Limit::None,
        );
        put("memory of the service before", mib(before), "MiB", Limit::None);
        put("memory of the service meanwhile", mib(own.peak()), "MiB", Limit::None);
        put("memory of the command", mib(beside.peak()), "MiB", Limit::AtMost(300.0));
    });
    let mut verify = service.command(&["projections", "verify"]);
    let verified = verify.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    let code = f64::from(verified.code().unwrap());
    measured.put(
        format!("{store}: `verify` afterwards ends with"),
        code,
        "",
        Limit::AtMost(0.0),
    );
}

fn log_in(service: &Service, person: u64, stop: &AtomicBool, logins: &AtomicU64) {
    let email = &format!("meanwhile{person}@example.org");
    service.signed_in(email);
    thread::sleep(BETWEEN / 5 * u32::try_from(person).unwrap());
    let mut browser = service.browser();
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let answer = browser.post("/api/login", email, PASSWORD);
        assert!(is_ok(&answer), "a login failed during the rebuild: {answer}");
        logins.fetch_add(1, Ordering::Relaxed);
        thread::sleep(BETWEEN.saturating_sub(begun.elapsed()));
    }
}
