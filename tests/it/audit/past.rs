use std::time::Duration;

use doorbook::clock::Clock;

use super::*;

on_each_store!(past_shows_who_was_signed_in, past_shows_who_a_user_was);

/// An instant of its own: nothing happens within it.
async fn pause() -> String {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = Clock::system().now().to_string();
    tokio::time::sleep(Duration::from_millis(5)).await;
    now
}

async fn past_shows_who_was_signed_in(database: Database) {
    let service = prepared(database).await;
    let auditor = auditor(&service).await;
    let before = pause().await;
    let desk = service.signed_up(ADA).await;
    let id = user_id(&desk).await;
    let one = pause().await;
    let phone = service.anonymous();
    phone.log_in(ADA).await;
    let (desks, phones) = (desk.session_id().await, phone.session_id().await);
    let both = pause().await;
    desk.try_log_out().await.unwrap().expect(200);
    let other = pause().await;
    service.doorbook(&["user", "deactivate", ADA]).await;
    let none = pause().await;
    for (instant, expected) in [
        (&before, vec![]),
        (&one, vec![&desks]),
        (&both, vec![&phones, &desks]),
        (&other, vec![&phones]),
        (&none, vec![]),
    ] {
        let path = format!("/api/audit/sessions?as_of={instant}&user_id={id}");
        let found = eventually("the sessions follow", || async {
            let found = items(&auditor, &path).await;
            (found.len() == expected.len()).then_some(found)
        })
        .await;
        let ids: Vec<&str> = found.iter().map(|item| item["id"].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{path}");
    }
    let path = format!("/api/audit/sessions?as_of={both}&user_id={id}&limit=1");
    let first = auditor.get(&path).await.expect(200).json();
    assert_eq!(first["items"][0]["end_reason"], "deactivated");
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = items(&auditor, &format!("{path}&cursor={cursor}")).await;
    assert_eq!(
        (&second[0]["id"], &second[0]["end_reason"]),
        (&json!(desks), &json!("logged_out"))
    );
    let everybody = items(&auditor, &format!("/api/audit/sessions?as_of={both}")).await;
    assert!(everybody.len() >= 3, "the auditor, too: {everybody:?}");
}

async fn past_shows_who_a_user_was(database: Database) {
    let service = prepared(database).await;
    let auditor = auditor(&service).await;
    let before = pause().await;
    let ada = service.signed_up(ADA).await;
    let id = user_id(&ada).await;
    let nameless = pause().await;
    let name = json!({"name": "Ada"});
    ada.change(Method::PATCH, "/api/me", Some(&name))
        .await
        .unwrap()
        .expect(200);
    let named = pause().await;
    service.doorbook(&["user", "grant", ADA, "admin"]).await;
    let promoted = pause().await;
    let path = |instant: &str| format!("/api/audit/users/{id}?as_of={instant}");
    auditor.get(&path(&before)).await.expect_problem(404, "not-found");
    let user = auditor.get(&path(&nameless)).await.expect(200).json();
    assert_eq!(
        (user.get("name"), &user["email"], &user["roles"]),
        (None, &json!(ADA), &json!([]))
    );
    let user = auditor.get(&path(&named)).await.expect(200).json();
    assert_eq!((&user["name"], &user["roles"]), (&json!("Ada"), &json!([])));
    let user = auditor.get(&path(&promoted)).await.expect(200).json();
    assert_eq!((&user["roles"], &user["active"]), (&json!(["admin"]), &json!(true)));
    let user = auditor.get(&format!("/api/audit/users/{id}")).await.expect(200).json();
    assert_eq!(user["roles"], json!(["admin"]));
}
