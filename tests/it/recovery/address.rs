//! Moving to another address.

use serde_json::json;

use super::{ADA, log_in, sign_up, verify};
use crate::support::{Answer, Caller, Database, PASSWORD, Service};

on_each_store!(
    address_changes_when_the_new_one_is_proven,
    taken_address_is_not_told_to_whoever_wants_it,
    own_address_is_taken_in_another_spelling,
    owner_stops_a_change_of_address_by_signing_out_everywhere,
);

const NEW: &str = "countess@example.net";

async fn change(caller: &Caller, email: &str) -> Answer {
    caller.post("/api/email/change", &json!({"email": email})).await
}

async fn address_changes_when_the_new_one_is_proven(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let desk = service.anonymous();
    change(&desk, NEW).await.expect_problem(401, "unauthenticated");
    desk.log_in(ADA).await;
    change(&desk, "nonsense").await.expect_problem(422, "invalid");
    change(&desk, "first@example.net").await.expect(202);
    let superseded = service.mail_to("first@example.net", 1).await.token();
    change(&desk, NEW).await.expect(202);
    let mail = service.mail_to(NEW, 1).await;
    assert!(mail.leads_to("verify"), "{mail:?}");
    let notice = service.mail_to(ADA, 3).await;
    assert_eq!(notice.header("Subject"), "Your address is about to change");
    assert!(!notice.leads_to("verify"), "{notice:?}");
    assert_eq!(log_in(&service, NEW, PASSWORD).await, 401);

    let phone = service.anonymous();
    verify(&phone, &superseded).await.expect_problem(410, "token-dead");
    verify(&phone, &mail.token()).await.expect(204);
    verify(&phone, &mail.token()).await.expect_problem(410, "token-dead");
    assert_eq!(log_in(&service, NEW, PASSWORD).await, 200);
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 401);
    assert_eq!(desk.get("/api/me").await.json()["email"], NEW);
    let last = service.mail_to(ADA, 4).await;
    assert_eq!(last.header("Subject"), "Your address was changed", "{last:?}");
    // The notice of the login from a new browser goes to the new address.
    service.mail_to(NEW, 2).await;

    // It is anybody's now.
    sign_up(&service, ADA, 8).await;
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 200);
    assert_eq!(log_in(&service, NEW, PASSWORD).await, 200);
}

async fn taken_address_is_not_told_to_whoever_wants_it(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    sign_up(&service, NEW, 2).await;
    let desk = service.anonymous();
    desk.log_in(ADA).await;
    let taken = change(&desk, NEW).await.expect(202);
    let free = change(&desk, "free@example.net").await.expect(202);
    assert_eq!(taken.body, free.body);
    let mail = service.mail_to("free@example.net", 1).await;
    assert!(mail.leads_to("verify"), "{mail:?}");

    // Somebody takes it between the letter and the link.
    let other = service.anonymous();
    other.try_sign_up("free@example.net").await.unwrap().expect(202);
    let signed = service.mail_to("free@example.net", 2).await.token();
    verify(&other, &signed).await.expect(204);
    verify(&desk, &mail.token()).await.expect_problem(410, "token-dead");
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 200);
}

async fn own_address_is_taken_in_another_spelling(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let desk = service.anonymous();
    desk.log_in(ADA).await;
    change(&desk, "Ada@Example.org").await.expect(202);
    let mail = service.mail_to("Ada@", 1).await;
    assert!(mail.leads_to("verify"), "{mail:?}");
    verify(&desk, &mail.token()).await.expect(204);
    assert_eq!(desk.get("/api/me").await.json()["email"], "Ada@Example.org");
    assert_eq!(log_in(&service, ADA, PASSWORD).await, 200);
}

async fn owner_stops_a_change_of_address_by_signing_out_everywhere(database: Database) {
    let service = Service::start_with_mail(database).await;
    sign_up(&service, ADA, 1).await;
    let owner = service.anonymous();
    owner.log_in(ADA).await;
    let thief = owner.twin();
    change(&thief, NEW).await.expect(202);
    let link = service.mail_to(NEW, 1).await.token();
    service.letter(ADA, "Your address is about to change").await;
    let answer = owner.delete("/api/sessions?except=current").await;
    assert!(answer.status.is_success(), "{answer:?}");
    verify(&service.anonymous(), &link)
        .await
        .expect_problem(410, "token-dead");
    assert_eq!(owner.get("/api/me").await.json()["email"], ADA);
    // A wish of the owner's own is taken afterwards.
    change(&owner, NEW).await.expect(202);
    let link = service.mail_to(NEW, 2).await.token();
    verify(&service.anonymous(), &link).await.expect(204);
    assert_eq!(log_in(&service, NEW, PASSWORD).await, 200);
}
