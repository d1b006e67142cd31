//! Throttling and known browsers, as `docs/throttling.md` promises them.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Answer, Caller, Database, PASSWORD, Service};

on_each_store!(
    parallel_guesses_reach_the_hash_as_often_as_allowed_and_the_owner_still_gets_in,
    addresses_of_one_network_are_counted_together_behind_a_trusted_proxy,
    browser_is_new_until_its_owner_has_used_it
);

const EMAIL: &str = "ada@example.org";
const OTHER: &str = "six quiet herons over Utrecht";
const ON: (&str, &str) = ("THROTTLE__ENABLED", "true");

/// Guesses from a browser that nobody has used, with one `X-Forwarded-For` for each address.
async fn guesses(service: &Service, tries: impl Iterator<Item = (String, String)>) -> Vec<Answer> {
    let stranger = service.anonymous();
    stranger.get("/api/csrf").await;
    let tries = tries.map(|(email, from)| {
        let tab = stranger.twin();
        async move {
            let token = tab.jar().value("csrftoken").unwrap();
            loop {
                let request = tab.request(Method::POST, "/api/login").header("x-csrftoken", &token);
                let wish = json!({"email": email, "password": "a guess"});
                let request = request.header("x-forwarded-for", &from).json(&wish);
                let answer = tab.send(request).await.unwrap();
                // A network that has its share of the queue comes back when it was told to.
                if answer.status.as_u16() != 503 {
                    return answer;
                }
                tokio::time::sleep(Duration::from_secs(retry_after(&answer))).await;
            }
        }
    });
    join_all(tries).await
}

fn with_status(answers: &[Answer], status: u16) -> Vec<&Answer> {
    answers
        .iter()
        .filter(|answer| answer.status.as_u16() == status)
        .collect()
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").unwrap().parse().unwrap()
}

async fn metric(service: &Service, name: &str) -> u64 {
    service.metric(name).await.unwrap_or(0)
}

async fn parallel_guesses_reach_the_hash_as_often_as_allowed_and_the_owner_still_gets_in(database: Database) {
    let service = Service::start_with(database, &[ON, ("THROTTLE__LOGIN_NETWORK__LIMIT", "1000")]).await;
    let owner = service.signed_up(EMAIL).await;
    let before = metric(&service, "passwords_hashed").await;
    let spellings = [
        "ada@example.org",
        "ADA@example.org",
        " Ada@Example.Org ",
        "\u{ff41}da@example.org",
        "ada@EXAMPLE.ORG",
    ];
    let tries = (0..200_usize).map(|number| {
        let spelling = spellings[number % spellings.len()];
        (spelling.to_owned(), format!("203.0.113.{number}"))
    });
    let answers = guesses(&service, tries).await;
    let (checked, refused) = (with_status(&answers, 401), with_status(&answers, 429));
    assert_eq!((checked.len(), refused.len()), (5, 195));
    let hashed = metric(&service, "passwords_hashed").await - before;
    assert_eq!(hashed, 5, "counted before it is hashed");
    for refusal in refused {
        let wait = retry_after(refusal);
        // Who waited for the row longer than others was refused by what those had taken.
        assert!((1..=40).contains(&wait), "{refusal:?}");
        (*refusal).clone().expect_problem(429, "too-many-requests");
    }
    let told = metric(&service, "throttle_refused_total{scope=\"login_account\"}").await;
    assert_eq!(told, 195);

    let stranger = service.anonymous();
    let locked = stranger.try_log_in(EMAIL, PASSWORD).await.unwrap();
    locked.expect_problem(429, "too-many-requests");
    owner.try_log_out().await.unwrap().expect(200);
    owner.log_in(EMAIL).await;
}

