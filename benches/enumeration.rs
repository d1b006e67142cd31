//! Whether an answer, or its time, tells who has an account, or why a login failed.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use tempfile::TempDir;

use crate::{
    figure::{Limit, Measured},
    process::{Running, median},
    service::{Browser, PASSWORD, Service, free},
};

const SAMPLES: usize = 200;
const WRONG: &str = "no violet anchor in a tundra";

/// An operation, the start of its answer, and bodies whose answers are not to be told apart: what they are, the address,
/// the password. Their number is prime, so that each comes after each other one equally often.
struct Flow {
    name: &'static str,
    path: &'static str,
    status: &'static str,
    kinds: &'static [(&'static str, &'static str, Option<&'static str>)],
}

const FLOWS: [Flow; 5] = [
    Flow {
        name: "login",
        path: "/api/login",
        status: "HTTP/1.1 401",
        kinds: &[
            ("wrong password", KNOWN, Some(WRONG)),
            ("unknown address", "nobody@example.org", Some(PASSWORD)),
            ("deactivated, right password", GONE, Some(PASSWORD)),
            ("deactivated, wrong password", GONE, Some(WRONG)),
            ("pending sign-up, right password", PENDING, Some(PASSWORD)),
            ("unproven, right password", UNPROVEN, Some(PASSWORD)),
            ("without a password", SOCIAL, Some(PASSWORD)),
        ],
    },
    Flow {
        name: "sign-up",
        path: "/api/signup",
        status: "HTTP/1.1 202",
        kinds: &[
            ("known address", KNOWN, Some(PASSWORD)),
            ("known address, spelt otherwise", "KNOWN@example.org", Some(PASSWORD)),
            ("unknown address", "somebody@example.org", Some(PASSWORD)),
            ("deactivated", GONE, Some(PASSWORD)),
            ("pending sign-up", PENDING, Some(PASSWORD)),
            ("unproven", UNPROVEN, Some(PASSWORD)),
            ("without a password", SOCIAL, Some(PASSWORD)),
        ],
    },
    Flow {
        name: "forgotten password",
        path: "/api/password/forgot",
        status: "HTTP/1.1 202",
        kinds: EVERY,
    },
    Flow {
        name: "link once more",
        path: "/api/email/resend",
        status: "HTTP/1.1 202",
        kinds: EVERY,
    },
    Flow {
        name: "change of address",
        path: "/api/email/change",
        status: "HTTP/1.1 202",
        kinds: EVERY,
    },
];

const KNOWN: &str = "known@example.org";
const GONE: &str = "gone@example.org";
const PENDING: &str = "pending@example.org";
const UNPROVEN: &str = "unproven@example.org";
/// Comes by a provider.
const SOCIAL: &str = "social@example.org";
const EVERY: &[(&str, &str, Option<&str>)] = &[
    ("known address", KNOWN, None),
    ("known address, spelt otherwise", "KNOWN@example.org", None),
    ("unknown address", "nobody@example.org", None),
    ("deactivated", GONE, None),
    ("pending sign-up", PENDING, None),
    ("unproven", UNPROVEN, None),
    ("without a password", SOCIAL, None),
];

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{SAMPLES} samples of each kind of request over one connection for each flow, interleaved in a changing order, at the built \
         service on SQLite with `signup.verify_email = true` and the throttle off; once with a mail server that takes mail (npm's \
         `smtp-server`), once with none. Bytes: status, headers without `date` and `x-request-id`, body."
    ));
    for (state, port) in [("mail server up", None), ("mail server down", Some(free().port()))] {
        let server = port.is_none().then(MailServer::start);
        let port = port.or(server.as_ref().map(|server| server.port)).unwrap();
        let mut service = people(port);
        service.serve();
        let mut browser = service.browser();
        let answer = browser.post("/api/signup", PENDING, PASSWORD);
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        // Alone, since it keeps the machine busy. The others wait for their beat most of the time, and so beside each other.
        let (login, others) = FLOWS.split_first().unwrap();
        let mut taken = vec![samples(&mut browser, login)];
        taken.extend(thread::scope(|scope| {
            let running: Vec<_> = others
                .iter()
                .map(|flow| scope.spawn(|| taken_apart(&service, flow)))
                .collect();
            running.into_iter().map(|flow| flow.join().unwrap()).collect::<Vec<_>>()
        }));
        for (flow, taken) in FLOWS.iter().zip(&taken) {
            judge(&mut measured, flow, state, taken);
        }
    }
    measured
}

