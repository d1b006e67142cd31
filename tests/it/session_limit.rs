//! How many sessions a user may have at a time.

use std::collections::BTreeSet;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Caller, Database, Follower, Service, eventually};

on_each_store!(
    logins_beyond_the_limit_end_the_oldest_sessions,
    parallel_logins_keep_to_the_limit,
    login_in_the_same_browser_costs_no_other_session,
);

const EMAIL: &str = "ada@example.org";

async fn limited(database: Database) -> Service {
    let service = Service::start_with(database, &[("SESSION__MAX_PER_USER", "3")]).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    service
}

async fn logged_in(service: &Service) -> Caller {
    let caller = service.anonymous();
    caller.log_in(EMAIL).await;
    caller
}

async fn living(callers: &[Caller]) -> Vec<usize> {
    let mut living = Vec::new();
    for (number, caller) in callers.iter().enumerate() {
        if caller.is_signed_in().await {
            living.push(number);
        }
    }
    living
}

async fn logins_beyond_the_limit_end_the_oldest_sessions(database: Database) {
    let service = limited(database).await;
    let mut callers = vec![logged_in(&service).await];
    let mut first = Follower::of(&callers[0]).await;
    for _ in 1..5 {
        callers.push(logged_in(&service).await);
    }
    eventually("three are left", || async {
        (living(&callers).await == [2, 3, 4]).then_some(())
    })
    .await;
    first.is_signed_out("too_many").await;
    let history = callers[4].get("/api/me/logins").await.expect(200).json();
    let ends: Vec<&Value> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["end_reason"])
        .collect();
    assert_eq!(
        ends,
        [
            &Value::Null,
            &Value::Null,
            &Value::Null,
            &"too_many".into(),
            &"too_many".into()
        ]
    );
}

async fn parallel_logins_keep_to_the_limit(database: Database) {
    let service = limited(database).await;
    let mut logins = JoinSet::new();
    for _ in 0..8 {
        let caller = service.anonymous();
        logins.spawn(async move {
            caller.log_in(EMAIL).await;
            caller
        });
    }
    let callers = logins.join_all().await;
    eventually("three are left", || async {
        (living(&callers).await.len() == 3).then_some(())
    })
    .await;
    let listed: BTreeSet<String> = callers[living(&callers).await[0]]
        .get("/api/sessions")
        .await
        .expect(200)
        .json()["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["id"].to_string())
        .collect();
    assert_eq!(listed.len(), 3);
}

async fn login_in_the_same_browser_costs_no_other_session(database: Database) {
    let service = limited(database).await;
    let callers = [
        logged_in(&service).await,
        logged_in(&service).await,
        logged_in(&service).await,
    ];
    for _ in 0..3 {
        callers[2].log_in(EMAIL).await;
    }
    // A login beyond the limit comes last: by then the others have been looked after.
    let fourth = logged_in(&service).await;
    eventually("the oldest is over", || async {
        (!callers[0].is_signed_in().await).then_some(())
    })
    .await;
    assert_eq!(living(&callers).await, [1, 2]);
    assert!(fourth.is_signed_in().await);
}
