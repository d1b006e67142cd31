use reqwest::Method;
use serde_json::json;

use super::{ADA, arrive, depart, linked, log_in, log_in_by_redirect, person, service, user_id};
use crate::support::{Back, Database, Kind, PASSWORD, Person, Provider, Service, eventually};

on_each_store!(
    new_person_comes_in_and_returns_through_each_kind_by_page_and_by_redirect,
    request_of_the_article_signs_in_with_a_state_of_this_browser,
    states_codes_and_cookies_of_two_browsers_are_not_exchangeable,
    parallel_redemptions_of_one_code_open_one_session,
    two_first_logins_of_one_person_make_one_account,
    provider_without_a_verified_address_asks_for_an_account_and_is_linked_then,
    flow_is_of_its_own_provider_and_way,
);

const VOUCHING: [Kind; 3] = [Kind::Google, Kind::Oidc, Kind::Github];

async fn new_person_comes_in_and_returns_through_each_kind_by_page_and_by_redirect(database: Database) {
    for kind in VOUCHING {
        let provider = Provider::start(kind, "idp").await;
        let service = service(database, &[&provider], &[]).await;
        let (ada, bob) = (person(kind, 1, ADA), person(kind, 2, "bob@example.org"));
        let page = service.anonymous();
        let answer = log_in(&page, &provider, &ada).await.expect(200).json();
        assert_eq!(answer["user"]["email"], ADA, "{kind:?}");
        assert_eq!(answer["user"]["email_verified"], true);
        assert_eq!(answer["user"]["name"], "Ada");
        let id = user_id(&page).await;
        assert_eq!(linked(&page).await, ["idp"]);
        let again = service.anonymous();
        log_in(&again, &provider, &ada).await.expect(200);
        assert_eq!(user_id(&again).await, id);

        let plain = service.anonymous();
        let answer = log_in_by_redirect(&plain, &provider, &bob).await.expect(302);
        assert_eq!(answer.header("location"), Some("/welcome"));
        let other = user_id(&plain).await;
        assert_ne!(other, id);
        let again = service.anonymous();
        log_in_by_redirect(&again, &provider, &bob).await.expect(302);
        assert_eq!(user_id(&again).await, other);
        shown_with_method_and_provider(&again).await;
    }
}

async fn shown_with_method_and_provider(caller: &crate::support::Caller) {
    for path in ["/api/me/logins", "/api/sessions"] {
        let list = caller.get(path).await.expect(200).json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2, "{path}");
        for item in items {
            assert_eq!(
                (&item["method"], &item["provider"]),
                (&json!("social"), &json!("idp")),
                "{path}"
            );
        }
    }
}

async fn request_of_the_article_signs_in_with_a_state_of_this_browser(database: Database) {
    let provider = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&provider], &[]).await;
    let ada = Person::verified(1, ADA);
    let caller = service.anonymous();
    let back = depart(&caller, &provider, "login", &ada).await;
    let answer = caller
        .get(&format!("/api/social/github/?{}", back.query()))
        .await
        .expect(200);
    assert!(answer.cookie("sessionid").unwrap().has("httponly"));
    assert!(caller.is_signed_in().await);
    // The article's own state is a constant that nobody checks.
    let constant = Back {
        state: "constant".to_owned(),
        ..back
    };
    let path = format!("/api/social/github/?{}", constant.query());
    service
        .anonymous()
        .get(&path)
        .await
        .expect_problem(400, "state-invalid");
}

async fn states_codes_and_cookies_of_two_browsers_are_not_exchangeable(database: Database) {
    let provider = Provider::start(Kind::Google, "google").await;
    let service = service(database, &[&provider], &[]).await;
    let (ada, eve) = (Person::verified(1, ADA), Person::verified(2, "eve@example.org"));
    // Whose state, and whose cookie; the code is Eve's, who wants Ada to be signed in as Eve.
    for (state_of_ada, cookie_of_ada, code_of_ada) in [
        (false, true, false),
        (false, true, true),
        (true, false, false),
        (true, false, true),
        (true, true, false),
        (false, false, true),
    ] {
        let (one, two) = (service.anonymous(), service.anonymous());
        let (mine, hers) = (
            depart(&one, &provider, "login", &ada).await,
            depart(&two, &provider, "login", &eve).await,
        );
        let back = Back {
            code: if code_of_ada { &mine.code } else { &hers.code }.clone(),
            state: if state_of_ada { &mine.state } else { &hers.state }.clone(),
            iss: mine.iss.clone(),
        };
        let caller = if cookie_of_ada { &one } else { &two };
        let answer = arrive(caller, &provider, &back).await;
        // With state and cookie of one browser and the code of another, PKCE and nonce refuse.
        assert!(matches!(answer.status.as_u16(), 400 | 403), "{answer:?}");
        assert!(answer.cookie("sessionid").is_none());
        assert!(!caller.is_signed_in().await);
    }
    let nobody = service.anonymous();
    let back = depart(&service.anonymous(), &provider, "login", &ada).await;
    arrive(&nobody, &provider, &back)
        .await
        .expect_problem(400, "state-invalid");
}

async fn parallel_redemptions_of_one_code_open_one_session(database: Database) {
    let provider = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&provider], &[]).await;
    let caller = service.anonymous();
    let back = depart(&caller, &provider, "login", &Person::verified(1, ADA)).await;
    let tabs: Vec<_> = (0..16).map(|_| (caller.twin(), back.body())).collect();
    let asked = tabs.into_iter().map(|(tab, body)| {
        tokio::spawn(async move {
            tab.change(Method::POST, "/api/social/github", Some(&body))
                .await
                .unwrap()
        })
    });
    let mut opened = 0;
    for answer in asked.collect::<Vec<_>>() {
        let answer = answer.await.unwrap();
        if answer.status == 200 {
            opened += 1;
        } else {
            answer.expect_problem(400, "state-invalid");
        }
    }
    assert_eq!((opened, provider.exchanges()), (1, 1));
    // And afterwards.
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(400, "state-invalid");
}

