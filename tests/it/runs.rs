//! What admins do to read models, over HTTP and on the command line, with a service that runs, stands still or is killed.

mod poison;

use std::{process::Stdio, time::Duration};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::support::{Caller, Database, Follower, Service, eventually, random};

on_each_store!(
    admin_rebuilds_verifies_and_finds_the_history_again,
    every_action_of_an_admin_is_an_event_with_its_actor,
    cancelled_run_leaves_what_serves_and_its_stream_says_so,
    stream_of_a_run_ends_with_the_role_of_who_follows_it,
    paused_projection_serves_what_it_has_and_makes_nobody_wait,
    projection_goes_back_and_forward_under_its_readers,
    command_line_and_service_do_not_work_on_the_same_projection,
    rebuild_killed_at_random_points_leaves_what_serves,
);

const ADA: &str = "ada@example.org";
const BASE: &str = "/api/admin/projections";

/// An admin with a fresh proof.
async fn admin(service: &Service) -> Caller {
    service.signed_up(ADA).await;
    service.doorbook(&["user", "grant", ADA, "admin"]).await;
    let admin = service.anonymous();
    admin.log_in(ADA).await;
    admin
}

/// A service with a history that takes a while to fold, and an admin.
async fn seeded(database: Database, events: &str) -> (Service, Caller) {
    let mut service = Service::prepare(database).await;
    service
        .doorbook(&["dev", "seed", "--users", "200", "--events", events, "--seed", "1"])
        .await;
    service.start_again().await;
    let admin = admin(&service).await;
    (service, admin)
}

async fn begin(admin: &Caller, path: &str) -> String {
    let answer = admin.change(Method::POST, &format!("{BASE}/{path}"), None).await;
    let answer = answer.unwrap().expect(202);
    answer.header("location").unwrap().to_owned()
}

async fn ended(admin: &Caller, run: &str) -> Value {
    eventually("the run ends", || async {
        let run = admin.get(run).await.expect(200).json();
        (run["state"] != "running").then_some(run)
    })
    .await
}

async fn projection(admin: &Caller, name: &str) -> Value {
    let list = admin.get(BASE).await.expect(200).json();
    let items = list["items"].as_array().unwrap().clone();
    items.into_iter().find(|item| item["name"] == name).unwrap()
}

/// The events of a kind, as the command line shows them.
async fn events(service: &Service, kind: &str) -> Vec<Value> {
    let tail = ["events", "tail", "--json", "--after", "0", "--lines", "1000000"];
    let lines = service.doorbook(&tail).await;
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["type"].as_str().unwrap().starts_with(kind))
        .collect()
}

/// What runs are, and who wanted them.
fn told<'a>(pages: &[&'a Value]) -> Vec<(&'a str, &'a str)> {
    pages
        .iter()
        .flat_map(|page| page["items"].as_array().unwrap())
        .map(|run| (run["kind"].as_str().unwrap(), run["actor"].as_str().unwrap()))
        .collect()
}

