//! How long an auditor waits for a page of a large book, and for a file with all of it.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;
use url::form_urlencoded;

use crate::{
    figure::{Limit, Measured},
    load::Connection,
    postgres::OwnDatabase,
    process::{Watch, mib, quantile},
    service::{PASSWORD, Service},
};

const USERS: u32 = 500_000;
const EVENTS: u32 = 10_000_000;
const AUDITOR: &str = "audrey@example.org";
/// Pages that are asked for with each filter, each with other values, and pages behind one of them.
const PAGES: usize = 40;
const DEEP: usize = 40;
/// How long an export is read.
const EXPORT: Duration = Duration::from_secs(15);

pub(crate) fn measure() -> Measured {
    let database = OwnDatabase::create();
    let mut measured = Measured::by(&format!(
        "PostgreSQL with {} of shared buffers and {EVENTS} events of {USERS} users (`doorbook dev seed --seed 1`), vacuumed, then rebuilt once, and vacuumed again. Then, when the service rests, an auditor asks for pages of 50 \
         with each filter and the common pairs: {PAGES} first pages with values of rows that are there, and {DEEP} pages on from one of them, over HTTP, \
         one after the other. The export is read for {} s at most.",
        database.shared_buffers(),
        EXPORT.as_secs()
    ));
    let mut service = Service::prepare();
    service.set("STORE__URL", &database.url());
    fill(&mut measured, &service, &database);
    let create = ["user", "create", AUDITOR, "--role", "auditor", "--password-stdin"];
    service.doorbook(&create, PASSWORD);
    service.serve();
    service.rest();
    let mut browser = service.browser();
    browser.log_in(AUDITOR, PASSWORD);
    let mut auditor = Auditor {
        connection: Connection::open(service.api),
        request: browser.get("{}"),
    };
    pages(&mut measured, &mut auditor);
    export(&mut measured, &service, &auditor);
    measured
}

fn fill(measured: &mut Measured, service: &Service, database: &OwnDatabase) {
    let (users, events) = (USERS.to_string(), EVENTS.to_string());
    service.doorbook(
        &["dev", "seed", "--users", &users, "--events", &events, "--seed", "1"],
        "",
    );
    database.rest();
    let (took, peak) = service.rebuild();
    // What was just loaded, too.
    database.rest();
    let rate = f64::from(EVENTS) / took;
    measured.put("rebuilt at", rate, "events/s", Limit::AtLeast(100_000.0));
    measured.put("memory of the rebuild", mib(peak), "MiB", Limit::AtMost(300.0));
}

/// Somebody who may read the book.
struct Auditor {
    connection: Connection,
    /// With `{}` for what is asked.
    request: String,
}

impl Auditor {
    fn ask(&mut self, path: &str) -> (Value, f64) {
        let request = self.request.replacen("{}", path, 1);
        let begun = Instant::now();
        let answer = self.connection.ask(&request);
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        (serde_json::from_str(body).unwrap(), took)
    }
}

/// A field of a row for a query.
fn term(row: &Value, name: &str) -> Option<String> {
    let field = if name == "outcome" { &row["outcome"] } else { &row[name] };
    let value = field.as_str()?;
    Some(
        form_urlencoded::Serializer::new(String::new())
            .append_pair(name, value)
            .finish(),
    )
}

