use serde_json::json;

use super::{ADA, arrive, depart, log_in, service};
use crate::support::{Database, Kind, Lie, Person, Provider};

/// A lie, and what the operator's log says about it.
const LIES: [(Kind, Lie, &str); 14] = [
    (Kind::Google, Lie::Signature, "Signature verification failed"),
    (Kind::Google, Lie::NoSignature, "ID token"),
    (Kind::Google, Lie::SharedSecret, "algorithm"),
    (Kind::Google, Lie::ForeignKey, "Signature verification failed"),
    (Kind::Google, Lie::UnknownKey, "No matching key found"),
    (Kind::Google, Lie::Issuer, "Invalid issuer"),
    (Kind::Google, Lie::Audience, "Invalid audiences"),
    (Kind::Google, Lie::SecondAudience, "Invalid audiences"),
    (Kind::Google, Lie::Party, "`azp` is not this client"),
    (Kind::Google, Lie::Expired, "Expired"),
    (Kind::Google, Lie::Nonce, "Invalid nonce"),
    (Kind::Google, Lie::NoNonce, "Invalid nonce"),
    (
        Kind::Google,
        Lie::AccessTokenHash,
        "`at_hash` is of another access token",
    ),
    (
        Kind::Oidc,
        Lie::UserInfoSubject,
        "the subject of the user info is not the ID token's",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn id_token_that_lies_is_refused_with_the_reason_in_the_log_only() {
    let google = Provider::start(Kind::Google, "google").await;
    let oidc = Provider::start(Kind::Oidc, "oidc").await;
    let service = service(Database::Sqlite, &[&google, &oidc], &[]).await;
    let ada = Person::verified(1, ADA);
    for (kind, lie, reason) in LIES {
        let provider = if kind == Kind::Google { &google } else { &oidc };
        provider.lies(Some(lie));
        let caller = service.anonymous();
        let before = service.log().len();
        let answer = log_in(&caller, provider, &ada)
            .await
            .expect_problem(403, "provider-refused");
        assert!(answer.cookie("sessionid").is_none(), "{lie:?}");
        let said = service.log()[before..].to_owned();
        assert!(said.contains(reason), "{lie:?}: {said}");
        assert!(!answer.body.contains(reason), "{lie:?}");
    }
    // The truth is believed.
    for provider in [&google, &oidc] {
        provider.lies(None);
        log_in(&service.anonymous(), provider, &ada).await;
    }
    let caller = service.anonymous();
    log_in(&caller, &google, &ada).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_of_another_issuer_is_refused_before_its_code_is_presented() {
    let provider = Provider::start(Kind::Google, "google").await;
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let ada = Person::verified(1, ADA);
    let caller = service.anonymous();
    provider.lies(Some(Lie::CallbackIssuer));
    let back = depart(&caller, &provider, "login", &ada).await;
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(403, "provider-refused");
    // It announces the parameter, so its absence is as wrong.
    let mut back = depart(&caller, &provider, "login", &ada).await;
    back.iss = None;
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(403, "provider-refused");
    assert_eq!(provider.exchanges(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_document_of_another_issuer_is_refused() {
    let provider = Provider::start(Kind::Google, "google").await;
    provider.lies(Some(Lie::MetadataIssuer));
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let start = service
        .anonymous()
        .post("/api/social/google/start", &json!({"intent": "login"}))
        .await;
    start.expect_problem(403, "provider-refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn address_that_google_verifies_by_a_text_is_not_verified() {
    let provider = Provider::start(Kind::Google, "google").await;
    provider.lies(Some(Lie::TextVerified));
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let answer = log_in(&service.anonymous(), &provider, &Person::verified(1, ADA)).await;
    answer.expect_problem(403, "provider-refused");
    provider.lies(None);
    let unverified = Person {
        verified: false,
        ..Person::verified(1, ADA)
    };
    let answer = log_in(&service.anonymous(), &provider, &unverified).await;
    answer.expect_problem(409, "email-needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_endpoint_is_not_called_unless_that_is_allowed() {
    let provider = Provider::start(Kind::Google, "google").await;
    let mut service = crate::support::Service::prepare(Database::Sqlite).await;
    provider.configure(&mut service);
    service.set("SOCIAL__ALLOW_INTERNAL", "false");
    service.set("SOCIAL__GOOGLE__ISSUER", "https://127.0.0.1:1");
    service.start_again().await;
    let start = service
        .anonymous()
        .post("/api/social/google/start", &json!({"intent": "login"}))
        .await;
    start.expect_problem(503, "provider-down");
    assert!(service.log().contains("the address is internal"), "{}", service.log());
}