async fn addresses_of_one_network_are_counted_together_behind_a_trusted_proxy(database: Database) {
    let settings = [
        ON,
        ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
        ("THROTTLE__LOGIN_NETWORK__WINDOW", "10h"),
    ];
    let service = Service::start_with(database, &settings).await;
    let tries = (0..200).map(|number| {
        let from = format!("2001:db8:0:7:{number:x}:{number:x}::1");
        (format!("user-{number}@example.org"), from)
    });
    let answers = guesses(&service, tries).await;
    assert_eq!(with_status(&answers, 401).len(), 20);
    assert_eq!(with_status(&answers, 429).len(), 180);
    let elsewhere = [(EMAIL.to_owned(), "2001:db8:1:7::1".to_owned())];
    let answers = guesses(&service, elsewhere.into_iter()).await;
    assert_eq!(with_status(&answers, 401).len(), 1, "another network is another");
}

#[tokio::test(flavor = "multi_thread")]
async fn made_up_device_cookie_makes_nothing_be_looked_up() {
    let service = Service::start_with(Database::Postgres, &[ON, ("THROTTLE__FIRST_WAIT", "30m")]).await;
    let owner = service.signed_up(EMAIL).await;
    let eve = service.signed_up("eve@example.org").await;
    let stranger = service.anonymous();
    for _ in 0..5 {
        stranger.try_log_in(EMAIL, "a guess").await.unwrap().expect(401);
    }
    // From now on nobody reads the log.
    let url = service.postgres().url();
    let mut held = PgConnection::connect(url.as_str()).await.unwrap();
    let lock = "do $$ declare t record; begin for t in select schemaname s, tablename n from pg_tables \
                where tablename in ('events', 'log') \
                loop execute format('lock table %I.%I in access exclusive mode', t.s, t.n); end loop; end $$";
    held.execute("begin").await.unwrap();
    held.execute(lock).await.unwrap();
    // As long as a genuine one of two users and as one of three were, and the genuine one of somebody else.
    let foreign = eve.jar().value("doorbook_device").unwrap();
    for cookie in ["A".repeat(86), "A".repeat(54), foreign] {
        stranger.jar().plant("doorbook_device", &cookie);
        let asked = stranger.try_log_in(EMAIL, "a guess");
        let refused = tokio::time::timeout(Duration::from_secs(5), asked).await;
        let refused = refused.expect("the log was asked before the throttle").unwrap();
        refused.expect_problem(429, "too-many-requests");
    }
    held.execute("rollback").await.unwrap();
    held.close().await.unwrap();
    // The owner's own one still opens the door.
    owner.try_log_out().await.unwrap().expect(200);
    owner.log_in(EMAIL).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn holder_of_a_wide_network_cannot_switch_mail_off_for_others() {
    let settings = [
        ON,
        ("HTTP__TRUSTED_PROXIES", "127.0.0.0/8"),
        ("THROTTLE__MAIL_GLOBAL__LIMIT", "50"),
    ];
    let service = Service::start_with(Database::Sqlite, &settings).await;
    service.signed_up(EMAIL).await;
    let visitor = service.anonymous();
    visitor.get("/api/csrf").await.expect(200);
    let token = visitor.jar().value("csrftoken").unwrap();
    let forgot = async |email: String, from: String| {
        let request = visitor.request(Method::POST, "/api/password/forgot");
        let request = request.header("x-csrftoken", &token).header("x-forwarded-for", from);
        visitor.send(request.json(&json!({"email": email}))).await.unwrap()
    };
    // Each from a /48 of its own, for an address of its own.
    let mut answers = Vec::new();
    for number in 0..60 {
        let from = format!("2001:db8:{number:x}00::1");
        answers.push(forgot(format!("user-{number}@example.org"), from).await);
    }
    assert_eq!(with_status(&answers, 202).len(), 15, "three tenths of the ceiling");
    assert_eq!(with_status(&answers, 429).len(), 45);
    for from in ["2001:db9::1", "192.0.2.1"] {
        forgot(EMAIL.to_owned(), from.to_owned()).await.expect(202);
    }
}

#[tokio::test]
async fn unknown_address_is_refused_like_a_known_one() {
    let settings = [
        ON,
        ("THROTTLE__FIRST_WAIT", "30m"),
        ("THROTTLE__LOGIN_NETWORK__LIMIT", "100"),
    ];
    let service = Service::start_with(Database::Sqlite, &settings).await;
    service.signed_up(EMAIL).await;
    let mut refusals = Vec::new();
    for email in [EMAIL, "nobody@example.org"] {
        let stranger = service.anonymous();
        for _ in 0..5 {
            let failed = stranger.try_log_in(email, "a guess").await.unwrap();
            failed.expect_problem(401, "invalid-credentials");
        }
        let refused = stranger.try_log_in(email, "a guess").await.unwrap();
        assert!((1700..=1800).contains(&retry_after(&refused)), "{refused:?}");
        let mut headers = refused.headers.clone();
        for varies in ["date", "x-request-id", "retry-after"] {
            headers.remove(varies);
        }
        refusals.push((refused.expect_problem(429, "too-many-requests").body, headers));
    }
    assert_eq!(refusals[0], refusals[1]);
}

#[tokio::test]
async fn after_the_wait_that_was_told_the_right_password_opens() {
    let service = Service::start_with(Database::Sqlite, &[ON, ("THROTTLE__FIRST_WAIT", "3s")]).await;
    service.signed_up(EMAIL).await;
    let stranger = service.anonymous();
    for _ in 0..5 {
        stranger.try_log_in(EMAIL, "a guess").await.unwrap().expect(401);
    }
    let refused = stranger.try_log_in(EMAIL, PASSWORD).await.unwrap();
    let wait = retry_after(&refused.expect_problem(429, "too-many-requests"));
    tokio::time::sleep(Duration::from_secs(wait)).await;
    stranger.log_in(EMAIL).await;
    // And that has cleared the row.
    let other = service.anonymous();
    for _ in 0..5 {
        other.try_log_in(EMAIL, "a guess").await.unwrap().expect(401);
    }
}

#[tokio::test]
async fn proofs_in_a_session_are_counted_and_end_nothing() {
    let service = Service::start_with(Database::Sqlite, &[ON]).await;
    let ada = service.signed_up(EMAIL).await;
    for number in 0..5 {
        let (path, wish) = if number % 2 == 0 {
            ("/api/session/reauthenticate", json!({"password": "a guess"}))
        } else {
            let wish = json!({"current_password": "a guess", "new_password": OTHER});
            ("/api/password/change", wish)
        };
        ada.post(path, &wish).await.expect_problem(403, "wrong-password");
    }
    let right = json!({"password": PASSWORD});
    let refused = ada.post("/api/session/reauthenticate", &right).await;
    retry_after(&refused.expect_problem(429, "too-many-requests"));
    assert!(ada.is_signed_in().await);
    ada.twin().log_in(EMAIL).await;
}

#[tokio::test]
async fn sign_ups_at_one_address_and_from_one_network_are_counted() {
    let settings = [ON, ("THROTTLE__SIGNUP_NETWORK__WINDOW", "10h")];
    let service = Service::start_with(Database::Sqlite, &settings).await;
    for spelling in [
        "ada@example.org",
        "ADA@example.org",
        "ada@EXAMPLE.org",
        "Ada@example.org",
        "adA@example.org",
    ] {
        service.anonymous().try_sign_up(spelling).await.unwrap().expect(202);
    }
    let refused = service.anonymous().try_sign_up(EMAIL).await.unwrap();
    retry_after(&refused.expect_problem(429, "too-many-requests"));
    for number in 0..5 {
        let email = format!("user-{number}@example.org");
        service.anonymous().try_sign_up(&email).await.unwrap().expect(202);
    }
    let refused = service.anonymous().try_sign_up("bob@example.org").await.unwrap();
    refused.expect_problem(429, "too-many-requests");
}

#[tokio::test]
async fn throttle_that_is_off_lets_everything_through() {
    let service = Service::start(Database::Sqlite).await;
    let tries = (0..30).map(|number| (EMAIL.to_owned(), format!("203.0.113.{number}")));
    // One after another: a full queue of hashes is another matter.
    for one in tries {
        let answers = guesses(&service, std::iter::once(one)).await;
        assert_eq!(with_status(&answers, 401).len(), 1);
    }
    assert!(!service.data().join("throttle.db").exists());
}

/// Whether the last login was told to be in a new browser.
async fn was_new(service: &Service) -> bool {
    let events = service
        .doorbook(&["events", "tail", "--json", "--after", "0", "--lines", "10000"])
        .await;
    let started = events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .rfind(|event| event["type"] == "session.started")
        .unwrap();
    started["payload"]["started"]["new_device"]
        .as_bool()
        .unwrap_or_default()
}

async fn listed(caller: &Caller) {
    // The list waits for its read model, which knows who has logged in before.
    caller.get("/api/sessions").await.expect(200);
}

async fn browser_is_new_until_its_owner_has_used_it(database: Database) {
    let service = Service::start(database).await;
    let desk = service.signed_up(EMAIL).await;
    assert!(
        !was_new(&service).await,
        "the first login ever has nothing to compare with"
    );
    listed(&desk).await;
    desk.log_in(EMAIL).await;
    assert!(!was_new(&service).await);

    let phone = service.anonymous();
    let answer = phone.log_in(EMAIL).await;
    assert!(was_new(&service).await);
    let cookie = answer.cookie("doorbook_device").unwrap();
    assert!(
        cookie.has("httponly") && cookie.attribute("samesite") == Some("Lax"),
        "{cookie:?}"
    );
    assert_eq!(cookie.attribute("max-age"), Some("34560000"));
    phone.log_in(EMAIL).await;
    assert!(!was_new(&service).await);

    let forger = service.anonymous();
    let altered = format!("{}A", &cookie.value[..cookie.value.len() - 1]);
    forger.jar().plant("doorbook_device", &altered);
    forger.log_in(EMAIL).await;
    // The last character has spare bits: what decodes to the same bytes is refused, too.
    assert!(was_new(&service).await || altered == cookie.value);

    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    desk.post("/api/password/change", &change).await.expect(204);
    desk.try_log_out().await.unwrap().expect(200);
    desk.try_log_in(EMAIL, OTHER).await.unwrap().expect(200);
    assert!(
        !was_new(&service).await,
        "the browser that changed the password stays known"
    );
    let _ = phone.try_log_in(EMAIL, OTHER).await.unwrap();
    phone.try_log_in(EMAIL, OTHER).await.unwrap().expect(200);
    assert!(was_new(&service).await, "every other one is a stranger again");
}

#[tokio::test]
async fn links_that_are_asked_for_and_followed_are_counted() {
    let settings = [ON, ("THROTTLE__REDEEM_NETWORK__WINDOW", "10h")];
    let service = Service::start_with(Database::Sqlite, &settings).await;
    let stranger = service.anonymous();
    for email in [EMAIL, "nobody@example.org"] {
        for number in 0..5 {
            let path = if number % 2 == 0 {
                "/api/password/forgot"
            } else {
                "/api/email/resend"
            };
            stranger.post(path, &json!({"email": email})).await.expect(202);
        }
        for path in ["/api/password/forgot", "/api/email/resend"] {
            let refused = stranger.post(path, &json!({"email": email})).await;
            retry_after(&refused.expect_problem(429, "too-many-requests"));
        }
    }
    for number in 0..20 {
        let (path, wish) = if number % 2 == 0 {
            ("/api/email/verify", json!({"token": format!("made up {number}")}))
        } else {
            let wish = json!({"token": format!("made up {number}"), "new_password": OTHER});
            ("/api/password/reset", wish)
        };
        stranger.post(path, &wish).await.expect_problem(410, "token-dead");
    }
    let refused = stranger.post("/api/email/verify", &json!({"token": "made up"})).await;
    refused.expect_problem(429, "too-many-requests");
}
