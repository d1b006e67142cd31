//! Who manages users: the last one stays, and what another decides about one holds at once.

use serde_json::json;

use super::prepared;
use crate::support::{Caller, Database, PASSWORD, Service};

on_each_store!(
    last_admin_stays_until_there_is_another,
    two_admins_cannot_erase_each_other_at_once,
    deactivation_and_roles_hold_on_the_next_request,
);

/// Logs in after the session has died: the CSRF token that was bound to it fits no more.
async fn log_in_again(caller: &Caller, email: &str) {
    caller.get("/api/csrf").await.expect(200);
    caller.log_in(email).await;
}

async fn admin(service: &Service, email: &str) -> Caller {
    let caller = service.signed_up(email).await;
    service.doorbook(&["user", "grant", email, "admin"]).await;
    log_in_again(&caller, email).await;
    caller
}

async fn last_admin_stays_until_there_is_another(database: Database) {
    let mut service = prepared(database).await;
    let (ada, bob) = ("ada@example.org", "bob@example.org");
    let first = admin(&service, ada).await;
    let stays = async |service: &Service| {
        for line in [
            &["user", "erase", ada, "--yes"][..],
            &["user", "deactivate", ada],
            &["user", "revoke", ada, "admin"],
        ] {
            let output = service.output(line).await;
            assert_eq!(output.status.code(), Some(1), "{line:?}");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains("last active admin"), "{said}");
        }
    };
    stays(&service).await;
    first.delete("/api/me").await.expect_problem(409, "last-admin");
    assert!(first.is_signed_in().await);

    // Somebody who may not log in is no help.
    admin(&service, bob).await;
    service.doorbook(&["user", "deactivate", bob]).await;
    stays(&service).await;
    service.doorbook(&["user", "reactivate", bob]).await;
    first.delete("/api/me").await.expect(204);
    let output = service.output(&["user", "revoke", bob, "admin"]).await;
    assert_eq!(output.status.code(), Some(1));

    service.stop().await;
    let output = service.output(&["user", "deactivate", bob]).await;
    assert_eq!(output.status.code(), Some(1), "without a service too");
    service
        .doorbook(&["user", "create", ada, "--role", "admin", "--password-hash", HASH])
        .await;
    service.doorbook(&["user", "deactivate", bob]).await;
}

const HASH: &str = "pbkdf2_sha256$1000$c2FsdHNhbHQ$4GsTjvUTWtFAkyzOGZoMQIcZ3gbDtCGZqkxX3dm3oPk=";

async fn two_admins_cannot_erase_each_other_at_once(database: Database) {
    let service = prepared(database).await;
    let (first, second) = (
        admin(&service, "ada@example.org").await,
        admin(&service, "bob@example.org").await,
    );
    let (one, other) = tokio::join!(first.delete("/api/me"), second.delete("/api/me"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
}

async fn deactivation_and_roles_hold_on_the_next_request(database: Database) {
    let service = prepared(database).await;
    let ada = service.signed_up("ada@example.org").await;
    service.doorbook(&["user", "deactivate", "ada@example.org"]).await;
    ada.get("/api/me").await.expect_problem(401, "unauthenticated");
    ada.get("/api/csrf").await.expect(200);
    let refused = ada.try_log_in("ada@example.org", PASSWORD).await.unwrap();
    refused.expect_problem(401, "invalid-credentials");
    service.doorbook(&["user", "reactivate", "ada@example.org"]).await;
    assert!(!ada.is_signed_in().await, "what ended stays ended");
    log_in_again(&ada, "ada@example.org").await;
    assert_eq!(ada.get("/api/me").await.expect(200).json()["roles"], json!([]));

    service.doorbook(&["user", "grant", "ada@example.org", "auditor"]).await;
    ada.get("/api/me").await.expect_problem(401, "unauthenticated");
    log_in_again(&ada, "ada@example.org").await;
    assert_eq!(ada.get("/api/me").await.expect(200).json()["roles"], json!(["auditor"]));
    service
        .doorbook(&["user", "revoke", "ada@example.org", "auditor"])
        .await;
    ada.get("/api/me").await.expect_problem(401, "unauthenticated");
}
