//! Whether the answer to a failed login, or its time, tells why it failed.

use std::time::Instant;

use crate::{
    figure::{Limit, Measured},
    process::median,
    service::{Browser, PASSWORD, Service},
};

const SAMPLES: usize = 200;

/// The kinds of logins that fail: what they are, the address, the password.
const KINDS: [(&str, &str, &str); 5] = [
    ("wrong password", "known@example.org", "no violet anchor in a tundra"),
    ("unknown address", "nobody@example.org", PASSWORD),
    ("deactivated, right password", "gone@example.org", PASSWORD),
    (
        "deactivated, wrong password",
        "gone@example.org",
        "no violet anchor in a tundra",
    ),
    ("pending sign-up, right password", "pending@example.org", PASSWORD),
];

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "{SAMPLES} samples of each kind of failed login over one connection, interleaved in a changing order, at the built \
         service on SQLite with `signup.verify_email = true` and the throttle off. Bytes: status, headers without \
         `date` and `x-request-id`, body."
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
    let times = samples(&mut measured, &mut browser);
    let medians = times.map(|times| median(&times));
    for ((kind, ..), median) in KINDS.iter().zip(medians) {
        measured.put(format!("{kind}: median"), median, "ms", Limit::None);
    }
    let most = medians.iter().copied().fold(f64::MIN, f64::max);
    let least = medians.iter().copied().fold(f64::MAX, f64::min);
    measured.put(
        "largest median above the smallest",
        (most / least - 1.0) * 100.0,
        "%",
        Limit::AtMost(5.0),
    );
    measured
}

/// Milliseconds of each sample of each kind.
fn samples(measured: &mut Measured, browser: &mut Browser) -> [Vec<f64>; KINDS.len()] {
    let mut times: [Vec<f64>; KINDS.len()] = Default::default();
    let mut answers: Vec<String> = Vec::new();
    for round in 0..=SAMPLES {
        for place in 0..KINDS.len() {
            // Each kind comes after each other one equally often.
            let kind = (place * (1 + round % (KINDS.len() - 1)) + round) % KINDS.len();
            let (_, email, password) = KINDS[kind];
            let asked = Instant::now();
            let answer = browser.post("/api/login", email, password);
            let took = asked.elapsed();
            assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
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
    measured.put("different answers", answers.len() as f64, "", Limit::AtMost(1.0));
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