async fn admin_rebuilds_verifies_and_finds_the_history_again(database: Database) {
    let mut service = Service::start(database).await;
    let admin = admin(&service).await;
    let rebuilt = ended(&admin, &begin(&admin, "sessions/rebuild").await).await;
    assert_eq!(
        (&rebuilt["state"], &rebuilt["result"]["generation"]),
        (&json!("done"), &json!(2))
    );
    assert_eq!(rebuilt["done"], rebuilt["total"]);
    let verified = ended(&admin, &begin(&admin, "sessions/verify").await).await;
    assert_eq!(verified["result"]["differing"], 0);
    assert_ne!(verified["result"]["rows"], 0);
    let over = format!("{BASE}/sessions/runs/{}", verified["id"].as_str().unwrap());
    admin.delete(&over).await.expect_problem(409, "run-over");
    service.doorbook(&["projections", "verify", "sessions"]).await;

    let shown = eventually("the new generation serves", || async {
        let shown = projection(&admin, "sessions").await;
        (shown["generation"] == 2).then_some(shown)
    })
    .await;
    assert_eq!(
        (&shown["state"], &shown["previous_generation"]),
        (&json!("serving"), &json!(1))
    );
    let user = admin.get("/api/session").await.json()["user"]["id"].clone();
    let part = admin
        .post(&format!("{BASE}/sessions/rebuild"), &json!({"user_id": user}))
        .await;
    let part = ended(&admin, part.expect(202).header("location").unwrap()).await;
    assert!(part["result"]["streams"].as_u64().unwrap() >= 2, "{part}");
    let unknown = admin
        .post(&format!("{BASE}/sessions/rebuild"), &json!({"stream": "session-x"}))
        .await;
    unknown.expect_problem(422, "invalid");

    assert!(service.stop().await.success());
    service.start_again().await;
    let page = admin
        .get(&format!("{BASE}/sessions/runs?limit=2"))
        .await
        .expect(200)
        .json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = admin.get(&format!("{BASE}/sessions/runs?cursor={cursor}")).await.json();
    let told = told(&[&page, &rest]);
    let by = format!("user-{}", user.as_str().unwrap());
    let expected = [
        ("rebuild", &*by),
        ("verify", "cli"),
        ("verify", &by),
        ("rebuild", &by),
        ("rebuild", "system"),
    ];
    assert_eq!(told, expected);
    admin
        .get(&format!("{BASE}/sessions/runs?cursor=x"))
        .await
        .expect_problem(422, "invalid");
}

async fn every_action_of_an_admin_is_an_event_with_its_actor(database: Database) {
    let service = Service::start(database).await;
    let admin = admin(&service).await;
    ended(&admin, &begin(&admin, "users/rebuild").await).await;
    ended(&admin, &begin(&admin, "users/verify").await).await;
    for action in ["pause", "resume", "rollback"] {
        let path = format!("{BASE}/users/{action}");
        admin.change(Method::POST, &path, None).await.unwrap().expect(204);
    }
    service.doorbook(&["projections", "pause", "users"]).await;
    service.doorbook(&["projections", "resume", "users"]).await;
    let user = admin.get("/api/session").await.json()["user"]["id"].clone();
    let by = format!("user-{}", user.as_str().unwrap());
    let expected = [
        ("rebuild_requested", &*by),
        ("rebuilt", "system"),
        ("verification_requested", &by),
        ("verified", "system"),
        ("paused", &by),
        ("resumed", &by),
        ("rolled_back", &by),
        ("paused", "cli"),
        ("resumed", "cli"),
    ];
    let told = eventually("every one is in the log", || async {
        let told = events(&service, "projection.").await;
        (told.len() >= expected.len()).then_some(told)
    })
    .await;
    let mut pairs = Vec::new();
    for event in &told {
        assert_eq!(event["stream"], "projection-users");
        let shown = ["events", "show", event["position"].as_str().unwrap(), "--json"];
        let shown: Value = serde_json::from_str(&service.doorbook(&shown).await).unwrap();
        let actor = shown["metadata"]["actor"].as_str().unwrap().to_owned();
        pairs.push((event["type"].as_str().unwrap().to_owned(), actor));
    }
    let mut expected = expected.map(|(name, actor)| (format!("projection.{name}"), actor.to_owned()));
    // The end of a run is written down when it has ended, so what comes next may overtake it.
    pairs.sort_unstable();
    expected.sort_unstable();
    assert_eq!(pairs, expected);
    assert_eq!(told.len(), expected.len(), "a rebuild appends nothing else");
    service.doorbook(&["projections", "verify"]).await;
}

