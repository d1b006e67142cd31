//! `doorbook user import`: users of another system, beside a running service.

use std::{fs, process::Output};

use serde_json::{Value, json};

use crate::support::{Database, Service};

on_each_store!(
    imported_user_logs_in_with_its_old_password_and_is_upgraded,
    repeated_import_changes_nothing,
    imported_people_get_no_letter_until_they_ask_for_one
);

const OLD_PASSWORD: &str = "correct horse battery staple λ";
/// Of [`OLD_PASSWORD`]: SHA-1 under a salt, as directories keep it.
const HASH: &str = "{SSHA}vF18A/WtuhgsJlw80ZUD92RVP4q2dg7B";

fn write(service: &Service, lines: &[String]) {
    fs::write(service.directory().join("users.ndjson"), lines.join("\n")).unwrap();
}

async fn import(service: &Service, more: &[&str]) -> Output {
    service
        .output(&[&["user", "import", "users.ndjson", "--json"], more].concat())
        .await
}

/// Values that a command wrote, one a line.
fn values(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn user(email: &str) -> String {
    json!({"email": email, "password_hash": HASH}).to_string()
}

async fn imported_user_logs_in_with_its_old_password_and_is_upgraded(database: Database) {
    let service = Service::start(database).await;
    let ada = json!({"email": "Ada@Example.org", "name": "Ada", "password_hash": HASH, "roles": ["admin"],
        "created_at": "2019-05-01T10:00:00Z"});
    let bob = json!({"email": "bob@example.org", "password_hash": HASH, "active": false});
    let eve = json!({"email": "eve@example.org"});
    write(&service, &[ada.to_string(), bob.to_string(), eve.to_string()]);
    let output = import(&service, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        values(&output),
        [json!({"created": 3, "existing": 0, "refused": 0, "dry_run": false})]
    );

    let browser = service.anonymous();
    browser
        .try_log_in("ada@example.org", "another password")
        .await
        .unwrap()
        .expect_problem(401, "invalid-credentials");
    browser
        .try_log_in("ada@example.org", OLD_PASSWORD)
        .await
        .unwrap()
        .expect(200);
    for out in ["bob@example.org", "eve@example.org"] {
        service
            .anonymous()
            .try_log_in(out, OLD_PASSWORD)
            .await
            .unwrap()
            .expect_problem(401, "invalid-credentials");
    }
    let log = crate::support::eventually("the hash is upgraded", || async {
        let log = service
            .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "1000"])
            .await;
        log.contains("user.password_upgraded").then_some(log)
    })
    .await;
    assert!(!log.contains("SSHA") && !log.contains("vF18A"), "the hash is sealed");
    service
        .anonymous()
        .try_log_in("ada@example.org", OLD_PASSWORD)
        .await
        .unwrap()
        .expect(200);

    let listed = service.doorbook(&["user", "list", "--json"]).await;
    let ada: Value = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .find(|user: &Value| user["name"] == "Ada")
        .unwrap();
    assert_eq!(ada["email"], "Ada@Example.org");
    assert_eq!(ada["roles"], json!(["admin"]));
    assert_eq!(ada["since"], "2019-05-01T10:00:00.000000Z");
}

async fn repeated_import_changes_nothing(database: Database) {
    let service = Service::start(database).await;
    service.signed_up("user2@example.org").await;
    // More than one batch, and one address twice.
    let mut lines: Vec<String> = (0..1100)
        .map(|number| user(&format!("user{number}@example.org")))
        .collect();
    lines.push(user("USER1@example.org"));
    write(&service, &lines);
    let first = import(&service, &[]).await;
    assert_eq!(
        values(&first),
        [json!({"created": 1099, "existing": 2, "refused": 0, "dry_run": false})],
        "{first:?}"
    );
    let events = service.events().await;
    let again = import(&service, &[]).await;
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(
        values(&again),
        [json!({"created": 0, "existing": 1101, "refused": 0, "dry_run": false})]
    );
    assert_eq!(service.events().await, events);
    service.anonymous().log_in("user2@example.org").await;
    service
        .anonymous()
        .try_log_in("user1099@example.org", OLD_PASSWORD)
        .await
        .unwrap()
        .expect(200);
}

