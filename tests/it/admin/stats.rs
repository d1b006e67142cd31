use serde_json::{Value, json};

use super::{act, admin, id_of, with_roles};
use crate::support::{Database, Service, eventually};

on_each_store!(overview_counts_what_happened, overview_is_for_admins_only);

async fn overview_counts_what_happened(database: Database) {
    let service = Service::start(database).await;
    let ada = admin(&service, "ada@example.org").await;
    let bob = service.signed_up("bob@example.org").await;
    let eve = service.signed_up("eve@example.org").await;
    act(&ada, &id_of(&eve).await, "deactivate").await.expect(204);
    let stranger = service.anonymous();
    for _ in 0..3 {
        let wrong = stranger.try_log_in("bob@example.org", "a guess").await.unwrap();
        wrong.expect(401);
    }
    let stats = eventually("failures are in the history", || async {
        let stats = ada.get("/api/admin/stats").await.expect(200).json();
        (sum(&stats, "failures") == 3).then_some(stats)
    })
    .await;
    let hours = stats["hours"].as_array().unwrap();
    assert_eq!(hours.len(), 24, "hours without a login are there, too");
    let froms: Vec<&str> = hours.iter().map(|hour| hour["from"].as_str().unwrap()).collect();
    assert!(froms.is_sorted() && froms.iter().all(|from| from.ends_with(":00:00.000000Z")));
    assert_eq!(sum(&stats, "logins"), 4, "of ada two, bob and eve");
    assert!(stats["events_per_second"].as_f64().unwrap() > 0.0);
    assert!(stats["position"].as_str().unwrap().parse::<u64>().unwrap() > 10);
    let lag = stats["lag"].as_array().unwrap();
    assert!(
        lag.iter().any(|lag| lag["projection"] == "users" && lag["parked"] == 0),
        "{stats}"
    );

    // What takes a while was counted when the first answer was written, and says so.
    let totals = &stats["totals"];
    assert!(totals["counted_at"].as_str().unwrap() <= stats["at"].as_str().unwrap());
    assert_eq!(
        (
            &totals["active_users"],
            &totals["deactivated_users"],
            &totals["erased_users"]
        ),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(totals["live_sessions"], 2, "of ada and of bob");
    assert!(bob.is_signed_in().await);
}

fn sum(stats: &Value, what: &str) -> u64 {
    let hours = stats["hours"].as_array().unwrap().iter();
    hours.map(|hour| hour[what].as_u64().unwrap()).sum()
}

async fn overview_is_for_admins_only(database: Database) {
    let service = Service::start(database).await;
    let anonymous = service.anonymous().get("/api/admin/stats").await;
    anonymous.expect_problem(401, "unauthenticated");
    for roles in [&[][..], &["auditor"]] {
        let email = format!("user{}@example.org", roles.len());
        let caller = with_roles(&service, &email, roles).await;
        caller.get("/api/admin/stats").await.expect_problem(403, "forbidden");
    }
}