async fn cancelled_run_leaves_what_serves_and_its_stream_says_so(database: Database) {
    let (service, admin) = seeded(database, "60000").await;
    let run = begin(&admin, "login_history/rebuild").await;
    let mut stream = Follower::opened(&admin, &format!("{run}/events")).await;
    let (name, first) = stream.next().await.unwrap();
    assert_eq!((name.as_str(), &first["state"]), ("progress", &json!("running")));
    admin.delete(&run).await.expect(204);
    let last = stream.until("ended").await;
    assert_eq!(last["state"], "cancelled");
    assert_eq!(stream.next().await, None);
    admin.delete(&run).await.expect_problem(409, "run-over");
    assert_eq!(projection(&admin, "login_history").await["generation"], 1);
    service.doorbook(&["projections", "verify", "login_history"]).await;
}

async fn stream_of_a_run_ends_with_the_role_of_who_follows_it(database: Database) {
    let (service, admin) = seeded(database, "60000").await;
    service.signed_up("bob@example.org").await;
    service.doorbook(&["user", "grant", "bob@example.org", "admin"]).await;
    let run = begin(&admin, "login_history/rebuild").await;
    let mut stream = Follower::opened(&admin, &format!("{run}/events")).await;
    assert_eq!(stream.next().await.unwrap().0, "progress");
    service.doorbook(&["user", "revoke", ADA, "admin"]).await;
    while let Some((name, _)) = stream.next().await {
        assert_eq!(name, "progress", "it was sent away before the end");
    }
    admin.get(&run).await.expect_problem(401, "unauthenticated");
}

async fn paused_projection_serves_what_it_has_and_makes_nobody_wait(database: Database) {
    let mut service = Service::start(database).await;
    let admin = admin(&service).await;
    let bob = service.signed_up("bob@example.org").await;
    let listed = async || {
        bob.get("/api/sessions").await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(listed().await, 1);
    let pause = format!("{BASE}/sessions/pause");
    admin.change(Method::POST, &pause, None).await.unwrap().expect(204);
    let phone = service.anonymous();
    phone.log_in("bob@example.org").await;

    let asked = std::time::Instant::now();
    assert_eq!(listed().await, 1, "it does not see the new session");
    assert!(asked.elapsed() < Duration::from_secs(4), "and nobody waited for it");
    assert!(
        phone.is_signed_in().await,
        "sessions themselves depend on no projection"
    );
    bob.get("/api/me/export").await.expect_problem(503, "busy");
    assert!(service.stop().await.success());
    service.start_again().await;
    let shown = projection(&admin, "sessions").await;
    assert_eq!(shown["state"], "paused");
    assert!(shown["lag_events"].as_u64().unwrap() > 0, "{shown}");
    assert_eq!(listed().await, 1);
    let paused = service.metric("projection_paused{projection=\"sessions\"}").await;
    assert_eq!(paused, Some(1));
    let said = service.doorbook(&["projections", "list", "--json"]).await;
    assert!(said.contains("\"state\":\"paused\""), "{said}");

    service.doorbook(&["projections", "resume", "sessions"]).await;
    eventually("the new session is listed", || async {
        (listed().await == 2).then_some(())
    })
    .await;
    service.doorbook(&["projections", "verify"]).await;
}

async fn projection_goes_back_and_forward_under_its_readers(database: Database) {
    let service = Service::start(database).await;
    let admin = admin(&service).await;
    let back = format!("{BASE}/sessions/rollback");
    let nothing = admin.change(Method::POST, &back, None).await.unwrap();
    nothing.expect_problem(409, "no-earlier-generation");
    ended(&admin, &begin(&admin, "sessions/rebuild").await).await;
    let bob = service.signed_up("bob@example.org").await;
    for generation in [1, 2] {
        admin.change(Method::POST, &back, None).await.unwrap().expect(204);
        eventually("the other generation serves", || async {
            let list = bob.get("/api/sessions").await.expect(200).json();
            assert_eq!(list["items"].as_array().unwrap().len(), 1, "nobody sees less");
            let shown = projection(&admin, "sessions").await;
            (shown["generation"] == generation).then_some(())
        })
        .await;
    }
    let said = service
        .doorbook(&["projections", "rollback", "sessions", "--json"])
        .await;
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["to"], 1);
    service.doorbook(&["projections", "verify", "sessions"]).await;
}