async fn imported_people_get_no_letter_until_they_ask_for_one(database: Database) {
    let service = Service::start_with_mail(database).await;
    let lines: Vec<String> = (0..30)
        .map(|number| {
            json!({"email": format!("user{number}@example.org"), "email_verified": number % 2 == 0}).to_string()
        })
        .collect();
    write(&service, &lines);
    assert_eq!(import(&service, &[]).await.status.code(), Some(0));
    // Whatever an import caused would come before these.
    for email in ["user0@example.org", "user1@example.org"] {
        let wish = json!({"email": email});
        service
            .anonymous()
            .post("/api/password/forgot", &wish)
            .await
            .expect(202);
    }
    let mails = service.mails_until(2).await;
    assert!(mails.iter().all(|mail| mail.leads_to("reset")), "{mails:?}");
    assert_eq!(mails.len(), 2);
}

#[tokio::test]
async fn import_beside_the_service_tells_how_far_it_is_and_holds_nobody_up() {
    const USERS: u32 = 5000;
    let service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up("ada@example.org").await;
    let lines: Vec<String> = (0..USERS)
        .map(|number| user(&format!("user{number}@example.org")))
        .collect();
    write(&service, &lines);
    let mut longest = std::time::Duration::ZERO;
    let began = std::time::Instant::now();
    let importing = service.output(&["user", "import", "users.ndjson"]);
    tokio::pin!(importing);
    let output = loop {
        let asked = std::time::Instant::now();
        tokio::select! {
            output = &mut importing => break output,
            () = tokio::time::sleep(std::time::Duration::from_millis(50)) => {
                service.anonymous().log_in("ada@example.org").await;
                longest = longest.max(asked.elapsed());
            }
        }
    };
    let each = began.elapsed() / USERS;
    eprintln!("{each:?} for each user; the slowest login took {longest:?}");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("importing"), "{said}");
    assert!(ada.is_signed_in().await);
    assert!(longest < std::time::Duration::from_secs(15), "{longest:?}");
}

#[tokio::test]
async fn refused_lines_are_reported_by_number_and_the_others_are_taken() {
    let service = Service::start(Database::Sqlite).await;
    let lines = [
        user("ada@example.org"),
        "{".to_owned(),
        String::new(),
        json!({"email": "bob@example.org", "password_hash": "$2b$31$secretsecretsecretsecre"}).to_string(),
        json!({"email": "nobody", "password_hash": HASH}).to_string(),
        json!({"email": "eve@example.org", "created_at": "2999-01-01T00:00:00Z"}).to_string(),
        user("dan@example.org"),
    ];
    write(&service, &lines);
    let dry = import(&service, &["--dry-run"]).await;
    assert_eq!(dry.status.code(), Some(5), "{dry:?}");
    assert_eq!(service.events().await, 0, "a dry run writes nothing");
    let wet = import(&service, &[]).await;
    assert_eq!(wet.status.code(), Some(5), "{wet:?}");
    let told = values(&wet);
    let numbers: Vec<u64> = told.iter().filter_map(|value| value["line"].as_u64()).collect();
    assert_eq!(numbers, [2, 4, 5, 6]);
    assert_eq!(told.last().unwrap()["created"], 2);
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&wet.stdout),
        String::from_utf8_lossy(&wet.stderr)
    );
    assert!(!said.contains("secretsecret") && !said.contains("SSHA"), "{said}");
    for email in ["ada@example.org", "dan@example.org"] {
        service
            .anonymous()
            .try_log_in(email, OLD_PASSWORD)
            .await
            .unwrap()
            .expect(200);
    }
}

#[tokio::test]
async fn missing_file_is_named() {
    let service = Service::start(Database::Sqlite).await;
    let output = import(&service, &[]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("users.ndjson cannot be read"));
}
