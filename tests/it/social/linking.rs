use serde_json::json;

use super::{ADA, arrive, depart, linked, log_in, person, service, user_id};
use crate::support::{Caller, Database, Kind, PASSWORD, Person, Provider, Service};

on_each_store!(
    account_is_linked_from_within_and_unlinked_and_the_last_way_in_stays,
    address_of_a_proven_account_asks_for_a_proof_and_goes_on_after_it,
    account_that_waits_goes_to_nobody_else,
    linking_needs_the_very_session_that_began_and_a_free_identity,
    provider_proves_afresh_who_one_is,
);

const OPEN: [(&str, &str); 1] = [("SIGNUP__VERIFY_EMAIL", "false")];

async fn link(caller: &Caller, provider: &Provider, somebody: &Person) -> crate::support::Answer {
    let back = depart(caller, provider, "link", somebody).await;
    arrive(caller, provider, &back).await
}

async fn first_link(caller: &Caller) -> String {
    let list = caller.get("/api/me/social-accounts").await.expect(200).json();
    list["items"][0]["id"].as_str().unwrap().to_owned()
}

async fn account_is_linked_from_within_and_unlinked_and_the_last_way_in_stays(database: Database) {
    let kinds = [Kind::Google, Kind::Oidc, Kind::Github, Kind::Facebook];
    let mut providers = Vec::new();
    for (kind, name) in kinds.into_iter().zip(["google", "oidc", "github", "facebook"]) {
        providers.push(Provider::start(kind, name).await);
    }
    let all: Vec<&Provider> = providers.iter().collect();
    let service = service(database, &all, &OPEN).await;
    let desk = service.signed_up(ADA).await;
    let id = user_id(&desk).await;
    for (number, provider) in (1..).zip(&providers) {
        let ada = person(provider.kind, number, "ada@elsewhere.example");
        let answer = link(&desk, provider, &ada).await.expect(200).json();
        assert_eq!(answer["linked"]["provider"]["id"], provider.name.as_str());
        assert_eq!(answer["linked"]["label"], "ada@elsewhere.example");
        let phone = service.anonymous();
        log_in(&phone, provider, &ada).await.expect(200);
        assert_eq!(user_id(&phone).await, id);
        // Twice is once.
        link(&desk, provider, &ada).await.expect(200);
    }
    assert_eq!(linked(&desk).await, ["google", "oidc", "github", "facebook"]);
    let phone = service.anonymous();
    log_in(&phone, &providers[0], &person(Kind::Google, 1, "ada@elsewhere.example"))
        .await
        .expect(200);
    let path = format!("/api/me/social-accounts/{}", first_link(&desk).await);
    desk.delete(&path).await.expect(204);
    desk.delete(&path).await.expect_problem(404, "not-found");
    assert!(desk.is_signed_in().await && !phone.is_signed_in().await);
    assert_eq!(linked(&desk).await, ["oidc", "github", "facebook"]);
    // It is a stranger's from now on.
    let phone = service.anonymous();
    let answer = log_in(&phone, &providers[0], &person(Kind::Google, 1, "new@example.org")).await;
    assert_ne!(answer.expect(200).json()["user"]["id"], id);
    let only = format!("/api/me/social-accounts/{}", first_link(&phone).await);
    phone.delete(&only).await.expect_problem(409, "last-way-in");
    service
        .anonymous()
        .get("/api/me/social-accounts")
        .await
        .expect_problem(401, "unauthenticated");
}

async fn proven(service: &Service, google: &Provider) -> Caller {
    let caller = service.anonymous();
    log_in(&caller, google, &Person::verified(1, ADA)).await.expect(200);
    caller
}

async fn address_of_a_proven_account_asks_for_a_proof_and_goes_on_after_it(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&google, &github], &[]).await;
    let id = user_id(&proven(&service, &google).await).await;
    let ada = Person::verified(7, "Ada@Example.org");
    let caller = service.anonymous();
    log_in(&caller, &github, &ada).await.expect_problem(409, "proof-needed");
    assert!(!caller.is_signed_in().await);
    let go_on = "/api/social/github/continue";
    caller
        .post(go_on, &json!({}))
        .await
        .expect_problem(401, "unauthenticated");
    log_in(&caller, &google, &Person::verified(1, ADA)).await.expect(200);
    let answer = caller.post(go_on, &json!({})).await.expect(200).json();
    assert_eq!(answer["linked"]["provider"]["id"], "github");
    let again = service.anonymous();
    log_in(&again, &github, &ada).await.expect(200);
    assert_eq!(user_id(&again).await, id);
}