async fn command_line_and_service_do_not_work_on_the_same_projection(database: Database) {
    let (service, admin) = seeded(database, "60000").await;
    let run = begin(&admin, "login_history/rebuild").await;
    let refused = service.output(&["projections", "rebuild", "login_history"]).await;
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(75), "{said}");
    assert!(
        said.contains("login_history is being rebuilt or verified already"),
        "{said}"
    );
    assert_eq!(ended(&admin, &run).await["state"], "done");

    let mut command = service.command(&["projections", "rebuild", "login_history"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let current = eventually("the service sees the run of the command line", || async {
        let shown = projection(&admin, "login_history").await;
        (shown["run"]["actor"] == "cli").then(|| shown["run"].clone())
    })
    .await;
    let refused = admin
        .change(Method::POST, &format!("{BASE}/login_history/verify"), None)
        .await
        .unwrap();
    refused.expect_problem(409, "run-under-way");
    let run = format!("{BASE}/login_history/runs/{}", current["id"].as_str().unwrap());
    admin.delete(&run).await.expect(204);
    assert_eq!(ended(&admin, &run).await["state"], "cancelled");
    let status = tokio::task::spawn_blocking(move || child.wait().unwrap())
        .await
        .unwrap();
    assert_eq!(status.code(), Some(1), "it was told to stop");
    service.doorbook(&["projections", "verify", "login_history"]).await;
}

async fn rebuild_killed_at_random_points_leaves_what_serves(database: Database) {
    let (mut service, admin) = seeded(database, "30000").await;
    for kill in 0..6 {
        let by_service = kill % 2 == 0;
        if by_service {
            admin.log_in(ADA).await;
            // The server may notice late that the process with the lock is gone.
            eventually("a rebuild begins", || async {
                let path = format!("{BASE}/sessions/rebuild");
                let answer = admin.change(Method::POST, &path, None).await.unwrap();
                (answer.status == 202).then_some(())
            })
            .await;
            sleep(Duration::from_millis(random(800))).await;
            service.kill();
            service.start_again().await;
        } else {
            let mut command = service.command(&["projections", "rebuild", "--all"]);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(random(1500))).await;
            child.kill().unwrap();
            tokio::task::spawn_blocking(move || child.wait().unwrap())
                .await
                .unwrap();
        }
        assert_eq!(
            admin.get("/api/sessions").await.expect(200).json()["items"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        eventually("no run is left at work", || async {
            let page = admin.get(&format!("{BASE}/sessions/runs")).await.expect(200).json();
            let running = page["items"]
                .as_array()
                .unwrap()
                .iter()
                .any(|run| run["state"] == "running");
            (!running).then_some(())
        })
        .await;
    }
    eventually("the next rebuild gets the lock", || async {
        let rebuilt = service.output(&["projections", "rebuild", "--all"]).await;
        rebuilt.status.success().then_some(())
    })
    .await;
    service.doorbook(&["projections", "verify"]).await;
    let why = "what serves and its predecessor; what the killed ones left is cleared away";
    assert_eq!(generations(&service, database).await, 2, "{why}");
}

/// How many generations of the history are stored.
async fn generations(service: &Service, database: Database) -> i64 {
    if database == Database::Postgres {
        let query = "select count(*) from doorbook_read.checkpoints where projection = 'login_history'";
        return service.postgres().count(query).await;
    }
    let files = std::fs::read_dir(service.data().join("read")).unwrap();
    let files = files.map(|entry| entry.unwrap().path());
    let stored = files.filter(|file| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        name.starts_with("login_history.g") && file.extension().is_some_and(|kind| kind == "db")
    });
    i64::try_from(stored.count()).unwrap()
}
