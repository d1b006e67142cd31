//! The requests of the article, in its order, with `curl` and a cookie jar.

use std::process::Command;

use crate::support::{Answer, Curl, Database, PASSWORD, Service};

on_each_store!(
    flow_of_the_article_works_as_it_is_written,
    session_id_rotates_at_each_login
);

const EMAIL: &str = "ada@example.org";

async fn with_account(database: Database) -> (Service, Curl) {
    let service = Service::start(database).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    let curl = Curl::of(&service);
    (service, curl)
}

fn log_in(curl: &Curl, password: &str) -> Answer {
    curl.post(
        "/api/login/",
        &format!(r#"{{"email": "{EMAIL}", "password": "{password}"}}"#),
    )
}

async fn flow_of_the_article_works_as_it_is_written(database: Database) {
    let (_service, curl) = with_account(database).await;

    let first = curl.run("/api/login-set-cookie/", &[]).expect(200);
    assert_eq!(first.json(), serde_json::json!({"details": "CSRF cookie set"}));
    assert!(first.cookie("csrftoken").is_some() && !curl.is_http_only("csrftoken"));
    assert!(first.cookie("sessionid").is_none(), "nobody has logged in");
    curl.run("/api/users/profile/", &[]).expect_any_problem(401);

    log_in(&curl, "not the password").expect_problem(401, "invalid-credentials");
    log_in(&curl, PASSWORD).expect(200);
    assert!(curl.is_http_only("sessionid"));

    let profile = curl.run("/api/users/profile/", &[]).expect(200);
    assert!(
        profile.cookies().is_empty(),
        "cookies are set only by answers that change them"
    );
    let profile = profile.json();
    assert!(profile["id"].as_str().is_some_and(|id| id.len() == 36), "{profile}");
    assert_eq!(profile["email"], EMAIL);
    assert_eq!(
        (&profile["is_staff"], &profile["is_superuser"]),
        (&false.into(), &false.into())
    );

    let dead = curl.cookie("sessionid").unwrap();
    let out = curl.post("/api/logout/", "").expect(200);
    assert_eq!(out.json(), serde_json::json!({"detail": "Logout Successful"}));
    // curl 7.88 keeps a cookie in a jar on disk although the answer removes it; what it sends is dead all the same.
    assert!(out.cookie("sessionid").unwrap().removes());
    curl.run("/api/users/profile/", &[]).expect_any_problem(401);
    curl.with_cookie("/api/users/profile/", &format!("sessionid={dead}"))
        .expect_any_problem(401);

    let again = curl.post("/api/logout/", "").expect(200);
    assert_eq!(
        again.json(),
        serde_json::json!({"detail": "Logout Successful"}),
        "also when anonymous"
    );
}

async fn session_id_rotates_at_each_login(database: Database) {
    let (_service, curl) = with_account(database).await;
    curl.run("/api/login-set-cookie/", &[]).expect(200);
    log_in(&curl, PASSWORD).expect(200);
    let (first, first_token) = (curl.cookie("sessionid").unwrap(), curl.cookie("csrftoken").unwrap());

    log_in(&curl, PASSWORD).expect(200);

    assert_ne!(curl.cookie("sessionid").unwrap(), first);
    assert_ne!(curl.cookie("csrftoken").unwrap(), first_token);
    curl.run("/api/users/profile/", &[]).expect(200);
    curl.with_cookie("/api/users/profile/", &format!("sessionid={first}"))
        .expect_any_problem(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn readme_signs_in_as_it_is_printed() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("## Sign in with curl\n\n```console\n").unwrap();
    let (commands, _) = rest.split_once("```").unwrap();
    let service = Service::start_with_mail(Database::Sqlite).await;
    let script = commands.replace("http://localhost:8080", &service.origin());
    let mut bash = Command::new("bash");
    bash.args(["-c", &script]).current_dir(service.directory());
    let output = tokio::task::spawn_blocking(move || bash.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        said.contains(r#""authenticated":true"#) && said.contains(r#""email_verified":true"#),
        "{said}"
    );
    assert_eq!(said.matches("urn:doorbook:problem:").count(), 1, "{said}");
    assert!(said.ends_with(r#""title":"Not signed in","status":401}"#), "{said}");
}
