//! Ways back in that somebody may try to leave behind, and proofs that are none.

use serde_json::json;

use super::{
    ADA, arrive, depart, linked,
    linking::{OPEN, first_link, link, proven},
    log_in, person, service, user_id,
};
use crate::support::{Database, Kind, Lie, PASSWORD, Person, Provider, Service, Wire};

on_each_store!(
    session_that_ends_while_its_last_bytes_arrive_links_nothing,
    reset_unlinks_what_was_linked_by_the_password_that_it_replaces,
);

const OTHER: &str = "six quiet herons over Utrecht";

/// A stolen cookie and a body that is long in coming.
async fn session_that_ends_while_its_last_bytes_arrive_links_nothing(database: Database) {
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&github], &OPEN).await;
    service.signed_up(ADA).await;
    for (id, end) in (66..).zip(["nothing", "others", "log out", "password"]) {
        let eve = Person::verified(id, &format!("eve{id}@example.net"));
        let owner = service.anonymous();
        owner.log_in(ADA).await;
        let thief = owner.twin();
        let body = depart(&thief, &github, "link", &eve).await.body().to_string();
        let (first, rest) = body.as_bytes().split_at(5);
        let mut wire = Wire::begin(&service, &thief, "POST", "/api/social/github", body.len()).await;
        wire.send(first).await.unwrap();
        let change = json!({"current_password": PASSWORD, "new_password": OTHER});
        let done = match end {
            "others" => Some(owner.delete("/api/sessions?except=current").await),
            "log out" => Some(owner.try_log_out().await.unwrap()),
            "password" => Some(owner.post("/api/password/change", &change).await),
            _ => None,
        };
        assert!(done.is_none_or(|done| done.status.is_success()), "{end}");
        wire.send(rest).await.unwrap();
        let answer = wire.answer().await;
        if end == "nothing" {
            answer.expect(200);
            let path = format!("/api/me/social-accounts/{}", first_link(&owner).await);
            owner.delete(&path).await.expect(204);
        } else {
            answer.expect_problem(400, "state-invalid");
        }
        let stranger = log_in(&service.anonymous(), &github, &eve).await;
        let id = stranger.expect(200).json()["user"]["id"].clone();
        let back = service.anonymous();
        let password = if end == "password" { OTHER } else { PASSWORD };
        back.try_log_in(ADA, password).await.unwrap().expect(200);
        assert_ne!(id, user_id(&back).await.as_str(), "{end}: a way in was left behind");
        assert!(linked(&back).await.is_empty(), "{end}");
    }
}

/// Whoever knew the password made themselves another way in. What the address itself let in stays.
async fn reset_unlinks_what_was_linked_by_the_password_that_it_replaces(database: Database) {
    let github = Provider::start(Kind::Github, "github").await;
    let google = Provider::start(Kind::Google, "google").await;
    let settings = [("SIGNUP__VERIFY_EMAIL", "true"), ("SOCIAL__LINK", "always")];
    let service = service(database, &[&github, &google], &settings).await;
    service.anonymous().try_sign_up(ADA).await.unwrap().expect(202);
    let token = service.mail(1).await.token();
    let verify = json!({"token": token});
    service.anonymous().post("/api/email/verify", &verify).await.expect(204);
    let ada = Person::verified(1, ADA);
    log_in(&service.anonymous(), &google, &ada).await.expect(200);
    let eve = Person::verified(66, "eve@example.net");
    let knows = service.anonymous();
    knows.log_in(ADA).await;
    link(&knows, &github, &eve).await.expect(200);
    assert_eq!(linked(&knows).await, ["google", "github"]);

    let before = service.mails_until(1).await.len();
    let forgot = json!({"email": ADA});
    service
        .anonymous()
        .post("/api/password/forgot", &forgot)
        .await
        .expect(202);
    let token = reset_token(&service, before).await;
    let wish = json!({"token": token, "new_password": OTHER});
    service.anonymous().post("/api/password/reset", &wish).await.expect(204);

    let owner = service.anonymous();
    log_in(&owner, &google, &ada).await.expect(200);
    assert_eq!(linked(&owner).await, ["google"]);
    let answer = log_in(&service.anonymous(), &github, &eve).await.expect(200).json();
    assert_ne!(answer["user"]["id"], user_id(&owner).await.as_str());
    let notice = service.letter(ADA, "Your password was reset").await;
    assert!(notice.says("google") && !notice.says("github"), "{notice:?}");
}