async fn account_that_waits_goes_to_nobody_else(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&google, &github], &OPEN).await;
    proven(&service, &google).await;
    let caller = service.anonymous();
    log_in(&caller, &github, &Person::verified(7, ADA))
        .await
        .expect_problem(409, "proof-needed");
    let other = service.signed_up("bob@example.org").await;
    let go_on = "/api/social/github/continue";
    other.post(go_on, &json!({})).await.expect_problem(400, "state-invalid");
    caller
        .try_log_in("bob@example.org", PASSWORD)
        .await
        .unwrap()
        .expect(200);
    caller.post(go_on, &json!({})).await.expect_problem(409, "proof-needed");
    caller
        .post("/api/social/google/continue", &json!({}))
        .await
        .expect_problem(400, "state-invalid");
    assert!(linked(&caller).await.is_empty());
}

async fn linking_needs_the_very_session_that_began_and_a_free_identity(database: Database) {
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&github], &OPEN).await;
    let (ada, bob) = (service.signed_up(ADA).await, service.signed_up("bob@example.org").await);
    let somebody = Person::verified(7, "seven@example.org");
    let start = json!({"intent": "link"});
    let path = "/api/social/github/start";
    service
        .anonymous()
        .post(path, &start)
        .await
        .expect_problem(401, "unauthenticated");
    let back = depart(&ada, &github, "link", &somebody).await;
    ada.try_log_in(ADA, PASSWORD).await.unwrap().expect(200);
    arrive(&ada, &github, &back).await.expect_problem(400, "state-invalid");
    let back = depart(&ada, &github, "link", &somebody).await;
    ada.try_log_out().await.unwrap().expect(200);
    arrive(&ada, &github, &back).await.expect_problem(400, "state-invalid");
    link(&bob, &github, &somebody).await.expect(200);
    ada.try_log_in(ADA, PASSWORD).await.unwrap().expect(200);
    link(&ada, &github, &somebody)
        .await
        .expect_problem(409, "linked-to-another");
    assert!(linked(&ada).await.is_empty());
    assert_eq!(linked(&bob).await, ["github"]);
}

async fn provider_proves_afresh_who_one_is(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let service = service(database, &[&google], &OPEN).await;
    let caller = proven(&service, &google).await;
    let before = caller.session_cookie().unwrap();
    let started = caller.get("/api/session").await.json();
    let back = depart(&caller, &google, "reauthenticate", &Person::verified(1, ADA)).await;
    let after = arrive(&caller, &google, &back).await.expect(200).json();
    assert_eq!(after["session"]["id"], started["session"]["id"]);
    assert!(after["session"]["authenticated_at"].as_str() > started["session"]["authenticated_at"].as_str());
    assert_ne!(caller.session_cookie().unwrap(), before);
    // Not by somebody else.
    let back = depart(
        &caller,
        &google,
        "reauthenticate",
        &Person::verified(2, "bob@example.org"),
    )
    .await;
    arrive(&caller, &google, &back).await.expect_problem(403, "not-linked");
    log_in(&service.anonymous(), &google, &Person::verified(2, "bob@example.org"))
        .await
        .expect(200);
    let back = depart(
        &caller,
        &google,
        "reauthenticate",
        &Person::verified(2, "bob@example.org"),
    )
    .await;
    arrive(&caller, &google, &back)
        .await
        .expect_problem(409, "linked-to-another");
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_decides_who_comes_in_and_how_addresses_link() {
    let google = Provider::start(Kind::Google, "google").await;
    let github = Provider::start(Kind::Github, "github").await;
    let ada = Person::verified(1, ADA);
    for (setting, value, status, slug) in [
        ("SOCIAL__LINK", "always", 200, ""),
        ("SOCIAL__LINK", "never", 409, "address-taken"),
        ("SOCIAL__LINK", "ask", 409, "proof-needed"),
        ("SOCIAL__SIGNUP", "false", 403, "sign-up-closed"),
        ("SOCIAL__ALLOWED_DOMAINS", "example.net", 403, "not-admitted"),
        ("SOCIAL__ALLOWED_DOMAINS", "example.org", 409, "proof-needed"),
        ("SIGNUP__ENABLED", "false", 403, "sign-up-closed"),
    ] {
        let service = service(Database::Sqlite, &[&google, &github], &[(setting, value)]).await;
        let first = log_in(&service.anonymous(), &google, &ada).await;
        let answer = if first.status == 200 {
            log_in(&service.anonymous(), &github, &ada).await
        } else {
            first
        };
        assert_eq!(answer.status.as_u16(), status, "{setting}={value}: {answer:?}");
        if status != 200 {
            answer.expect_problem(status, slug);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inactive_account_is_told_so() {
    let google = Provider::start(Kind::Google, "google").await;
    let mut service = service(Database::Sqlite, &[&google], &[]).await;
    proven(&service, &google).await;
    service.stop().await;
    service.doorbook(&["user", "deactivate", ADA]).await;
    service.start_again().await;
    let caller = service.anonymous();
    let answer = log_in(&caller, &google, &Person::verified(1, ADA)).await;
    answer.expect_problem(403, "account-inactive");
    assert!(!caller.is_signed_in().await);
}
