//! What the service does between a request and its answer, as `strace` sees it: no write is answered before it is safe.

use std::{fs, process::Command};

use reqwest::Method;
use serde_json::json;

use crate::support::{Database, PASSWORD, Service};

const EMAIL: &str = "ada@example.org";

/// Answers to writes that the test causes.
const WRITES: usize = 5;

/// A service under `strace`, which follows it from outside and leaves it the child of the test.
async fn traced(database: Database) -> Service {
    let found = Command::new("strace").arg("--version").output();
    assert!(
        found.is_ok(),
        "strace is missing: install it (`apt-get install strace`), or run `cargo xtask test`"
    );
    let mut service = Service::prepare(database).await;
    let trace = service.directory().join("trace").display().to_string();
    let calls = "trace=fsync,fdatasync,write,writev,pwrite64,sendto,sendmsg,read,readv,recvfrom,recvmsg";
    service.wrap(&[
        "strace",
        "-D",
        "-f",
        "-qq",
        "-yy",
        "-s",
        "4096",
        "-e",
        calls,
        "-e",
        "signal=none",
        "-o",
        &trace,
    ]);
    service.start_again().await;
    service
}

/// One write after the other, and what was traced of them.
async fn write(mut service: Service) -> String {
    let ada = service.anonymous();
    ada.try_sign_up(EMAIL).await.unwrap().expect(202);
    ada.log_in(EMAIL).await;
    ada.post("/api/session/reauthenticate", &json!({"password": PASSWORD}))
        .await
        .expect(200);
    ada.change(Method::PATCH, "/api/me", Some(&json!({"name": "Ada"})))
        .await
        .unwrap()
        .expect(200);
    ada.try_log_out().await.unwrap().expect(200);
    assert!(service.stop().await.success());
    fs::read_to_string(service.directory().join("trace")).unwrap()
}

/// The lines between each request that writes and the first bytes of its answer.
fn between(trace: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut open: Option<Vec<&str>> = None;
    for line in trace.lines() {
        let is_request = line.contains("\"POST /api/") || line.contains("\"PATCH /api/");
        if is_request {
            open = Some(Vec::new());
        } else if line.contains("\"HTTP/1.1 2") {
            found.extend(open.take());
        } else if let Some(lines) = &mut open {
            lines.push(line);
        }
    }
    found
}

#[tokio::test]
async fn no_write_is_answered_before_the_log_is_synced() {
    let trace = write(traced(Database::Sqlite).await).await;
    let requests = between(&trace);
    assert_eq!(
        requests.len(),
        WRITES,
        "each request and each answer stands in the trace"
    );
    for lines in requests {
        let written = lines
            .iter()
            .position(|line| line.contains("pwrite64(") && line.contains("/log.db"));
        let written = written.unwrap_or_else(|| panic!("nothing was written to the log: {lines:#?}"));
        assert!(
            was_synced(&lines[written..]),
            "answered before it was synced: {lines:#?}"
        );
    }
}

/// Whether a sync of the log's file came to its end within these lines.
fn was_synced(lines: &[&str]) -> bool {
    let mut begun = Vec::new();
    for line in lines {
        let thread = line.split(' ').next().unwrap();
        let is_sync = line.contains("fsync(") || line.contains("fdatasync(");
        if is_sync && line.contains("/log.db") {
            if line.ends_with("= 0") {
                return true;
            }
            begun.push(thread);
        }
        let resumed = line.contains("fsync resumed") || line.contains("fdatasync resumed");
        if resumed && line.ends_with("= 0") && begun.contains(&thread) {
            return true;
        }
    }
    false
}

#[tokio::test]
async fn no_write_is_answered_before_postgres_has_said_that_it_committed() {
    // What PostgreSQL answers once the commit is on disk: command complete.
    const COMMITTED: &str = "COMMIT\\0";
    let trace = write(traced(Database::Postgres).await).await;
    let requests = between(&trace);
    assert_eq!(
        requests.len(),
        WRITES,
        "each request and each answer stands in the trace"
    );
    for lines in requests {
        let appended = lines.iter().position(|line| is_sent(line) && line.contains("TCP"));
        assert!(appended.is_some(), "nothing was sent to PostgreSQL: {lines:#?}");
        let committed = lines.iter().any(|line| !is_sent(line) && line.contains(COMMITTED));
        assert!(committed, "answered before it was committed: {lines:#?}");
    }
}

fn is_sent(line: &str) -> bool {
    ["sendto(", "write(", "writev(", "sendmsg("]
        .iter()
        .any(|call| line.contains(call))
}

#[test]
fn sync_counts_only_when_it_has_come_to_its_end() {
    let begun = [
        "7 fdatasync(9</d/log.db-wal> <unfinished ...>",
        "8 write(1</x>, \"\", 0) = 0",
    ];
    assert!(!was_synced(&begun));
    assert!(!was_synced(&["7 fdatasync(9</d/keys.db>) = 0"]));
    assert!(!was_synced(&["8 <... fdatasync resumed>) = 0"]));
    assert!(was_synced(&[begun[0], "7 <... fdatasync resumed>)     = 0"]));
    assert!(was_synced(&["7 fsync(9</d/log.db>) = 0"]));
}
