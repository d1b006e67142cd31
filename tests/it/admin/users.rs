use serde_json::{Value, json};

use super::{USERS, act, admin, events_of, id_of, log_in_again, path_of, reset_letter, set_roles, with_roles};
use crate::support::{Caller, Database, Follower, PASSWORD, Service, eventually};

on_each_store!(
    user_is_made_without_a_password_and_sets_one_by_mail,
    users_are_found_by_address_role_and_state,
    list_goes_on_where_the_page_ended,
    roles_hold_on_the_next_request_and_end_an_open_stream,
    deactivated_user_is_out_and_gets_no_role,
    lock_is_lifted_and_the_owner_gets_in,
    reset_mails_a_link_and_changes_nothing_by_itself,
    sessions_of_a_user_are_shown_and_ended,
    erased_user_is_gone_and_is_still_listed_as_such,
    every_action_names_its_admin,
);

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";

fn ids(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|item| item["id"].as_str().unwrap()).collect()
}

async fn listed(admin: &Caller, query: &str) -> Value {
    admin.get(&format!("{USERS}?{query}")).await.expect(200).json()
}

async fn user_is_made_without_a_password_and_sets_one_by_mail(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let wish = json!({"email": "Bob@Example.org", "name": "Bob", "roles": ["auditor"]});
    let made = ada.post(USERS, &wish).await.expect(201);
    let user = made.json();
    let place = path_of(user["id"].as_str().unwrap());
    assert_eq!(made.header("location"), Some(place.as_str()));
    assert_eq!(ada.get(&place).await.expect(200).json(), user);
    assert_eq!(user["email"], "Bob@Example.org");
    assert_eq!(
        (&user["email_verified"], &user["has_password"], &user["roles"]),
        (&json!(false), &json!(false), &json!(["auditor"]))
    );
    assert_eq!(
        ids(&listed(&ada, "state=unverified&role=auditor").await),
        [user["id"].as_str().unwrap()]
    );
    ada.post(USERS, &json!({"email": BOB}))
        .await
        .expect_problem(409, "address-taken");

    // Nobody gets in before the link was followed.
    let bob = service.anonymous();
    let early = bob.try_log_in(BOB, PASSWORD).await.unwrap();
    early.expect_problem(401, "invalid-credentials");
    let (token, letter) = reset_letter(&service, "Bob@example.org").await;
    assert!(letter.contains("An account was made for this address"), "{letter}");
    let set = json!({"token": token, "new_password": PASSWORD});
    bob.post("/api/password/reset", &set).await.expect(204);
    bob.log_in(BOB).await;
    let me = bob.get("/api/me").await.expect(200).json();
    assert_eq!(
        (&me["email_verified"], &me["roles"]),
        (&json!(true), &json!(["auditor"]))
    );
    let shown = ada.get(&place).await.expect(200).json();
    assert_eq!(
        (&shown["has_password"], &shown["live_sessions"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(shown["last_login"]["method"], "password");
}

async fn users_are_found_by_address_role_and_state(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = with_roles(&service, BOB, &["auditor"]).await;
    let eve = service.signed_up("eve@example.org").await;
    let (ada_id, bob_id, eve_id) = (id_of(&ada).await, id_of(&bob).await, id_of(&eve).await);

    assert_eq!(
        ids(&listed(&ada, "").await),
        [&eve_id, &bob_id, &ada_id],
        "newest first"
    );
    assert_eq!(ids(&listed(&ada, "email=BOB%40example.org").await), [&bob_id]);
    assert_eq!(ids(&listed(&ada, "email=nobody%40example.org").await), [""; 0]);
    let wrong = ada.get(&format!("{USERS}?email=nobody")).await;
    wrong.expect_problem(422, "invalid");
    assert_eq!(ids(&listed(&ada, "role=auditor").await), [&bob_id]);
    assert_eq!(ids(&listed(&ada, "role=admin").await), [&ada_id]);
    assert_eq!(ids(&listed(&ada, "email=bob%40example.org&role=admin").await), [""; 0]);

    act(&ada, &eve_id, "deactivate").await.expect(204);
    assert_eq!(
        ids(&listed(&ada, "state=deactivated").await),
        [&eve_id],
        "what was answered is seen"
    );
    assert_eq!(ids(&listed(&ada, "state=active").await), [&bob_id, &ada_id]);
    assert_eq!(ids(&listed(&ada, "state=active&role=auditor").await), [&bob_id]);
    let nobody = ada.get(&path_of("01930000-0000-7000-8000-000000000b0b")).await;
    nobody.expect_problem(404, "not-found");
}

async fn list_goes_on_where_the_page_ended(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    for number in 0..4 {
        let stranger = service.anonymous();
        let email = format!("user{number}@example.org");
        stranger.try_sign_up(&email).await.unwrap().expect(202);
    }
    let whole = listed(&ada, "").await;
    let mut seen = Vec::new();
    let mut query = "limit=2".to_owned();
    loop {
        let page = listed(&ada, &query).await;
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, ids(&whole));
    assert_eq!(seen.len(), 5);
    let broken = ada.get(&format!("{USERS}?cursor=nowhere")).await;
    broken.expect_problem(422, "invalid");
}

async fn roles_hold_on_the_next_request_and_end_an_open_stream(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = admin(&service, BOB).await;
    let id = id_of(&bob).await;
    let mut tab = Follower::of(&bob).await;
    bob.get(USERS).await.expect(200);

    let shown = set_roles(&ada, &id, &["auditor"]).await.expect(200).json();

    assert_eq!(shown["roles"], json!(["auditor"]));
    bob.get(USERS).await.expect_problem(401, "unauthenticated");
    tab.until("signed-out").await;
    assert_eq!(tab.next().await, None, "the stream ends");
    log_in_again(&bob, BOB).await;
    bob.get(USERS).await.expect_problem(403, "forbidden");
    assert_eq!(bob.get("/api/me").await.json()["roles"], json!(["auditor"]));

    set_roles(&ada, &id, &["auditor"]).await.expect(200);
    assert!(bob.is_signed_in().await, "what is already so ends nothing");
    set_roles(&ada, &id, &[]).await.expect(200);
    assert!(!bob.is_signed_in().await);
}

async fn deactivated_user_is_out_and_gets_no_role(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = service.signed_up(BOB).await;
    let id = id_of(&bob).await;
    act(&ada, &id, "deactivate").await.expect(204);
    act(&ada, &id, "deactivate").await.expect(204);
    assert!(!bob.is_signed_in().await);
    assert_eq!(ada.get(&path_of(&id)).await.expect(200).json()["state"], "deactivated");
    let refused = set_roles(&ada, &id, &["admin"]).await;
    refused.expect_problem(409, "user-deactivated");
    let refused = act(&ada, &id, "password-reset").await;
    refused.expect_problem(409, "user-deactivated");
    act(&ada, &id, "reactivate").await.expect(204);
    assert!(!bob.is_signed_in().await, "what ended stays ended");
    log_in_again(&bob, BOB).await;
}

async fn lock_is_lifted_and_the_owner_gets_in(database: Database) {
    let service = Service::start_with(database, &[("THROTTLE__ENABLED", "true")]).await;
    let ada = admin(&service, ADA).await;
    let bob = service.signed_up(BOB).await;
    let id = id_of(&bob).await;
    assert_eq!(
        ada.get(&path_of(&id)).await.expect(200).json()["locked_until"],
        Value::Null
    );
    // From a browser that nobody has used.
    let stranger = service.anonymous();
    eventually("the account is locked", || async {
        let answer = stranger.try_log_in(BOB, "a guess").await.unwrap();
        (answer.status.as_u16() == 429).then_some(())
    })
    .await;
    stranger.try_log_in(BOB, PASSWORD).await.unwrap().expect(429);
    assert!(ada.get(&path_of(&id)).await.expect(200).json()["locked_until"].is_string());

    act(&ada, &id, "unlock").await.expect(204);

    assert_eq!(
        ada.get(&path_of(&id)).await.expect(200).json()["locked_until"],
        Value::Null
    );
    stranger.try_log_in(BOB, PASSWORD).await.unwrap().expect(200);
}

async fn reset_mails_a_link_and_changes_nothing_by_itself(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = service.signed_up(BOB).await;
    let id = id_of(&bob).await;

    act(&ada, &id, "password-reset").await.expect(204);

    let (token, letter) = reset_letter(&service, BOB).await;
    assert!(!letter.contains("127.0.0.1"), "nothing of the admin: {letter}");
    assert!(bob.is_signed_in().await, "until the link is followed all is as it was");
    let other = "six quiet herons over Utrecht";
    let set = json!({"token": token, "new_password": other});
    service.anonymous().post("/api/password/reset", &set).await.expect(204);
    assert!(!bob.is_signed_in().await);
    service.anonymous().try_log_in(BOB, other).await.unwrap().expect(200);
}

async fn sessions_of_a_user_are_shown_and_ended(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = service.signed_up(BOB).await;
    let phone = service.anonymous();
    phone.log_in(BOB).await;
    let path = format!("{}/sessions", path_of(&id_of(&bob).await));
    let sessions = ada.get(&path).await.expect(200).json();
    let expected = [phone.session_id().await, bob.session_id().await];
    assert_eq!(ids(&sessions), expected, "newest first");
    assert_eq!(sessions["items"][0]["current"], false);

    ada.delete(&path).await.expect(204);

    assert!(!bob.is_signed_in().await && !phone.is_signed_in().await);
    assert_eq!(ada.get(&path).await.expect(200).json()["items"], json!([]));
    let own = format!("{}/sessions", path_of(&id_of(&ada).await));
    assert_eq!(ada.get(&own).await.json()["items"][0]["current"], true);
    let ended = ada.delete(&own).await.expect(204);
    assert!(ended.cookie("sessionid").is_some(), "the cookie is removed");
    assert!(!ada.is_signed_in().await, "an admin's own, too");
}

async fn erased_user_is_gone_and_is_still_listed_as_such(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let bob = service.signed_up(BOB).await;
    let id = id_of(&bob).await;
    act(&ada, &id, "erase").await.expect(204);
    act(&ada, &id, "erase").await.expect(204);
    assert!(!bob.is_signed_in().await);
    let shown = ada.get(&path_of(&id)).await.expect(200).json();
    assert_eq!(
        (&shown["state"], &shown["email"]),
        (&json!("erased"), &json!("[erased]"))
    );
    assert_eq!(ids(&listed(&ada, "state=erased").await), [&id]);
    assert!(!ids(&listed(&ada, "").await).contains(&id.as_str()));
    assert_eq!(ids(&listed(&ada, "email=bob%40example.org").await), [""; 0]);
    for what in ["deactivate", "reactivate", "unlock", "password-reset"] {
        act(&ada, &id, what).await.expect_problem(404, "not-found");
    }
    set_roles(&ada, &id, &["admin"]).await.expect_problem(404, "not-found");
    service.signed_up(BOB).await;
}

async fn every_action_names_its_admin(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, ADA).await;
    let actor = format!("user-{}", id_of(&ada).await);
    let made = ada.post(USERS, &json!({"email": BOB, "roles": ["auditor"]})).await;
    let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    set_roles(&ada, &id, &[]).await.expect(200);
    for what in ["deactivate", "reactivate", "unlock", "password-reset"] {
        act(&ada, &id, what).await.expect(204);
    }
    ada.delete(&format!("{}/sessions", path_of(&id))).await.expect(204);
    act(&ada, &id, "erase").await.expect(204);
    let events = events_of(&service, &format!("user-{id}")).await;
    let types: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        types,
        [
            "user.registered",
            "user.role_granted",
            "user.password_reset_requested",
            "user.role_revoked",
            "user.deactivated",
            "user.reactivated",
            "user.unlocked",
            "user.password_reset_requested",
            "user.sessions_ended",
            "user.erased",
        ]
    );
    assert!(events.iter().all(|(_, by)| *by == actor), "{events:?}");
}
