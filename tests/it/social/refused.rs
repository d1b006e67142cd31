//! Logins that were refused after the provider had vouched for somebody.

use serde_json::Value;

use super::{ADA, arrive, depart, log_in, service, user_id};
use crate::support::{Caller, Database, Kind, Person, Provider, eventually};

on_each_store!(refused_login_by_a_provider_is_in_the_book);

const BOB: &str = "bob@example.net";
const AUDITOR: &str = "audrey@example.org";

async fn found(auditor: &Caller, filter: &str) -> Vec<Value> {
    let page = auditor.get(&format!("/api/audit/logins?{filter}")).await.expect(200);
    page.json()["items"].as_array().unwrap().clone()
}

async fn refused_login_by_a_provider_is_in_the_book(database: Database) {
    let google = Provider::start(Kind::Google, "google").await;
    let settings = [("SOCIAL__ALLOWED_DOMAINS", "example.org")];
    let service = service(database, &[&google], &settings).await;
    let ada = service.anonymous();
    log_in(&ada, &google, &Person::verified(1, ADA)).await.expect(200);
    let id = user_id(&ada).await;
    service.signed_up(AUDITOR).await;
    service.doorbook(&["user", "grant", AUDITOR, "auditor"]).await;
    let auditor = service.anonymous();
    auditor.log_in(AUDITOR).await;

    service.doorbook(&["user", "deactivate", ADA]).await;
    log_in(&service.anonymous(), &google, &Person::verified(1, ADA))
        .await
        .expect_problem(403, "account-inactive");
    log_in(&service.anonymous(), &google, &Person::verified(2, BOB))
        .await
        .expect_problem(403, "not-admitted");

    let failures = eventually("both are in the book", || async {
        let failures = found(&auditor, "method=social&outcome=failure").await;
        (failures.len() == 2).then_some(failures)
    })
    .await;
    let [not_admitted, inactive] = failures.as_slice() else {
        panic!("{failures:?}")
    };
    for (failure, reason, email) in [(inactive, "inactive", ADA), (not_admitted, "not_admitted", BOB)] {
        assert_eq!(failure["outcome"], "failure");
        assert_eq!(
            (&failure["method"], &failure["provider"]),
            (&"social".into(), &"google".into())
        );
        assert_eq!((&failure["reason"], &failure["email"]), (&reason.into(), &email.into()));
        assert_eq!(failure["ip"], "127.0.0.1");
    }
    assert_eq!(inactive["user_id"], id);
    assert!(not_admitted.get("user_id").is_none(), "{not_admitted}");
    assert_eq!(found(&auditor, "reason=inactive&provider=google").await.len(), 1);
    assert!(found(&auditor, "method=password&outcome=failure").await.is_empty());

    // Another's identity is no proof of one's own.
    let back = depart(&auditor, &google, "reauthenticate", &Person::verified(1, ADA)).await;
    let refused = arrive(&auditor, &google, &back).await;
    refused.expect_problem(409, "linked-to-another");
    let failures = eventually("the foreign proof is in the book", || async {
        let failures = found(&auditor, "method=social&outcome=failure").await;
        (failures.len() == 3).then_some(failures)
    })
    .await;
    assert_eq!(
        (&failures[0]["reason"], &failures[0]["email"]),
        (&"not_linked".into(), &AUDITOR.into())
    );

    service.doorbook(&["projections", "rebuild", "--all"]).await;
    assert_eq!(found(&auditor, "method=social&outcome=failure").await, failures);
    service.doorbook(&["projections", "verify"]).await;
}
