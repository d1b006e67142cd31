//! What somebody tries who means harm.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::support::{Caller, Database, Service};

on_each_store!(session_that_ended_before_the_body_came_changes_nothing);

const EMAIL: &str = "ada@example.org";
/// Ambiguous in almost every character: the estimate tries them all.
const COSTLY: &str = "4@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%2";

async fn session_that_ended_before_the_body_came_changes_nothing(database: Database) {
    let service = Service::start(database).await;
    let ada = service.signed_up(EMAIL).await;
    let body = json!({"name": "Mallory"}).to_string();
    let (first, rest) = body.split_at(3);
    let head = format!(
        "PATCH /api/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nCookie: {}\r\nX-CSRFToken: {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        ada.jar().header().unwrap(),
        ada.jar().value("csrftoken").unwrap(),
        body.len(),
    );
    let mut slow = TcpStream::connect(service.address()).await.unwrap();
    slow.write_all(head.as_bytes()).await.unwrap();
    // It asks for the body once it has let the caller pass.
    let mut go_on = [0; 25];
    slow.read_exact(&mut go_on).await.unwrap();
    assert!(go_on.starts_with(b"HTTP/1.1 100"), "{go_on:?}");
    slow.write_all(first.as_bytes()).await.unwrap();
    ada.try_log_out().await.unwrap().expect(200);
    slow.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(Duration::from_secs(20), slow.read_to_string(&mut answer))
        .await
        .expect("it answers")
        .unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    ada.log_in(EMAIL).await;
    assert_eq!(ada.get("/api/me").await.expect(200).json()["name"], json!(null));
}

async fn asks_for_estimates(caller: Caller) {
    for _ in 0..3 {
        let wish = json!({"email": "nobody", "password": COSTLY});
        let answer = caller.post("/api/signup", &wish).await;
        assert!(matches!(answer.status.as_u16(), 422 | 503), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn costly_passwords_hold_up_nobody_else() {
    let service = Service::start(Database::Sqlite).await;
    let over = Arc::new(AtomicBool::new(false));
    let crowd: Vec<_> = (0..8)
        .map(|_| tokio::spawn(asks_for_estimates(service.anonymous())))
        .collect();
    let ended = Arc::clone(&over);
    let crowd = tokio::spawn(async move {
        for caller in crowd {
            caller.await.unwrap();
        }
        ended.store(true, Ordering::Release);
    });
    let bystander = service.anonymous();
    let mut answered = 0_u32;
    while !over.load(Ordering::Acquire) {
        bystander.get("/api/session").await.expect(200);
        answered += 1;
    }
    crowd.await.unwrap();
    // A service whose threads estimate answers a dozen times meanwhile.
    assert!(answered > 100, "only {answered} session checks were answered meanwhile");
}

#[cfg(unix)]
#[tokio::test]
async fn files_of_the_service_are_for_its_owner_only() {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    let mut service = Service::prepare(Database::Sqlite).await;
    // A directory that the operator has made, open to all.
    fs::create_dir_all(service.data()).unwrap();
    fs::set_permissions(service.data(), fs::Permissions::from_mode(0o755)).unwrap();
    service.start_again().await;
    service.signed_up(EMAIL).await;
    let files: Vec<PathBuf> = fs::read_dir(service.data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.iter().any(|path| path.ends_with("keys.db-wal")), "{files:?}");
    for path in files {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}
