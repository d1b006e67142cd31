//! Receivers that must not be followed, called or waited for.

use std::time::Duration;

use super::{ADA, TAKEN, configure, listed, posted, service};
use crate::support::{Database, Receiver, Reply, Service, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn redirect_is_not_followed() {
    let elsewhere = Receiver::start(&[TAKEN]).await;
    let receiver = Receiver::start(&[Reply::Redirect(elsewhere.url())]).await;
    let service = service(Database::Sqlite, &receiver, "user.registered").await;
    service.signed_up(ADA).await;
    eventually("it has failed", || async {
        (listed(&service, "crm").await["reason"] == "status 307: redirects are not followed").then_some(())
    })
    .await;
    assert_eq!(listed(&service, "crm").await["pending"], 1, "it is tried again");
    assert!(elsewhere.posted().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn internal_address_is_not_called_by_number_nor_by_name() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut service = Service::prepare(Database::Sqlite).await;
    for (name, host) in [
        ("number", "127.0.0.1"),
        ("mapped", "[::ffff:127.0.0.1]"),
        ("name", "localhost"),
    ] {
        configure(
            &mut service,
            name,
            &format!("https://{host}:{port}/"),
            "user.registered",
        );
        service.set(&format!("WEBHOOKS__{}__ALLOW_INTERNAL", name.to_uppercase()), "false");
    }
    service.start_again().await;
    service.signed_up(ADA).await;
    for name in ["number", "mapped", "name"] {
        eventually("it was refused", || async {
            let reason = listed(&service, name).await["reason"].clone();
            (reason == "the address is internal; `allow_internal` would allow it").then_some(())
        })
        .await;
        let refused = service.output(&["webhooks", "test", name]).await;
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("the address is internal"));
    }
    let called = tokio::time::timeout(Duration::from_millis(100), listener.accept()).await;
    assert!(called.is_err(), "somebody called an internal address");
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_receiver_holds_up_nobody_and_no_answer_in_time_is_a_failure() {
    let slow = Receiver::start(&[Reply::Late(Duration::from_mins(1))]).await;
    let quick = Receiver::start(&[TAKEN]).await;
    let mut service = Service::prepare(Database::Sqlite).await;
    configure(&mut service, "slow", &slow.url(), "session.started");
    configure(&mut service, "quick", &quick.url(), "session.started");
    service.start_again().await;
    for number in 0..8 {
        service.signed_up(&format!("user{number}@example.org")).await;
    }
    posted(&quick, "session.started", 8).await;
    eventually("all wait for the slow one", || async {
        (listed(&service, "slow").await["pending"] == 8).then_some(())
    })
    .await;
    eventually("the first try has failed", || async {
        (listed(&service, "slow").await["reason"] == "no answer within 10 s").then_some(())
    })
    .await;
    assert_eq!(quick.posted().len(), 8);
    assert!(service.stop().await.success());
}