/// A service with somebody of each kind, but for the pending one.
fn people(port: u16) -> Service {
    let mut service = Service::prepare();
    service.set("MAIL__URL", &format!("smtp://127.0.0.1:{port}"));
    for email in [KNOWN, GONE] {
        service.doorbook(&["user", "create", email, "--password-stdin"], PASSWORD);
    }
    service.doorbook(&["user", "deactivate", GONE], "");
    let file = service.data().join("people.ndjson");
    fs::write(&file, format!("{{\"email\":\"{SOCIAL}\"}}\n")).unwrap();
    service.doorbook(&["user", "import", file.to_str().unwrap()], "");
    // While no address needs a proof.
    service.serve();
    let answer = service.browser().post("/api/signup", UNPROVEN, PASSWORD);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    service.stop();
    service.set("SIGNUP__VERIFY_EMAIL", "true");
    service
}

/// `tools/smtp/server.mjs`, which ends with this value.
struct MailServer {
    port: u16,
    _process: Running,
    _directory: TempDir,
}

impl MailServer {
    fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("doorbook-smtp-").tempdir().unwrap();
        let port = free().port();
        let mut process = Command::new("node")
            .arg("server.mjs")
            .arg(directory.path())
            .arg(port.to_string())
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/smtp"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(
            line, "ready\n",
            "the mail server did not start: run `npm ci` in tools/smtp"
        );
        Self {
            port,
            _process: Running(process),
            _directory: directory,
        }
    }
}

/// In a browser of its own.
fn taken_apart(service: &Service, flow: &Flow) -> Taken {
    let mut browser = service.browser();
    if flow.path == "/api/email/change" {
        browser.log_in(KNOWN, PASSWORD);
    }
    samples(&mut browser, flow)
}

/// What was seen of a flow.
struct Taken {
    /// Milliseconds of each sample of each kind.
    times: Vec<Vec<f64>>,
    /// How many different answers there were.
    answers: usize,
}

fn judge(measured: &mut Measured, flow: &Flow, state: &str, taken: &Taken) {
    let name = format!("{state}: {}", flow.name);
    measured.put(
        format!("{name}: different answers"),
        taken.answers as f64,
        "",
        Limit::AtMost(1.0),
    );
    let medians: Vec<f64> = taken.times.iter().map(|times| median(times)).collect();
    for ((kind, ..), median) in flow.kinds.iter().zip(&medians) {
        measured.put(format!("{name}: {kind}: median"), *median, "ms", Limit::None);
    }
    let most = medians.iter().copied().fold(f64::MIN, f64::max);
    let least = medians.iter().copied().fold(f64::MAX, f64::min);
    measured.put(
        format!("{name}: largest median above the smallest"),
        (most / least - 1.0) * 100.0,
        "%",
        Limit::AtMost(5.0),
    );
}

fn samples(browser: &mut Browser, flow: &Flow) -> Taken {
    let count = flow.kinds.len();
    let mut times = vec![Vec::new(); count];
    let mut answers: Vec<String> = Vec::new();
    for round in 0..=SAMPLES {
        for place in 0..count {
            let kind = (place * (1 + round % (count - 1)) + round) % count;
            let (_, email, password) = flow.kinds[kind];
            let asked = Instant::now();
            let answer = match password {
                Some(password) => browser.post(flow.path, email, password),
                None => browser.post_address(flow.path, email),
            };
            let took = asked.elapsed();
            assert!(answer.starts_with(flow.status), "{answer}");
            let plain = without_names(&answer);
            if !answers.contains(&plain) {
                answers.push(plain);
            }
            // The first round warms up.
            if round > 0 {
                times[kind].push(took.as_secs_f64() * 1000.0);
            }
        }
    }
    Taken {
        times,
        answers: answers.len(),
    }
}

/// The answer without what differs from request to request.
fn without_names(answer: &str) -> String {
    let differs = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name == "date" || name == "x-request-id"
    };
    answer
        .split("\r\n")
        .filter(|line| !differs(line))
        .collect::<Vec<_>>()
        .join("\r\n")
}
