//! Users and the overview, for admins.

use doorbook_domain::role::Role;
use doorbook_openapi::users::{StateWish, UserAction, UserSearch, UserState};
use poem::http::Method;
use serde_json::{Value, json};

use crate::{
    stand_in::{Broken, EMAIL},
    support::{Browser, fields},
};

const USERS: &str = "/api/admin/users";
const ADA: &str = "/api/admin/users/00000000-0000-0000-0000-000000000ada";
const OTHER: &str = "/api/admin/users/00000000-0000-0000-0000-0000000000b0";
/// Every action, and whether it ends the sessions of the user.
const ACTIONS: [(&str, &str, UserAction, bool); 6] = [
    ("POST", "deactivate", UserAction::Deactivate, true),
    ("POST", "reactivate", UserAction::Reactivate, false),
    ("POST", "unlock", UserAction::Unlock, false),
    ("POST", "password-reset", UserAction::ResetPassword, false),
    ("DELETE", "sessions", UserAction::EndSessions, true),
    ("POST", "erase", UserAction::Erase, true),
];

async fn admin() -> Browser {
    let browser = Browser::signed_in().await;
    browser.app.promotes();
    browser
}

#[tokio::test]
async fn search_is_handed_on_as_it_was_sent() {
    let mut admin = admin().await;
    let answer = admin
        .get(&format!(
            "{USERS}?email=ada%40example.org&role=admin&state=unverified&limit=7&cursor=1.a"
        ))
        .await;
    assert_eq!(answer.status, 200);
    let page = answer.json();
    assert_eq!(page["next_cursor"], "1.a");
    assert_eq!(page["items"][0]["roles"], json!(["admin"]));
    assert_eq!(page["items"][1]["state"], "erased");
    let searched = admin.app.searches.lock().unwrap().pop();
    let expected = UserSearch {
        email: Some(EMAIL.to_owned()),
        role: Some(Role::Admin),
        state: Some(StateWish::Unverified),
    };
    assert_eq!(searched, Some(expected));
    assert_eq!(admin.app.pages.lock().unwrap().pop().unwrap().limit, 7);

    admin.get(&format!("{USERS}?state=erased")).await;
    let searched = admin.app.searches.lock().unwrap().pop().unwrap();
    assert_eq!(searched.state, Some(StateWish::Is(UserState::Erased)));

    for (query, field, code) in [
        ("role=root", "role", "unknown_value"),
        ("state=", "state", "unknown_value"),
        ("state=active&state=erased", "state", "repeated"),
        ("email=a%00b", "email", "control_character"),
        ("limit=0", "limit", "out_of_range"),
    ] {
        let answer = admin.get(&format!("{USERS}?{query}")).await;
        assert_eq!(answer.invalid(), fields(&[(field, code)]), "{query}");
    }
}

#[tokio::test]
async fn auditor_reads_and_changes_nothing_here() {
    let mut auditor = Browser::signed_in().await;
    for path in [USERS, ADA, &format!("{ADA}/sessions"), "/api/admin/stats"] {
        auditor.get(path).await.is_problem(403, "forbidden");
    }
    let body = json!({"roles": ["admin"]});
    let answer = auditor
        .ask(Method::PUT, &format!("{ADA}/roles"))
        .json(&body)
        .send()
        .await;
    answer.is_problem(403, "forbidden");
    // Also without a token, which only who may do it at all need fetch.
    let answer = auditor.post(USERS).json(&json!({})).no_csrf().send().await;
    answer.is_problem(403, "forbidden");
    assert_eq!(*auditor.app.actions.lock().unwrap(), []);
}

