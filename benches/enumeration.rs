//! Whether an answer, or its time, tells who has an account, or why a login failed.

use std::time::Instant;

use crate::{
    figure::{Limit, Measured},
    process::median,
    service::{Browser, PASSWORD, Service},
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
            ("wrong password", "known@example.org", Some(WRONG)),
            ("unknown address", "nobody@example.org", Some(PASSWORD)),
            ("deactivated, right password", "gone@example.org", Some(PASSWORD)),
            ("deactivated, wrong password", "gone@example.org", Some(WRONG)),
            ("pending sign-up, right password", "pending@example.org", Some(PASSWORD)),
        ],
    },
    Flow {
        name: "sign-up",
        path: "/api/signup",
        status: "HTTP/1.1 202",
        kinds: &[
            ("known address", "known@example.org", Some(PASSWORD)),
            ("unknown address", "somebody@example.org", Some(PASSWORD)),
            ("deactivated", "gone@example.org", Some(PASSWORD)),
        ],
    },
    Flow {
        name: "forgotten password",
        path: "/api/password/forgot",
        status: "HTTP/1.1 202",
        kinds: &[
            ("known address", "known@example.org", None),
            ("known address, spelt otherwise", "KNOWN@example.org", None),
            ("unknown address", "nobody@example.org", None),
            ("deactivated", "gone@example.org", None),
            ("pending sign-up", "pending@example.org", None),
        ],
    },
    Flow {
        name: "link once more",
        path: "/api/email/resend",
        status: "HTTP/1.1 202",
        kinds: &[
            ("pending sign-up", "pending@example.org", None),
            ("known address", "known@example.org", None),
            ("unknown address", "nobody@example.org", None),
        ],
    },
    Flow {
        name: "change of address",
        path: "/api/email/change",
        status: "HTTP/1.1 202",
        kinds: &[
            ("taken address", "gone@example.org", None),
            ("free address", "nobody@example.org", None),
            ("own address", "known@example.org", None),
        ],
    },
];

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{SAMPLES} samples of each kind of request over one connection, interleaved in a changing order, at the built \
         service on SQLite with `signup.verify_email = true` and the throttle off, mail going to files. Bytes: status, \
         headers without `date` and `x-request-id`, body."
    ));
    let mut service = Service::prepare();
    service.set("SIGNUP__VERIFY_EMAIL", "true");
    for email in ["known@example.org", "gone@example.org"] {
        service.doorbook(&["user", "create", email, "--password-stdin"], PASSWORD);
    }
    service.doorbook(&["user", "deactivate", "gone@example.org"], "");
    service.serve();
    let mut browser = service.browser();
    let answer = browser.post("/api/signup", "pending@example.org", PASSWORD);
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    for flow in &FLOWS {
        if flow.path == "/api/email/change" {
            browser.log_in("known@example.org", PASSWORD);
        }
        judge(&mut measured, &mut browser, flow);
    }
    measured
}

fn judge(measured: &mut Measured, browser: &mut Browser, flow: &Flow) {
    let name = flow.name;
    let medians: Vec<f64> = samples(measured, browser, flow)
        .iter()
        .map(|times| median(times))
        .collect();
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

/// Milliseconds of each sample of each kind.
fn samples(measured: &mut Measured, browser: &mut Browser, flow: &Flow) -> Vec<Vec<f64>> {
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
    let what = format!("{}: different answers", flow.name);
    measured.put(what, answers.len() as f64, "", Limit::AtMost(1.0));
    times
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
