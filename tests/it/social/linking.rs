use serde_json::json;

use super::{ADA, arrive, depart, linked, log_in, person, service, user_id};
use crate::support::{Caller, Database, Kind, Lie, PASSWORD, Person, Provider, Service, Wire};

on_each_store!(
    account_is_linked_from_within_and_unlinked_and_the_last_way_in_stays,
    owner_of_an_address_takes_over_what_an_intruder_prepared_under_it,
    address_of_a_proven_account_asks_for_a_proof_and_goes_on_after_it,
    account_that_waits_goes_to_nobody_else,
    linking_needs_the_very_session_that_began_and_a_free_identity,
    provider_proves_afresh_who_one_is,
    session_that_ends_while_its_last_bytes_arrive_links_nothing,
    reset_unlinks_what_was_linked_by_the_password_that_it_replaces,
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

/// The pre-hijacking attacks of Sudhodanan and Paverd: classic-federated merge, unexpired session, trojan identifier.
async fn owner_of_an_address_takes_over_what_an_intruder_prepared_under_it(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let service = service(database, &[&google, &facebook], &OPEN).await;
    let intruder = service.signed_up(ADA).await;
    let trojan = person(Kind::Facebook, 66, "eve@example.org");
    link(&intruder, &facebook, &trojan).await.expect(200);
    let phone = service.anonymous();
    log_in(&phone, &facebook, &trojan).await.expect(200);

    let owner = service.anonymous();
    let answer = log_in(&owner, &google, &Person::verified(1, ADA))
        .await
        .expect(200)
        .json();
    assert_eq!(answer["user"]["email_verified"], true);
    assert!(!intruder.is_signed_in().await && !phone.is_signed_in().await);
    let back = service.anonymous();
    back.try_log_in(ADA, PASSWORD)
        .await
        .unwrap()
        .expect_problem(401, "invalid-credentials");
    log_in(&back, &facebook, &trojan)
        .await
        .expect_problem(409, "email-needed");
    assert_eq!(linked(&owner).await, ["google"]);
    assert!(owner.is_signed_in().await);
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

/// A stolen cookie and a body that is long in coming.
async fn session_that_ends_while_its_last_bytes_arrive_links_nothing(database: Database) {
    const OTHER: &str = "six quiet herons over Utrecht";
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
    const OTHER: &str = "six quiet herons over Utrecht";
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