#[tokio::test]
async fn change_needs_a_token_and_an_id() {
    for (method, what, _, _) in ACTIONS {
        let mut admin = admin().await;
        let method: Method = method.parse().unwrap();
        let path = format!("{OTHER}/{what}");
        let answer = admin.ask(method.clone(), &path).no_csrf().send().await;
        answer.is_problem(403, "csrf-failed");
        let nobody = format!("{USERS}/somebody/{what}");
        admin.ask(method, &nobody).send().await.is_problem(404, "not-found");
        assert_eq!(*admin.app.actions.lock().unwrap(), []);
    }
}

#[tokio::test]
async fn action_on_oneself_that_ends_the_session_takes_its_cookie_away() {
    for (method, what, action, ends) in ACTIONS {
        for (path, own) in [(ADA, true), (OTHER, false)] {
            let mut admin = admin().await;
            let answer = admin
                .ask(method.parse().unwrap(), &format!("{path}/{what}"))
                .send()
                .await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{what}");
            let gone = answer
                .set_cookie("sessionid")
                .is_some_and(|line| line.contains("Max-Age=0"));
            assert_eq!(gone, own && ends, "{what} of {path}");
            assert_eq!(*admin.app.actions.lock().unwrap(), [action]);
        }
    }
}

#[tokio::test]
async fn new_user_has_a_place_and_a_taken_address_is_told() {
    let mut admin = admin().await;
    let wish = json!({"email": "grace@example.org", "roles": []});
    let answer = admin.post(USERS).json(&wish).send().await;
    assert_eq!(answer.status, 201);
    let place = answer.header("location").unwrap().to_owned();
    assert_eq!(place, ADA);
    assert_eq!(admin.get(&place).await.status, 200);

    let answer = admin.post(USERS).json(&json!({"email": EMAIL})).send().await;
    answer.is_problem(409, "address-taken");

    let wrong = json!({"roles": ["root"], "password": "chosen by an admin"});
    let answer = admin.post(USERS).json(&wrong).send().await;
    let expected = [
        ("email", "missing"),
        ("roles", "unknown_value"),
        ("password", "unknown"),
    ];
    assert_eq!(answer.invalid(), fields(&expected), "an admin never chooses a password");
    for roles in [json!("admin"), json!([1]), json!({"0": "admin"}), json!([["admin"]])] {
        let answer = admin
            .post(USERS)
            .json(&json!({"email": "g@example.org", "roles": roles}));
        assert_eq!(answer.send().await.status, 422, "{roles}");
    }
}

#[tokio::test]
async fn refusals_have_their_problems() {
    for (broken, status, slug) in [
        (Broken::Unproven, 403, "reauthentication-required"),
        (Broken::LastAdmin, 409, "last-admin"),
        (Broken::Contended, 409, "conflict"),
    ] {
        let mut admin = admin().await;
        admin.app.breaks(broken);
        let answer = admin.post(&format!("{OTHER}/erase")).send().await;
        answer.is_problem(status, slug);
        let body: Value = json!({"roles": []});
        let answer = admin.ask(Method::PUT, &format!("{OTHER}/roles")).json(&body);
        answer.send().await.is_problem(status, slug);
    }
}

#[tokio::test]
async fn parameter_that_an_operation_does_not_have_is_refused() {
    let mut admin = admin().await;
    let before = admin.app.searches.lock().unwrap().len();
    for path in [
        "/api/admin/users?rol=admin",
        "/api/admin/users/?limit=7&rol=admin",
        "/api/admin/projections/users/runs?rol=1",
        "/api/audit/checkpoints?rol=",
        "/api/sessions?rol=1",
    ] {
        assert_eq!(admin.get(path).await.invalid(), fields(&[("rol", "unknown")]), "{path}");
    }
    assert_eq!(admin.app.searches.lock().unwrap().len(), before);
    let answer = admin.get("/api/admin/users?rol=1&role=root").await;
    assert!(answer.invalid().contains_key("rol"), "{}", answer.text);
    // Who may not ask at all learns nothing about how to ask.
    Browser::new()
        .get("/api/admin/users?rol=admin")
        .await
        .is_problem(401, "unauthenticated");
}
