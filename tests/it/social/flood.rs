use std::time::{Duration, Instant};

use serde_json::json;

use super::service;
use crate::support::{Database, Kind, Provider};

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_that_one_network_begins_are_bounded_by_both_ways() {
    let github = Provider::start(Kind::Github, "github").await;
    let settings = [("THROTTLE__ENABLED", "true"), ("THROTTLE__FLOW_NETWORK__LIMIT", "3")];
    let service = service(Database::Sqlite, &[&github], &settings).await;
    let caller = service.anonymous();
    for _ in 0..3 {
        let body = json!({"intent": "login"});
        caller.post("/api/social/github/start", &body).await.expect(200);
    }
    let refused = caller
        .post("/api/social/github/start", &json!({"intent": "login"}))
        .await;
    refused.expect_problem(429, "too-many-requests");
    let refused = caller.get("/api/social/github/login").await;
    refused.expect_problem(429, "too-many-requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_provider_keeps_nobody_waiting_for_the_timeouts_of_others() {
    let provider = Provider::start(Kind::Oidc, "idp").await;
    provider.falls_silent();
    let service = service(Database::Sqlite, &[&provider], &[("SOCIAL__TIMEOUT", "2s")]).await;
    let begun = Instant::now();
    let starts = (0..8).map(|_| async {
        let caller = service.anonymous();
        let start = caller.post("/api/social/idp/start", &json!({"intent": "login"})).await;
        start.expect_problem(503, "provider-down");
    });
    futures_util::future::join_all(starts).await;
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn sibling_host_cannot_begin_a_login() {
    let github = Provider::start(Kind::Github, "github").await;
    let service = service(Database::Sqlite, &[&github], &[]).await;
    let caller = service.anonymous();
    for (site, status) in [
        ("same-site", 403),
        ("cross-site", 403),
        ("same-origin", 302),
        ("none", 302),
    ] {
        let request = caller.request(reqwest::Method::GET, "/api/social/github/login");
        let answer = caller.send(request.header("sec-fetch-site", site)).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{site}");
    }
}
