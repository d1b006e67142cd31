//! The real flow against a real provider: npm's `oidc-provider`, which `cargo xtask test` installs under `tools/oidc`.

use reqwest::redirect::Policy;
use serde_json::json;

use super::{real::Real, user_id};
use crate::support::{Back, Caller, Database, Service, free_port};

on_each_store!(real_provider_signs_people_in_again_links_and_proves_afresh);

/// Follows the provider's pages until they lead back to the service: the query of the callback.
async fn follow(authorize_url: &str, origin: &str) -> String {
    let browser = reqwest::Client::builder()
        .cookie_store(true)
        .redirect(Policy::none())
        .build()
        .unwrap();
    let mut url = reqwest::Url::parse(authorize_url).unwrap();
    for _ in 0..10 {
        if url.as_str().starts_with(origin) {
            return url.query().unwrap().to_owned();
        }
        let answer = browser.get(url.clone()).send().await.unwrap();
        let status = answer.status();
        let next = answer
            .headers()
            .get("location")
            .map(|next| next.to_str().unwrap().to_owned());
        let Some(next) = next else {
            panic!("{status} at {}: {}", url.path(), answer.text().await.unwrap());
        };
        url = url.join(&next).unwrap();
    }
    panic!("the provider leads nowhere");
}

async fn there_and_back(caller: &Caller, service: &Service, intent: &str) -> crate::support::Answer {
    let started = caller
        .post("/api/social/real/start", &json!({"intent": intent}))
        .await
        .expect(200)
        .json();
    let query = follow(started["authorize_url"].as_str().unwrap(), &service.origin()).await;
    caller.get(&format!("/api/social/real/?{query}")).await
}

async fn real_provider_signs_people_in_again_links_and_proves_afresh(database: Database) {
    let mut service = Service::prepare(database).await;
    let issuer = format!("http://localhost:{}", free_port());
    let _provider = Real::start(&issuer, &mut service, false).await;
    service.start_again().await;
    let ada = service.anonymous();
    let answer = there_and_back(&ada, &service, "login").await.expect(200).json();
    assert_eq!(
        (&answer["user"]["email"], &answer["user"]["name"]),
        (&json!("ada@example.org"), &json!("Ada"))
    );
    assert_eq!(answer["user"]["email_verified"], true);
    let id = user_id(&ada).await;
    there_and_back(&ada, &service, "reauthenticate").await.expect(200);
    there_and_back(&ada, &service, "link").await.expect(200);

    let again = service.anonymous();
    let there = again.get("/api/social/real/login?return_to=/welcome").await.expect(302);
    let query = follow(there.header("location").unwrap(), &service.origin()).await;
    let back = again
        .get(&format!("/api/social/real/callback?{query}"))
        .await
        .expect(302);
    assert_eq!(back.header("location"), Some("/welcome"));
    assert_eq!(user_id(&again).await, id);
    // Its code is worth nothing a second time, whatever state comes with it.
    let third = service.anonymous();
    let started = third
        .post("/api/social/real/start", &json!({"intent": "login"}))
        .await
        .expect(200)
        .json();
    let own = reqwest::Url::parse(started["authorize_url"].as_str().unwrap()).unwrap();
    let value = |url: &reqwest::Url, name: &str| {
        let pair = url.query_pairs().find(|(key, _)| key == name);
        pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let used = reqwest::Url::parse(&format!("http://x/?{query}")).unwrap();
    let replay = Back {
        code: value(&used, "code"),
        state: value(&own, "state"),
        iss: Some(value(&used, "iss")),
    };
    third
        .post("/api/social/real", &replay.body())
        .await
        .expect_problem(403, "provider-refused");
}