fn pages(measured: &mut Measured, auditor: &mut Auditor) {
    let rows = sample(auditor);
    let filters: [&[&str]; 10] = [
        &[],
        &["user_id"],
        &["email"],
        &["ip"],
        &["method"],
        &["outcome"],
        &["user_id", "outcome"],
        &["ip", "outcome"],
        &["method", "outcome"],
        &["email", "outcome"],
    ];
    for filter in filters {
        let queries = rows.iter().filter_map(|row| {
            let terms: Option<Vec<String>> = filter.iter().map(|name| term(row, name)).collect();
            terms.map(|terms| terms.join("&"))
        });
        let queries: Vec<String> = queries.take(PAGES).collect();
        let name = if filter.is_empty() {
            "no filter".to_owned()
        } else {
            filter.join(" and ")
        };
        walk(measured, auditor, &name, "/api/audit/logins", &queries);
    }
    let instants: Vec<&str> = rows.iter().filter_map(|row| row["at"].as_str()).collect();
    let spans: Vec<_> = instants.iter().take(PAGES).map(|at| format!("to={at}")).collect();
    walk(measured, auditor, "to", "/api/audit/logins", &spans);
    let failures: Vec<_> = spans.iter().map(|span| format!("{span}&outcome=failure")).collect();
    walk(measured, auditor, "to and outcome", "/api/audit/logins", &failures);
    let past: Vec<_> = instants.iter().take(PAGES).map(|at| format!("as_of={at}")).collect();
    walk(
        measured,
        auditor,
        "sessions as of an instant",
        "/api/audit/sessions",
        &past,
    );
    let types = [
        "session.started",
        "user.password_changed",
        "user.role_granted",
        "social_account.linked",
    ];
    let types: Vec<_> = types.iter().map(|name| format!("type={name}")).collect();
    walk(measured, auditor, "events of a type", "/api/audit/events", &types);
}

/// Logins from all over the book.
fn sample(auditor: &mut Auditor) -> Vec<Value> {
    let (first, _) = auditor.ask("/api/audit/logins?limit=1");
    let newest = first["items"][0]["at"].as_str().unwrap().to_owned();
    let year: i32 = newest[..4].parse().unwrap();
    let mut rows = Vec::new();
    for (years, month) in (0..2).flat_map(|years| (1..=12).map(move |month| (years, month))) {
        let to = format!("{}-{month:02}-15T12:00:00Z", year - years);
        for more in ["", "&outcome=failure"] {
            let (page, _) = auditor.ask(&format!("/api/audit/logins?limit=3&to={to}{more}"));
            rows.extend(page["items"].as_array().unwrap().iter().cloned());
        }
    }
    assert!(rows.len() >= PAGES, "the book is too small");
    rows
}

fn walk(measured: &mut Measured, auditor: &mut Auditor, name: &str, path: &str, queries: &[String]) {
    let mut times = Vec::new();
    let mut cursor = None;
    for query in queries {
        let (page, took) = auditor.ask(&format!("{path}?limit=50&{query}"));
        times.push(took);
        if let Some(next) = page["next_cursor"].as_str() {
            cursor = Some((query, next.to_owned()));
        }
    }
    for _ in 0..DEEP {
        let Some((query, at)) = cursor.take() else { break };
        let (page, took) = auditor.ask(&format!("{path}?limit=50&{query}&cursor={at}"));
        times.push(took);
        cursor = page["next_cursor"].as_str().map(|next| (query, next.to_owned()));
    }
    let name = format!("{name}: p99 of {} pages", times.len());
    measured.put(name, quantile(&times, 0.99), "ms", Limit::AtMost(50.0));
}

fn export(measured: &mut Measured, service: &Service, auditor: &Auditor) {
    let watch = Watch::start(service.pid());
    let mut stream = TcpStream::connect(service.api).unwrap();
    let request = auditor
        .request
        .replacen("{}", "/api/audit/logins/export?format=ndjson", 1);
    stream.write_all(request.as_bytes()).unwrap();
    let (begun, mut rows, mut chunk) = (Instant::now(), 0_usize, vec![0; 256 * 1024]);
    while begun.elapsed() < EXPORT {
        let count = stream.read(&mut chunk).unwrap();
        // An object ends a line, or the whole, which ends with an empty chunk.
        let ended = chunk[..count].ends_with(b"0\r\n\r\n");
        rows += chunk[..count].windows(2).filter(|pair| pair == b"}\n").count();
        if count == 0 || ended {
            break;
        }
    }
    let rate = rows as f64 / begun.elapsed().as_secs_f64();
    measured.put("export as NDJSON", rate, "rows/s", Limit::AtLeast(50_000.0));
    measured.put(
        "memory of the service meanwhile",
        mib(watch.peak()),
        "MiB",
        Limit::AtMost(100.0),
    );
}
