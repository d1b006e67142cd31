//! Passwords: rules at sign-up and change, and what a change ends.

use serde_json::json;

use crate::support::{Database, PASSWORD, Service};

on_each_store!(
    changed_password_ends_every_other_session_and_rotates_the_own,
    sign_up_tells_nobody_who_has_an_account
);

const EMAIL: &str = "ada@example.org";
const OTHER: &str = "six quiet herons over Utrecht";

async fn changed_password_ends_every_other_session_and_rotates_the_own(database: Database) {
    let service = Service::start(database).await;
    let desk = service.signed_up(EMAIL).await;
    let phone = service.anonymous();
    phone.log_in(EMAIL).await;
    let before = desk.twin();

    let wrong = json!({"current_password": "not the password", "new_password": OTHER});
    let refused = desk.post("/api/password/change", &wrong).await;
    assert!(refused.status.is_client_error(), "{refused:?}");
    assert!(phone.is_signed_in().await, "nothing has changed");

    let right = json!({"current_password": PASSWORD, "new_password": OTHER});
    let changed = desk.post("/api/password/change", &right).await;
    assert!(changed.status.is_success(), "{changed:?}");

    assert!(desk.is_signed_in().await);
    assert!(!before.is_signed_in().await, "the own session has a new secret");
    assert!(!phone.is_signed_in().await);
    // Its CSRF token was bound to the session that died; the refusal brings a new one.
    phone
        .try_log_in(EMAIL, OTHER)
        .await
        .unwrap()
        .expect_problem(403, "csrf-failed");
    phone
        .try_log_in(EMAIL, PASSWORD)
        .await
        .unwrap()
        .expect_problem(401, "invalid-credentials");
    phone.try_log_in(EMAIL, OTHER).await.unwrap().expect(200);
}

async fn sign_up_tells_nobody_who_has_an_account(database: Database) {
    let service = Service::start(database).await;
    let first = service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    for spelling in [EMAIL, "ADA@EXAMPLE.ORG", " ada@example.org"] {
        let stranger = service.anonymous();
        let wish = json!({"email": spelling, "password": OTHER});
        let again = stranger.post("/api/signup", &wish).await.expect(202);
        assert_eq!(again.body, first.body);
        stranger
            .try_log_in(EMAIL, OTHER)
            .await
            .unwrap()
            .expect_problem(401, "invalid-credentials");
    }
    service.anonymous().log_in(EMAIL).await;
}

#[tokio::test]
async fn weak_password_is_refused_with_its_reason() {
    let service = Service::start(Database::Sqlite).await;
    for weak in ["short", "password123", "aaaaaaaaaaaa", "ada@example.org"] {
        let wish = json!({"email": EMAIL, "password": weak});
        let refused = service
            .anonymous()
            .post("/api/signup", &wish)
            .await
            .expect_any_problem(422)
            .json();
        assert_eq!(refused["errors"][0]["field"], "password", "{weak}: {refused}");
    }
}

#[tokio::test]
async fn password_is_compared_exactly_as_received() {
    let service = Service::start(Database::Sqlite).await;
    let long = format!("{PASSWORD} {}", "ωλμ ".repeat(10));
    let ada = service.anonymous();
    ada.post("/api/signup", &json!({"email": EMAIL, "password": long}))
        .await
        .expect(202);
    for near in [
        long.trim_end(),
        &long.to_uppercase(),
        long.strip_suffix("ωλμ ").unwrap(),
    ] {
        ada.try_log_in(EMAIL, near)
            .await
            .unwrap()
            .expect_problem(401, "invalid-credentials");
    }
    ada.try_log_in(EMAIL, &long).await.unwrap().expect(200);
}

#[tokio::test]
async fn wrong_unknown_and_inactive_logins_get_the_same_bytes() {
    let service = Service::start(Database::Sqlite).await;
    for email in [EMAIL, "bob@example.org"] {
        service.anonymous().try_sign_up(email).await.unwrap().expect(202);
    }
    service.doorbook(&["user", "deactivate", "bob@example.org"]).await;
    let mut answers = Vec::new();
    for (email, password) in [
        (EMAIL, OTHER),
        ("nobody@example.org", PASSWORD),
        ("bob@example.org", PASSWORD),
    ] {
        let answer = service.anonymous().try_log_in(email, password).await.unwrap();
        answers.push(answer.expect_problem(401, "invalid-credentials").body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:#?}");
}

#[tokio::test]
async fn refusals_of_a_new_password_name_their_rule() {
    let mut service = Service::prepare(Database::Sqlite).await;
    let list = service.directory().join("blocked.txt");
    std::fs::write(&list, "Seven Tulips Of Harbour 9\n").unwrap();
    service.set("PASSWORD__BLOCKLIST", list.to_str().unwrap());
    service.start_again().await;
    let config = service.anonymous().get("/api/config").await.expect(200).json();
    assert_eq!(config["password"], json!({"min_length": 8, "max_length": 1024}));
    let long = format!("{PASSWORD} {}", "λ".repeat(1024));
    for (password, code) in [
        ("fgjkbyfhbz", "too_common"),
        ("FGJKBYFHBZ", "too_common"),
        ("seven tulips of harbour 9", "too_common"),
        ("localhost1", "too_weak"),
        ("short", "too_short"),
        (&long, "too_long"),
    ] {
        let wish = json!({"email": EMAIL, "password": password});
        let refused = service
            .anonymous()
            .post("/api/signup", &wish)
            .await
            .expect_any_problem(422)
            .json();
        let errors = refused["errors"].as_array().unwrap();
        assert!(errors.iter().any(|error| error["code"] == code), "{code}: {refused}");
    }
    let longest = format!("{PASSWORD} {}", "λ".repeat(1024 - 30));
    let ada = service.anonymous();
    ada.post("/api/signup", &json!({"email": EMAIL, "password": longest}))
        .await
        .expect(202);
    ada.try_log_in(EMAIL, &longest).await.unwrap().expect(200);
    let cut = longest.strip_suffix('λ').unwrap();
    ada.try_log_in(EMAIL, cut).await.unwrap().expect_any_problem(401);
}

#[tokio::test]
async fn unreadable_blocklist_stops_the_start_with_one_sentence() {
    let mut service = Service::prepare(Database::Sqlite).await;
    service.set("PASSWORD__BLOCKLIST", "/nowhere/blocked.txt");
    let output = service.output(&["serve"]).await;
    assert_eq!(output.status.code(), Some(78), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("password.blocklist: /nowhere/blocked.txt cannot be read"),
        "{said}"
    );
}
