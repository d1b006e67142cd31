//! What goes well, in the order in which people do it.

use serde_json::json;

use crate::{
    stand_in::{Broken, EMAIL, PASSWORD},
    support::Browser,
};

#[tokio::test]
async fn requests_of_the_article_work_as_written() {
    let mut browser = Browser::new();

    let answer = browser.get("/api/login-set-cookie/").await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"details": "CSRF cookie set"}))
    );
    assert!(browser.jar.contains_key("csrftoken"));
    browser
        .get("/api/users/profile/")
        .await
        .is_problem(401, "unauthenticated");

    let wish = json!({"email": EMAIL, "password": PASSWORD});
    let answer = browser.post("/api/login/").json(&wish).send().await;
    assert_eq!(answer.status, 200);
    let cookie = browser.jar["sessionid"].clone();

    let answer = browser.get("/api/users/profile/").await;
    let profile = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(
        (&profile["email"], &profile["is_staff"], &profile["is_superuser"]),
        (&json!(EMAIL), &json!(true), &json!(false))
    );

    let answer = browser.post("/api/logout/").send().await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"detail": "Logout Successful"}))
    );
    assert_eq!(
        answer.set_cookie("sessionid").unwrap(),
        "sessionid=; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/; SameSite=Lax; HttpOnly"
    );
    assert_eq!(answer.header("clear-site-data"), Some("\"storage\""));
    browser.jar.insert("sessionid".to_owned(), cookie);
    browser
        .get("/api/users/profile/")
        .await
        .is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn logout_succeeds_for_the_signed_out_too() {
    let answer = Browser::new().post("/api/logout/").send().await;
    assert_eq!(
        (answer.status, answer.json()),
        (200, json!({"detail": "Logout Successful"}))
    );
    assert!(answer.set_cookie("sessionid").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn session_is_shown_to_anybody() {
    let mut browser = Browser::new();
    let answer = browser.get("/api/session").await;
    assert_eq!((answer.status, answer.json()), (200, json!({"authenticated": false})));

    let opened = browser.log_in().await;
    let answer = browser.get("/api/session/").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.json(), opened.json());
    let body = answer.json();
    assert_eq!(body["authenticated"], true);
    assert_eq!(body["user"]["name"], "Ada \"Zoë\" \\ Lovelace\u{1}");
    assert_eq!(body["user"]["roles"], json!(["auditor"]));
    assert_eq!(body["session"]["expires_at"], "2026-11-25T12:00:00.000000Z");
    assert!(
        !answer.text.contains(&browser.jar["sessionid"]),
        "the secret is in the body"
    );
}

#[tokio::test]
async fn session_that_only_the_log_knows_is_found() {
    let mut browser = Browser::new();
    browser.jar.insert("sessionid".to_owned(), "unread-1".to_owned());
    assert_eq!(browser.get("/api/session").await.json()["authenticated"], true);
    browser.jar.insert("sessionid".to_owned(), "unread-2".to_owned());
    assert_eq!(browser.get("/api/session").await.json()["authenticated"], false);
}

#[tokio::test]
async fn only_showing_the_session_is_no_activity() {
    let mut browser = Browser::signed_in().await;
    browser.get("/api/session").await;
    browser.get("/api/csrf").await;
    assert_eq!(browser.app.touches(), 0);
    for (count, path) in (1..).zip(["/api/me", "/api/sessions", "/api/me/logins", "/api/authz/auth-request"]) {
        browser.get(path).await;
        assert_eq!(browser.app.touches(), count, "{path}");
    }
}

#[tokio::test]
async fn login_replaces_the_live_session_and_rotates_its_cookie() {
    let mut browser = Browser::signed_in().await;
    let first = browser.get("/api/session").await.json()["session"]["id"].clone();
    let cookie = browser.jar["sessionid"].clone();
    let token = browser.jar["csrftoken"].clone();
    browser.log_in().await;
    assert_ne!(browser.jar["sessionid"], cookie);
    assert_ne!(browser.jar["csrftoken"], token);
    let replaced = browser.app.wishes.lock().unwrap().last().unwrap().replaces.unwrap();
    assert_eq!(json!(replaced.to_string()), first);
    browser.jar.insert("sessionid".to_owned(), cookie);
    assert_eq!(
        browser.get("/api/session").await.json(),
        json!({"authenticated": false})
    );
}

#[tokio::test]
async fn planted_session_id_is_never_adopted() {
    let mut browser = Browser::new();
    browser.jar.insert("sessionid".to_owned(), "planted".to_owned());
    browser.log_in().await;
    assert_ne!(browser.jar["sessionid"], "planted");
    assert_eq!(browser.app.wishes.lock().unwrap()[0].replaces, None);
}

#[tokio::test]
async fn session_is_refreshed_and_proven_again() {
    let mut browser = Browser::signed_in().await;
    let cookie = browser.jar["sessionid"].clone();
    let answer = browser.post("/api/session/refresh").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json()["session"]["idle_expires_at"],
        answer.json()["session"]["expires_at"]
    );
    assert!(answer.all("set-cookie").is_empty());

    let proof = json!({"password": PASSWORD});
    let answer = browser.post("/api/session/reauthenticate").json(&proof).send().await;
    assert_eq!(answer.status, 200);
    assert_ne!(browser.jar["sessionid"], cookie);
    assert_eq!(browser.get("/api/me").await.status, 200);

    let wrong = json!({"password": "wrong"});
    let answer = browser.post("/api/session/reauthenticate").json(&wrong).send().await;
    answer.is_problem(403, "wrong-password");
    assert_eq!(browser.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let mut browser = Browser::signed_in().await;
    let own = browser.get("/api/session").await.json()["session"]["id"].clone();
    let list = browser.get("/api/sessions?limit=1").await.json();
    assert_eq!(list["items"][0]["id"], own);
    assert_eq!(list["items"][0]["current"], true);
    assert_eq!(list["next_cursor"], "next");
    assert!(list["items"][0].get("ip").is_none());
    browser.get("/api/sessions?cursor=next").await;
    let asked = browser.app.pages.lock().unwrap().last().unwrap().clone();
    assert_eq!((asked.cursor.as_deref(), asked.limit), (Some("next"), 50));

    let cookie = browser.jar["sessionid"].clone();
    let answer = browser.delete("/api/sessions?except=current").send().await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_ne!(browser.jar["sessionid"], cookie);

    let unknown = "/api/sessions/00000000-0000-7000-8000-000000000000";
    browser.delete(unknown).send().await.is_problem(404, "not-found");
    browser
        .delete("/api/sessions/x")
        .send()
        .await
        .is_problem(404, "not-found");
    let path = format!("/api/sessions/{}", own.as_str().unwrap());
    let answer = browser.delete(&path).send().await;
    assert_eq!(answer.status, 204);
    assert!(!browser.jar.contains_key("sessionid"));
    assert_eq!(answer.header("clear-site-data"), Some("\"storage\""));
    let cleared = answer.all("set-cookie");
    assert_eq!(cleared.len(), 3, "session, flow and token: {cleared:?}");
}

#[tokio::test]
async fn another_session_ends_without_a_change_of_cookies() {
    let mut browser = Browser::signed_in().await;
    let other = crate::stand_in::session(4711, true);
    let path = format!("/api/sessions/{}/", other.id);
    browser.app.sessions.lock().unwrap().insert("other".to_owned(), other);
    let answer = browser.delete(&path).send().await;
    assert_eq!((answer.status, answer.all("set-cookie")), (204, vec![]));
    assert_eq!(browser.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn profile_is_changed_and_left_alone() {
    let mut browser = Browser::signed_in().await;
    let patch = poem::http::Method::PATCH;
    for (body, name) in [
        (json!({"name": "Grace"}), json!("Grace")),
        (json!({"name": null}), json!(null)),
        (json!({}), json!("Ada \"Zoë\" \\ Lovelace\u{1}")),
    ] {
        let answer = browser.ask(patch.clone(), "/api/me").json(&body).send().await;
        assert_eq!((answer.status, &answer.json()["name"]), (200, &name));
    }
}

#[tokio::test]
async fn password_is_changed() {
    let mut browser = Browser::signed_in().await;
    let cookie = browser.jar["sessionid"].clone();
    let change = json!({"current_password": PASSWORD, "new_password": "long enough"});
    let answer = browser.post("/api/password/change").json(&change).send().await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    assert_ne!(browser.jar["sessionid"], cookie);
    let change = json!({"current_password": "wrong", "new_password": "long enough"});
    browser
        .post("/api/password/change")
        .json(&change)
        .send()
        .await
        .is_problem(403, "wrong-password");
}

#[tokio::test]
async fn sign_up_answers_the_same_for_all() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let wish = |email: &str| json!({"email": email, "password": PASSWORD, "name": "Ada"});
    let known = browser.post("/api/signup").json(&wish(EMAIL)).send().await;
    let unknown = browser.post("/api/signup").json(&wish("new@example.org")).send().await;
    assert_eq!((known.status, unknown.status), (202, 202));
    assert_eq!(known.text, unknown.text);
    assert!(known.all("set-cookie").is_empty());
}

#[tokio::test]
async fn config_tells_what_forms_need() {
    let config = Browser::new().get("/api/config").await.json();
    assert_eq!(
        config,
        json!({
            "signup": {"enabled": true, "verify_email": false},
            "password": {"min_length": 8, "max_length": 1024},
            "providers": [{"id": "github", "name": "GitHub"}],
            "csrf": {"cookie": "csrftoken", "header": "X-CSRFToken"},
            "session": {"absolute_seconds": 1_209_600, "idle_seconds": 604_800},
        })
    );
}

#[tokio::test]
async fn login_history_is_listed() {
    let history = Browser::signed_in().await.get("/api/me/logins").await.json();
    assert_eq!(history["items"][0]["end_reason"], "logged_out");
    assert_eq!(history["items"][1]["reason"], "wrong_password");
    assert!(history.get("next_cursor").is_none());
}

#[tokio::test]
async fn erased_user_is_signed_out_and_told_to_forget() {
    let mut browser = Browser::new();
    browser.log_in().await;
    let answer = browser.delete("/api/me").send().await;
    assert_eq!(answer.status, 204);
    assert!(answer.set_cookie("sessionid").unwrap().contains("Max-Age=0"));
    assert_eq!(answer.header("clear-site-data"), Some("\"storage\""));
    browser.get("/api/me").await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn last_admin_is_told_why_it_stays() {
    let mut browser = Browser::new();
    browser.log_in().await;
    browser.app.breaks(Broken::LastAdmin);
    let answer = browser.delete("/api/me").send().await;
    assert_eq!(answer.header("retry-after"), None, "waiting does not help");
    answer.is_problem(409, "last-admin");
    assert_eq!(browser.get("/api/me").await.status, 200);
}

#[tokio::test]
async fn export_is_a_file_to_save_for_those_who_proved_who_they_are() {
    let mut browser = Browser::new();
    browser.get("/api/me/export").await.is_problem(401, "unauthenticated");
    browser.log_in().await;
    let answer = browser.get("/api/me/export").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"doorbook-export.json\"")
    );
    let export = answer.json();
    assert_eq!(export["profile"]["email"], EMAIL);
    assert_eq!(export["events"][0]["data"]["email"], EMAIL);
    browser.app.breaks(Broken::Unproven);
    browser
        .get("/api/me/export")
        .await
        .is_problem(403, "reauthentication-required");
}
