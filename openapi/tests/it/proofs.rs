//! Checkpoints and proofs: numbers of 64 bits in and out.

use serde_json::json;

use crate::support::{Browser, fields};

#[tokio::test]
async fn numbers_of_events_are_texts() {
    let mut auditor = Browser::signed_in().await;
    let proof = auditor
        .get("/api/audit/proofs/inclusion?position=7&size=9")
        .await
        .json();
    assert_eq!((&proof["position"], &proof["size"]), (&json!("7"), &json!("9")));
    let all = auditor
        .get("/api/audit/proofs/consistency?from=9223372036854775807")
        .await;
    assert_eq!(all.json()["from"], "9223372036854775807");
    let list = auditor.get("/api/audit/checkpoints?limit=1").await.json();
    assert_eq!(
        (&list["items"][0]["size"], &list["next_cursor"]),
        (&json!("10"), &json!("1"))
    );
}

#[tokio::test]
async fn what_is_no_number_of_events_is_refused_by_name() {
    let mut auditor = Browser::signed_in().await;
    for wrong in [
        "0",
        "-1",
        "+1",
        "1e3",
        "",
        "x",
        "9223372036854775808",
        "00000000000000000001",
    ] {
        let wrong = wrong.replace('+', "%2B");
        let answer = auditor
            .get(&format!("/api/audit/proofs/inclusion?position={wrong}"))
            .await;
        assert_eq!(answer.invalid(), fields(&[("position", "not_a_number")]), "{wrong}");
    }
    let answer = auditor.get("/api/audit/proofs/consistency?to=3").await;
    assert_eq!(answer.invalid(), fields(&[("from", "missing")]));
    let answer = auditor.get("/api/audit/proofs/inclusion?position=1&position=2").await;
    assert_eq!(answer.invalid(), fields(&[("position", "repeated")]));
}

#[tokio::test]
async fn tree_that_does_not_reach_that_far_is_not_found() {
    let mut auditor = Browser::signed_in().await;
    for path in ["inclusion?position=1&size=11", "consistency?from=1&to=11"] {
        let answer = auditor.get(&format!("/api/audit/proofs/{path}")).await;
        answer.is_problem(404, "not-found");
    }
    let mut nobody = Browser::new();
    let answer = nobody.get("/api/audit/checkpoints/latest").await;
    answer.is_problem(401, "unauthenticated");
}
