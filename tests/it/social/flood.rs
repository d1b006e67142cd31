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
