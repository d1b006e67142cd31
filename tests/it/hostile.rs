//! What somebody tries who means harm.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::json;

use crate::support::{Caller, Database, Service};

const EMAIL: &str = "ada@example.org";
/// Ambiguous in almost every character: the estimate tries them all.
const COSTLY: &str = "4@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%24@8({[<369&#!1/|0$5+7%2";

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
    let read = service.data().join("read");
    fs::create_dir_all(&read).unwrap();
    for open in [&service.data(), &read] {
        fs::set_permissions(open, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Of a program that did not take care.
    fs::write(read.join("read.db"), "").unwrap();
    fs::set_permissions(read.join("read.db"), fs::Permissions::from_mode(0o644)).unwrap();
    service.start_again().await;
    service.signed_up(EMAIL).await.get("/api/sessions").await.expect(200);
    service.doorbook(&["projections", "rebuild", "--all"]).await;
    let files_in = |directory: PathBuf| fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = files_in(service.data())
        .chain(files_in(read))
        .filter(|path| path.is_file())
        .collect();
    assert!(files.iter().any(|path| path.ends_with("keys.db-wal")), "{files:?}");
    assert!(files.iter().any(|path| path.ends_with("read/read.db")), "{files:?}");
    assert!(
        files.iter().any(|path| path.to_string_lossy().contains("read/users.g")),
        "{files:?}"
    );
    for path in files {
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}

#[tokio::test]
async fn answer_to_many_unknown_fields_is_not_many_times_as_long() {
    let service = Service::start(Database::Sqlite).await;
    let many: serde_json::Map<_, _> = (0..3000).map(|number| (format!("f{number}"), json!(0))).collect();
    let answer = service.anonymous().post("/api/login", &many.into()).await;
    let answer = answer.expect_problem(422, "invalid");
    assert!(answer.body.len() < 4000, "{} bytes", answer.body.len());
}