async fn two_first_logins_of_one_person_make_one_account(database: Database) {
    let provider = Provider::start(Kind::Google, "google").await;
    let service = service(database, &[&provider], &[]).await;
    let ada = Person::verified(1, ADA);
    let mut asked = Vec::new();
    for _ in 0..6 {
        let caller = service.anonymous();
        let back = depart(&caller, &provider, "login", &ada).await;
        asked.push(tokio::spawn(async move {
            let answer = caller
                .change(Method::POST, "/api/social/google", Some(&back.body()))
                .await
                .unwrap();
            (caller, answer)
        }));
    }
    let mut ids = Vec::new();
    for task in asked {
        let (caller, answer) = task.await.unwrap();
        if answer.status == 200 {
            ids.push(user_id(&caller).await);
        } else {
            answer.expect_problem(409, "conflict");
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
}

async fn provider_without_a_verified_address_asks_for_an_account_and_is_linked_then(database: Database) {
    let facebook = Provider::start(Kind::Facebook, "facebook").await;
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(database, &[&facebook, &github], &[("SIGNUP__VERIFY_EMAIL", "false")]).await;
    let absent = Person {
        email: None,
        ..person(Kind::Facebook, 1, ADA)
    };
    let unverified = Person {
        verified: false,
        ..Person::verified(2, ADA)
    };
    for (provider, somebody) in [(&facebook, absent), (&github, unverified)] {
        let email = format!("{}@example.org", provider.name);
        let caller = service.anonymous();
        log_in(&caller, provider, &somebody)
            .await
            .expect_problem(409, "email-needed");
        assert!(!caller.is_signed_in().await);
        caller.try_sign_up(&email).await.unwrap().expect(202);
        caller.try_log_in(&email, PASSWORD).await.unwrap().expect(200);
        let path = format!("/api/social/{}/continue", provider.name);
        caller.post(&path, &json!({})).await.expect(200);
        assert_eq!(linked(&caller).await, [provider.name.as_str()]);
        caller
            .post(&path, &json!({}))
            .await
            .expect_problem(400, "state-invalid");
        // From now on it is a way in.
        for by_redirect in [false, true] {
            let again = service.anonymous();
            if by_redirect {
                log_in_by_redirect(&again, provider, &somebody).await.expect(302);
            } else {
                log_in(&again, provider, &somebody).await.expect(200);
            }
            assert_eq!(user_id(&again).await, user_id(&caller).await);
        }
    }
}

async fn flow_is_of_its_own_provider_and_way(database: Database) {
    let one = Provider::start(Kind::Github, "one").await;
    let two = Provider::start(Kind::Github, "two").await;
    let service = service(database, &[&one, &two], &[]).await;
    let ada = Person::verified(1, ADA);
    let caller = service.anonymous();
    let back = depart(&caller, &one, "login", &ada).await;
    arrive(&caller, &two, &back).await.expect_problem(400, "state-invalid");
    let back = depart(&caller, &one, "login", &ada).await;
    let answer = caller
        .get(&format!("/api/social/one/callback?{}", back.query()))
        .await
        .expect(302);
    assert_eq!(
        answer.header("location"),
        Some("/?social_error=state-invalid&provider=one")
    );
    assert_eq!((one.exchanges(), two.exchanges()), (0, 0));
    caller
        .get("/api/social/three/login")
        .await
        .expect_problem(404, "not-found");
    let foreign = "/api/social/one/login?return_to=https://evil.example/";
    caller.get(foreign).await.expect_problem(422, "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn outage_of_a_provider_is_no_outage_of_the_others() {
    let provider = Provider::start(Kind::Oidc, "idp").await;
    let other = Provider::start(Kind::Github, "github").await;
    provider.is_down(true);
    let service: Service = service(Database::Sqlite, &[&provider, &other], &[]).await;
    let caller = service.anonymous();
    let start = caller.post("/api/social/idp/start", &json!({"intent": "login"})).await;
    start.expect_problem(503, "provider-down");
    let ada = Person::verified(1, ADA);
    log_in(&caller, &other, &ada).await.expect(200);
    provider.is_down(false);
    // That it was down is remembered for a moment.
    eventually("it is asked again", || async {
        let start = caller.post("/api/social/idp/start", &json!({"intent": "login"})).await;
        (start.status == 200).then_some(())
    })
    .await;
    let back = depart(&caller, &provider, "login", &ada).await;
    provider.is_down(true);
    arrive(&caller, &provider, &back)
        .await
        .expect_problem(503, "provider-down");
    for labels in [
        "provider=\"github\",outcome=\"session\"",
        "provider=\"idp\",outcome=\"provider_down\"",
    ] {
        let ended = service.metric(&format!("social_logins_total{{{labels}}}")).await;
        assert_eq!(ended, Some(1), "{labels}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_says_which_provider_is_ill_and_what_its_console_must_hold() {
    let provider = Provider::start(Kind::Oidc, "idp").await;
    let service = service(Database::Sqlite, &[&provider], &[]).await;
    let said = service.doorbook(&["doctor"]).await;
    for path in ["/auth/idp/callback", "/api/social/idp/callback"] {
        assert!(said.contains(&format!("{}{path}", service.origin())), "{said}");
    }
    assert!(said.contains("idp (idp): fine"), "{said}");
    provider.is_down(true);
    let output = service.output(&["doctor"]).await;
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("the provider is down: status 503"), "{said}");
}
