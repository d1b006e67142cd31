//! Rules of identities and flows that the other tests do not come by.

use serde_json::json;

use super::{ADA, arrive, depart, log_in, person, service, user_id};
use crate::support::{Database, Kind, Lie, Person, Provider};

on_each_store!(
    identity_is_provider_and_subject_whatever_its_address,
    address_that_facebook_tells_counts_for_nothing,
    state_is_used_up_before_the_code_is_presented,
);

async fn identity_is_provider_and_subject_whatever_its_address(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&google, &github], &[]).await;
    let ada = service.anonymous();
    log_in(&ada, &google, &Person::verified(1, ADA)).await.expect(200);
    let id = user_id(&ada).await;
    // The same subject with another address, or with one that is not verified any more, is the same person.
    let moved = Person::verified(1, "countess@example.net");
    let doubtful = Person {
        verified: false,
        ..Person::verified(1, "countess@example.net")
    };
    for somebody in [moved, doubtful] {
        let again = service.anonymous();
        log_in(&again, &google, &somebody).await.expect(200);
        assert_eq!(user_id(&again).await, id);
        assert_eq!(
            again.get("/api/me").await.json()["email"],
            ADA,
            "it stays as it is here"
        );
    }
    // Another subject with the same address is not, and the same subject elsewhere is not.
    let other = Person::verified(2, ADA);
    log_in(&service.anonymous(), &google, &other)
        .await
        .expect_problem(409, "proof-needed");
    let elsewhere = service.anonymous();
    log_in(&elsewhere, &github, &Person::verified(1, "bob@example.org"))
        .await
        .expect(200);
    assert_ne!(user_id(&elsewhere).await, id);
}

async fn address_that_facebook_tells_counts_for_nothing(database: Database) {
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    for setting in ["ask", "always"] {
        let settings = [("SOCIAL__LINK", setting), ("SIGNUP__VERIFY_EMAIL", "false")];
        let service = service(database, &[&facebook], &settings).await;
        for email in [ADA, "nobody@example.org"] {
            let caller = service.anonymous();
            let answer = log_in(&caller, &facebook, &person(Kind::Facebook, 1, email)).await;
            answer.expect_problem(409, "email-needed");
            assert!(!caller.is_signed_in().await);
        }
        let owner = service.signed_up(ADA).await;
        let caller = service.anonymous();
        let answer = log_in(&caller, &facebook, &person(Kind::Facebook, 1, ADA)).await;
        answer.expect_problem(409, "email-needed");
        assert!(owner.is_signed_in().await, "nobody took it over");
    }
}

/// Whatever goes wrong afterwards, nobody tries a second time with it.
async fn state_is_used_up_before_the_code_is_presented(database: Database) {
    let provider = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&provider], &[]).await;
    let caller = service.anonymous();
    let back = depart(&caller, &provider, "login", &Person::verified(1, ADA)).await;
    provider.is_down(true);
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(503, "provider-down");
    provider.is_down(false);
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(400, "state-invalid");
    assert_eq!(provider.exchanges(), 0, "the code was not presented again");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirect_of_a_provider_is_not_followed() {
    for kind in [Kind::Google, Kind::Oidc, Kind::Github, Kind::Facebook] {
        let provider = Provider::start(kind, "idp").await;
        let service = service(Database::Sqlite, &[&provider], &[]).await;
        provider.lies(Some(Lie::Moved));
        let caller = service.anonymous();
        let answer = log_in(&caller, &provider, &person(kind, 1, ADA)).await;
        assert!(matches!(answer.status.as_u16(), 403 | 503), "{kind:?}: {answer:?}");
        assert!(!caller.is_signed_in().await);
        assert_eq!(provider.exchanges(), 0, "{kind:?}: nobody came to the other place");
        provider.lies(None);
        let answer = log_in(&caller, &provider, &person(kind, 1, ADA)).await;
        assert_eq!(answer.status, if kind == Kind::Facebook { 409 } else { 200 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_key_of_a_provider_is_found_and_the_old_one_is_not_believed_any_more() {
    let provider = Provider::start(Kind::Google, "google").await;
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let ada = Person::verified(1, ADA);
    log_in(&service.anonymous(), &provider, &ada).await.expect(200);
    provider.lies(Some(Lie::Rotated));
    log_in(&service.anonymous(), &provider, &ada).await.expect(200);
    provider.lies(None);
    log_in(&service.anonymous(), &provider, &ada)
        .await
        .expect_problem(403, "provider-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn provider_that_says_no_is_told_apart_from_one_that_is_down() {
    let provider = Provider::start(Kind::Github, "github").await;
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let caller = service.anonymous();
    let back = depart(&caller, &provider, "login", &Person::verified(1, ADA)).await;
    let no = json!({"state": back.state, "error": "access_denied"});
    caller
        .post("/api/social/github", &no)
        .await
        .expect_problem(403, "provider-refused");
    assert_eq!(provider.exchanges(), 0);
    // The person chooses anew.
    log_in(&caller, &provider, &Person::verified(1, ADA)).await.expect(200);
}
