//! What somebody prepares under another's address dies when its owner comes (Sudhodanan and Paverd, "Pre-hijacked accounts").

use serde_json::json;

use super::{ADA, arrive, depart, linked, log_in, log_in_by_redirect, person, service};
use crate::support::{Caller, Database, Kind, PASSWORD, Person, Provider, Service, eventually};

on_each_store!(
    owner_of_an_address_takes_over_what_an_intruder_prepared_under_it,
    owner_is_told_and_the_letters_of_the_intruder_lead_nowhere,
    link_that_is_under_way_when_the_owner_comes_is_none,
    account_whose_address_was_proven_is_taken_over_by_nobody,
    each_sign_up_waits_by_itself_and_opens_with_its_own_password,
);

const OPEN: [(&str, &str); 1] = [("SIGNUP__VERIFY_EMAIL", "false")];
const OTHER: &str = "six quiet herons over Utrecht";

/// An account under Ada's address, with a password, two sessions and a link.
async fn prepared(service: &Service, facebook: &Provider, trojan: &Person) -> [Caller; 2] {
    let intruder = service.signed_up(ADA).await;
    let back = depart(&intruder, facebook, "link", trojan).await;
    arrive(&intruder, facebook, &back).await.expect(200);
    let phone = service.anonymous();
    log_in(&phone, facebook, trojan).await.expect(200);
    [intruder, phone]
}

/// The pre-hijacking attacks: classic-federated merge, unexpired session, trojan identifier.
async fn owner_of_an_address_takes_over_what_an_intruder_prepared_under_it(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    for by_redirect in [false, true] {
        let service = service(database, &[&google, &facebook], &OPEN).await;
        let trojan = person(Kind::Facebook, 66, "eve@example.org");
        let [intruder, phone] = prepared(&service, &facebook, &trojan).await;

        let (owner, ada) = (service.anonymous(), Person::verified(1, ADA));
        if by_redirect {
            log_in_by_redirect(&owner, &google, &ada).await.expect(302);
        } else {
            log_in(&owner, &google, &ada).await.expect(200);
        }
        // At that instant: nothing is waited for.
        assert!(!intruder.is_signed_in().await && !phone.is_signed_in().await);
        let me = owner.get("/api/me").await.expect(200).json();
        assert_eq!((&me["email"], &me["email_verified"]), (&json!(ADA), &json!(true)));
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
}

async fn owner_is_told_and_the_letters_of_the_intruder_lead_nowhere(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let service = service(database, &[&google, &facebook], &OPEN).await;
    let trojan = person(Kind::Facebook, 66, "eve@example.org");
    let [intruder, _] = prepared(&service, &facebook, &trojan).await;
    let wish = json!({"email": "eve@example.org"});
    intruder.post("/api/email/change", &wish).await.expect(202);
    let move_away = letter(&service, "eve@example.org", "Confirm").await;
    let wish = json!({"email": ADA});
    intruder.post("/api/password/forgot", &wish).await.expect(202);
    let reset = letter(&service, ADA, "password").await;

    let owner = service.anonymous();
    log_in(&owner, &google, &Person::verified(1, ADA)).await.expect(200);
    letter(&service, ADA, "Your account is yours").await;
    letter(&service, ADA, "was removed from your account").await;
    let stranger = service.anonymous();
    let wish = json!({"token": move_away});
    stranger
        .post("/api/email/verify", &wish)
        .await
        .expect_problem(410, "token-dead");
    let wish = json!({"token": reset, "new_password": OTHER});
    stranger
        .post("/api/password/reset", &wish)
        .await
        .expect_problem(410, "token-dead");
    assert_eq!(owner.get("/api/me").await.expect(200).json()["email"], ADA);
}

/// Waits for a letter to this address with these words in its subject: the token of its link, where it has one.
async fn letter(service: &Service, to: &str, subject: &str) -> Option<String> {
    eventually(subject, || async {
        let mails = service.mails();
        let mut fitting = mails
            .iter()
            .filter(|mail| mail.header("To").contains(to) && mail.header("Subject").contains(subject));
        fitting.next().map(|mail| {
            let with_link = mail.leads_to("verify") || mail.leads_to("reset");
            with_link.then(|| mail.token())
        })
    })
    .await
}

/// The intruder's request was let through while its session lived, and is answered by the provider afterwards.
async fn link_that_is_under_way_when_the_owner_comes_is_none(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let service = service(database, &[&google, &facebook], &OPEN).await;
    let trojan = person(Kind::Facebook, 66, "eve@example.org");
    let intruder = service.signed_up(ADA).await;
    let back = depart(&intruder, &facebook, "link", &trojan).await;
    facebook.pauses(true);
    let owner = service.anonymous();
    let (late, ()) = tokio::join!(arrive(&intruder, &facebook, &back), async {
        facebook.is_asked().await;
        log_in(&owner, &google, &Person::verified(1, ADA)).await.expect(200);
        facebook.pauses(false);
    });
    late.expect_problem(400, "state-invalid");
    assert_eq!(linked(&owner).await, ["google"]);
    log_in(&service.anonymous(), &facebook, &trojan)
        .await
        .expect_problem(409, "email-needed");
}

async fn account_whose_address_was_proven_is_taken_over_by_nobody(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let service = service(database, &[&google, &facebook], &[("SIGNUP__VERIFY_EMAIL", "true")]).await;
    let owner = service.anonymous();
    owner.try_sign_up(ADA).await.unwrap().expect(202);
    let token = service.mail(1).await.token();
    owner
        .post("/api/email/verify", &json!({"token": token}))
        .await
        .expect(204);
    owner.try_log_in(ADA, PASSWORD).await.unwrap().expect(200);
    let own = person(Kind::Facebook, 7, "ada@elsewhere.example");
    let back = depart(&owner, &facebook, "link", &own).await;
    arrive(&owner, &facebook, &back).await.expect(200);

    let stranger = service.anonymous();
    log_in(&stranger, &google, &Person::verified(1, ADA))
        .await
        .expect_problem(409, "proof-needed");
    assert!(owner.is_signed_in().await && !stranger.is_signed_in().await);
    assert_eq!(linked(&owner).await, ["facebook"]);
    service.anonymous().try_log_in(ADA, PASSWORD).await.unwrap().expect(200);
    log_in(&service.anonymous(), &facebook, &own).await.expect(200);
}

async fn each_sign_up_waits_by_itself_and_opens_with_its_own_password(database: Database) {
    let service = service(database, &[], &[("SIGNUP__VERIFY_EMAIL", "true")]).await;
    let (intruder, owner) = (service.anonymous(), service.anonymous());
    intruder.try_sign_up(ADA).await.unwrap().expect(202);
    let planted = service.mail(1).await.token();
    let wish = json!({"email": ADA, "password": OTHER});
    owner.post("/api/signup", &wish).await.expect(202);
    let own = service.mail(2).await.token();
    assert_ne!(planted, own);
    let verify = json!({"token": own});
    owner.post("/api/email/verify", &verify).await.expect(204);
    service.anonymous().try_log_in(ADA, OTHER).await.unwrap().expect(200);
    for caller in [&intruder, &owner] {
        let refused = caller.try_log_in(ADA, PASSWORD).await.unwrap();
        refused.expect_problem(401, "invalid-credentials");
    }
    let verify = json!({"token": planted});
    intruder
        .post("/api/email/verify", &verify)
        .await
        .expect_problem(410, "token-dead");
}
