//! Two at once.

use futures_util::future::join_all;

use crate::support::{Database, PASSWORD, Service};

on_each_store!(
    logins_at_once_open_a_session_each,
    sign_ups_of_one_address_at_once_make_one_account,
    logout_and_refresh_at_once_end_the_session,
);

const EMAIL: &str = "ada@example.org";

async fn logins_at_once_open_a_session_each(database: Database) {
    let service = Service::start(database).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    let browsers: Vec<_> = (0..4).map(|_| service.anonymous()).collect();
    join_all(browsers.iter().map(|browser| browser.log_in(EMAIL))).await;
    for browser in &browsers {
        assert!(browser.is_signed_in().await);
    }
}

async fn sign_ups_of_one_address_at_once_make_one_account(database: Database) {
    let service = Service::start(database).await;
    let passwords: Vec<_> = (0..6).map(|number| format!("{PASSWORD} {number} of six")).collect();
    join_all(passwords.iter().map(|password| {
        let anonymous = service.anonymous();
        async move {
            let wish = serde_json::json!({"email": EMAIL, "password": password});
            anonymous.post("/api/signup", &wish).await.expect(202)
        }
    }))
    .await;

    let mut good = 0;
    for password in &passwords {
        let answer = service.anonymous().try_log_in(EMAIL, password).await.unwrap();
        good += usize::from(answer.status.is_success());
    }
    assert_eq!(good, 1, "one account, with the password of one of them");
    let users = service.doorbook(&["user", "list", "--json"]).await;
    assert_eq!(users.matches(EMAIL).count(), 1, "{users}");
}

async fn logout_and_refresh_at_once_end_the_session(database: Database) {
    let service = Service::start(database).await;
    service.anonymous().try_sign_up(EMAIL).await.unwrap().expect(202);
    for _ in 0..8 {
        let browser = service.anonymous();
        browser.log_in(EMAIL).await;
        let tab = browser.twin();
        let refresh = tab.change(reqwest::Method::POST, "/api/session/refresh", None);
        let (out, _) = tokio::join!(browser.try_log_out(), refresh);
        out.unwrap().expect(200);
        assert!(!tab.is_signed_in().await, "ended is terminal");
    }
}