async fn reset_token(service: &Service, before: usize) -> String {
    for number in before.. {
        let mail = service.mail(number).await;
        if mail.leads_to("reset") {
            return mail.token();
        }
    }
    unreachable!("there are more numbers than mails")
}

#[tokio::test(flavor = "multi_thread")]
async fn fresh_proof_needs_a_provider_that_says_when_it_saw_the_person() {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let settings = [("SIGNUP__VERIFY_EMAIL", "false")];
    let service = service(Database::Sqlite, &[&google, &github], &settings).await;
    let (ada, path) = (Person::verified(1, ADA), "/api/social/github/start");
    let caller = proven(&service, &google).await;
    link(&caller, &github, &ada).await.expect(200);
    // Its URL goes through the browser: whoever sits there can cut what asks for a new login.
    for lie in [Lie::NoLoginTime, Lie::OldLogin] {
        google.lies(Some(lie));
        let back = depart(&caller, &google, "reauthenticate", &ada).await;
        arrive(&caller, &google, &back)
            .await
            .expect_problem(403, "provider-refused");
        log_in(&service.anonymous(), &google, &ada).await.expect(200);
    }
    google.lies(None);
    let back = depart(&caller, &google, "reauthenticate", &ada).await;
    arrive(&caller, &google, &back).await.expect(200);
    let asked = caller.post(path, &json!({"intent": "reauthenticate"})).await;
    asked.expect_problem(403, "provider-refused");
    assert!(service.log().contains("trusted_for_proof"), "{}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_is_trusted_for_it_proves_afresh_without_saying_when() {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let settings = [
        ("SIGNUP__VERIFY_EMAIL", "false"),
        ("SOCIAL__GITHUB__TRUSTED_FOR_PROOF", "true"),
        ("SOCIAL__GOOGLE__TRUSTED_FOR_PROOF", "true"),
    ];
    let service = service(Database::Sqlite, &[&google, &github], &settings).await;
    let ada = Person::verified(1, ADA);
    let caller = proven(&service, &google).await;
    link(&caller, &github, &ada).await.expect(200);
    google.lies(Some(Lie::NoLoginTime));
    for provider in [&github, &google] {
        let back = depart(&caller, provider, "reauthenticate", &ada).await;
        arrive(&caller, provider, &back).await.expect(200);
    }
    // One that does say is held to it all the same.
    google.lies(Some(Lie::OldLogin));
    let back = depart(&caller, &google, "reauthenticate", &ada).await;
    arrive(&caller, &google, &back)
        .await
        .expect_problem(403, "provider-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_in_another_spelling_is_another_mailbox_and_needs_a_proof() {
    let google = Provider::start(Kind::Google, "google").await;
    let settings = [("SIGNUP__VERIFY_EMAIL", "false"), ("SOCIAL__LINK", "always")];
    let service = service(Database::Sqlite, &[&google], &settings).await;
    // Unproven, and then proven by its own provider.
    service.signed_up("mike@example.org").await;
    let other = Person::verified(66, "mıke@example.org");
    for _ in 0..2 {
        let eve = service.anonymous();
        log_in(&eve, &google, &other).await.expect_problem(409, "proof-needed");
        assert!(!eve.is_signed_in().await);
        let mike = Person::verified(1, "Mike@Example.org");
        log_in(&service.anonymous(), &google, &mike).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_that_waits_does_not_outlive_a_logout() {
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let service = service(Database::Sqlite, &[&facebook], &OPEN).await;
    service.signed_up(ADA).await;
    service.signed_up("bob@example.org").await;
    let somebody = person(Kind::Facebook, 7, "seven@example.org");
    let browser = service.anonymous();
    log_in(&browser, &facebook, &somebody)
        .await
        .expect_problem(409, "email-needed");
    browser.log_in(ADA).await;
    browser.try_log_out().await.unwrap().expect(200);
    browser.log_in("bob@example.org").await;
    browser
        .post("/api/social/facebook/continue", &json!({}))
        .await
        .expect_problem(400, "state-invalid");
    assert!(linked(&browser).await.is_empty());
}
