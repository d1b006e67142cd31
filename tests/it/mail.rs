//! Mail: what leaves, over a real mail server and into a directory, when things break and when they do not.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use serde_json::{Value, json};

use crate::support::{Caller, Database, MailServer, PASSWORD, Received, Service, eventually};

on_each_store!(
    mail_server_that_is_down_delays_letters_and_nothing_else,
    refused_recipient_is_parked_and_others_go_on,
    killed_service_sends_again_under_the_same_message_id,
    rebuild_and_restart_send_nothing,
);

const ADA: &str = "ada@example.org";
const BOB: &str = "bob@example.org";
const OTHER: &str = "six quiet herons over Utrecht";
/// The letter that a changed password causes.
const LETTER: &str = "password_changed";

/// A service that is told to use this mail server.
async fn service(database: Database, url: &str) -> Service {
    let mut service = Service::prepare(database).await;
    service.set("MAIL__URL", url);
    service
}

fn plain(server: &MailServer) -> String {
    format!("smtp://127.0.0.1:{}", server.port())
}

/// Causes a letter.
async fn change_password(caller: &Caller) {
    let wish = json!({"current_password": PASSWORD, "new_password": OTHER});
    caller.post("/api/password/change", &wish).await.expect(204);
}

async fn first(server: &MailServer) -> Received {
    eventually("the letter arrives", || async { server.letters(LETTER).pop() }).await
}

/// What `doorbook mail list` says about letters of that state.
async fn listed(service: &Service, state: &str) -> Vec<Value> {
    let list = service.doorbook(&["mail", "list", "--json"]).await;
    let lines = list.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .filter(|line| line["state"] == state && line["event"] == "user.password_changed")
        .collect()
}

async fn metric(service: &Service, name: &str) -> u64 {
    let metrics = reqwest::get(format!("{}/metrics", service.admin_origin()))
        .await
        .unwrap();
    let text = metrics.text().await.unwrap();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(&format!("doorbook_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn letter_leaves_encrypted_by_starttls_with_user_and_password() {
    let mut server = MailServer::prepare();
    server.start(&["tls=starttls", "user=door", "password=hu/sh"]);
    let url = format!("smtp://door:hu%2Fsh@localhost:{}?tls=required", server.port());
    let mut service = service(Database::Sqlite, &url).await;
    service.set_variable("SSL_CERT_FILE", &server.certificate().display().to_string());
    service.set("MAIL__FROM", "Example <door@example.org>");
    service.start_again().await;
    change_password(&service.signed_up("Ada@example.org").await).await;

    let mail = first(&server).await;
    assert!(mail.secure);
    assert_eq!(mail.user.as_deref(), Some("door"));
    assert_eq!(
        (mail.from.as_str(), mail.to),
        ("door@example.org", vec!["Ada@example.org".to_owned()])
    );
    assert_eq!(
        mail.data.lines().find(|line| line.starts_with("Subject:")),
        Some("Subject: Your password was changed")
    );
    assert!(mail.data.contains("Auto-Submitted: auto-generated") && mail.data.contains("multipart/alternative"));
    eventually("the figures say so", || async {
        (metric(&service, "mail_sent").await >= 1).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letter_leaves_encrypted_from_the_first_byte() {
    let mut server = MailServer::prepare();
    server.start(&["tls=implicit"]);
    let mut service = service(Database::Sqlite, &format!("smtps://localhost:{}", server.port())).await;
    service.set_variable("SSL_CERT_FILE", &server.certificate().display().to_string());
    service.start_again().await;
    change_password(&service.signed_up(ADA).await).await;
    assert!(first(&server).await.secure);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_to_a_server_that_cannot_prove_itself() {
    for (tls, trusted) in [("tls=none", true), ("tls=starttls", false)] {
        let mut server = MailServer::prepare();
        server.start(&["tls=starttls"]);
        server.stop();
        server.start(&[tls]);
        let url = format!("smtp://localhost:{}?tls=required", server.port());
        let mut service = service(Database::Sqlite, &url).await;
        if trusted {
            service.set_variable("SSL_CERT_FILE", &server.certificate().display().to_string());
        }
        service.start_again().await;
        change_password(&service.signed_up(ADA).await).await;
        let waiting = eventually("the first try has failed", || async {
            listed(&service, "pending")
                .await
                .pop()
                .filter(|line| line["tries"] != 0)
        })
        .await;
        assert!(
            waiting["reason"].as_str().unwrap().contains("the mail server"),
            "{waiting}"
        );
        assert_eq!(server.letters(LETTER).len(), 0, "{tls}");
    }
}

async fn mail_server_that_is_down_delays_letters_and_nothing_else(database: Database) {
    let mut server = MailServer::prepare();
    let mut service = service(database, &plain(&server)).await;
    service.start_again().await;
    let ada = service.signed_up(ADA).await;
    change_password(&ada).await;
    assert!(ada.is_signed_in().await);
    eventually("the first try has failed", || async {
        (metric(&service, "mail_failed").await >= 1 && metric(&service, "mail_pending").await >= 1).then_some(())
    })
    .await;
    let waiting = listed(&service, "pending").await;
    assert_eq!((waiting.len(), &waiting[0]["tries"]), (1, &json!(1)), "{waiting:?}");
    assert_eq!(waiting[0]["reason"], "no connection to the mail server");

    server.start(&[]);
    assert_eq!(first(&server).await.to, [ADA]);
    eventually("nothing waits", || async {
        (listed(&service, "pending").await.is_empty()).then_some(())
    })
    .await;
    assert_eq!(server.letters(LETTER).len(), 1);
    assert!(!service.log().contains(ADA), "{}", service.log());
}

async fn refused_recipient_is_parked_and_others_go_on(database: Database) {
    let mut server = MailServer::prepare();
    server.start(&[&format!("reject={ADA}")]);
    let mut service = service(database, &plain(&server)).await;
    service.start_again().await;
    for email in [ADA, BOB] {
        change_password(&service.signed_up(email).await).await;
    }
    assert_eq!(first(&server).await.to, [BOB]);
    let parked = eventually("the refused letter is parked", || async {
        listed(&service, "parked").await.pop()
    })
    .await;
    assert_eq!(parked["reason"], "the mail server refused it with 550");
    assert!(!parked.to_string().contains("ada"), "{parked}");
    eventually("the figures say so", || async {
        (metric(&service, "mail_parked").await >= 1).then_some(())
    })
    .await;
    // The server's words repeat the address.
    assert!(!service.log().contains(ADA), "{}", service.log());

    let unknown = service.output(&["mail", "retry", "1.0"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no parked letter `1.0`"));

    server.stop();
    server.start(&[]);
    let id = parked["id"].as_str().unwrap();
    assert_eq!(
        service.doorbook(&["mail", "retry", id]).await,
        "1 letter is sent again.\n"
    );
    eventually("the letter arrives after all", || async {
        server.letters(LETTER).iter().any(|mail| mail.to == [ADA]).then_some(())
    })
    .await;
    assert_eq!(server.letters(LETTER).len(), 2);
    assert!(listed(&service, "parked").await.is_empty());
}

async fn killed_service_sends_again_under_the_same_message_id(database: Database) {
    let mut server = MailServer::prepare();
    // The server has the message long before it says so.
    server.start(&["delay=20000"]);
    let mut service = service(database, &plain(&server)).await;
    service.start_again().await;
    change_password(&service.signed_up(ADA).await).await;
    let before = first(&server).await;
    service.kill();
    server.stop();
    server.start(&[]);
    service.start_again().await;
    eventually("the letter is sent again", || async {
        (server.letters(LETTER).len() == 2).then_some(())
    })
    .await;
    eventually("nothing waits", || async {
        (listed(&service, "pending").await.is_empty()).then_some(())
    })
    .await;
    let letters = server.letters(LETTER);
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].header("Message-ID"), before.header("Message-ID"));
}

async fn rebuild_and_restart_send_nothing(database: Database) {
    let mut service = Service::start(database).await;
    change_password(&service.signed_up(ADA).await).await;
    let count = |service: &Service| stored(service).len();
    eventually("the letter is stored", || async {
        (count(&service) == 1).then_some(())
    })
    .await;

    service.doorbook(&["projections", "rebuild", "--all"]).await;
    assert!(service.stop().await.success());
    service.start_again().await;
    service.doorbook(&["projections", "rebuild", "--all"]).await;
    // Whatever was wrongly caused would come before this one.
    change_password(&service.signed_up(BOB).await).await;
    eventually("the second letter is stored", || async {
        (count(&service) >= 2).then_some(())
    })
    .await;
    assert_eq!(count(&service), 2);
}

/// Names of the stored letters about changed passwords.
fn stored(service: &Service) -> Vec<String> {
    let entries = fs::read_dir(service.data().join("mail")).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(&format!("-{LETTER}.eml"))).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn directory_holds_one_private_file_for_each_message() {
    let service = Service::start(Database::Sqlite).await;
    change_password(&service.signed_up(ADA).await).await;
    let name = eventually("the letter is stored", || async { stored(&service).pop() }).await;
    let directory = service.data().join("mail");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&directory.join(&name))), (0o700, 0o600));
    let text = fs::read_to_string(directory.join(&name)).unwrap();
    assert!(text.contains("To: ada@example.org\r\n"), "{text}");
    let year = name.get(..4).unwrap().parse::<u16>().unwrap();
    assert!(year > 2020, "{name} begins with the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn developers_read_mail_in_the_browser_and_nobody_else_does() {
    let mut service = Service::start(Database::Sqlite).await;
    let ada = service.signed_up(ADA).await;
    change_password(&ada).await;
    let name = eventually("the letter is stored", || async { stored(&service).pop() }).await;
    let path = format!("/dev/mailbox/{}", name.trim_end_matches(".eml"));
    let list = ada.get("/dev/mailbox").await.expect(200).body;
    assert!(
        list.contains(&path) && list.contains("Your password was changed") && list.contains(ADA),
        "{list}"
    );
    let mail = ada.get(&path).await.expect(200).body;
    assert!(
        mail.contains("was changed on") && mail.contains("<iframe sandbox"),
        "{mail}"
    );
    let html = ada.get(&format!("{path}/html")).await.expect(200).body;
    assert!(html.starts_with("<!doctype html>"), "{html}");
    ada.get("/dev/mailbox/..%2f..%2fmaster")
        .await
        .expect_problem(404, "not-found");

    for (name, value) in [
        ("host", "rebound.example"),
        ("host", "abc.tunnel.example"),
        ("x-forwarded-for", "192.0.2.1"),
        ("forwarded", "for=192.0.2.1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in ["/dev/mailbox", &path, &format!("{path}/html")] {
            let request = ada.request(reqwest::Method::GET, path).header(name, value);
            ada.send(request).await.unwrap().expect_problem(404, "not-found");
        }
    }
    let by_number = format!("127.0.0.1:{}", service.address().port());
    let request = ada
        .request(reqwest::Method::GET, "/dev/mailbox")
        .header("host", by_number);
    ada.send(request.header("sec-fetch-site", "none"))
        .await
        .unwrap()
        .expect(200);

    only_a_service_of_this_machine_that_writes_files_shows_them(&mut service, &path).await;
}

async fn only_a_service_of_this_machine_that_writes_files_shows_them(service: &mut Service, path: &str) {
    let (origin, port) = (service.origin(), service.address().port());
    let server = MailServer::prepare();
    for (key, value) in [
        ("HTTP__PUBLIC_URL", "https://auth.example.org"),
        ("HTTP__LISTEN", &format!("0.0.0.0:{port}")),
        ("MAIL__URL", &plain(&server)),
    ] {
        service.stop().await;
        let usual = [
            ("HTTP__PUBLIC_URL", origin.clone()),
            ("HTTP__LISTEN", service.address().to_string()),
        ];
        for (key, usual) in usual {
            service.set(key, &usual);
        }
        service.set(key, value);
        service.start_again().await;
        for path in ["/dev/mailbox", path] {
            service.anonymous().get(path).await.expect_problem(404, "not-found");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn letter_that_a_crash_left_unfinished_is_gone_after_the_next_start() {
    let mut service = Service::start(Database::Sqlite).await;
    service.kill();
    let part = service.data().join("mail/.20260101T000000000000Z-x.eml.part");
    fs::write(&part, "To: ada@example.org\r\n").unwrap();
    service.start_again().await;
    assert!(!part.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_sees_whether_mail_works() {
    let mut server = MailServer::prepare();
    let service = service(Database::Sqlite, &plain(&server)).await;
    let failed = service.output(&["mail", "test", ADA]).await;
    assert_eq!(failed.status.code(), Some(1));
    let said = String::from_utf8_lossy(&failed.stderr).into_owned();
    assert!(said.contains("no connection to the mail server"), "{said}");
    let wrong = service.output(&["mail", "test", "ada"]).await;
    assert_eq!(wrong.status.code(), Some(2));

    server.start(&[]);
    let done = service.doorbook(&["mail", "test", ADA, "--json"]).await;
    assert_eq!(done, "{\"sent\":\"ada@example.org\"}\n");
    assert_eq!(server.letters("test").pop().unwrap().to, [ADA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn template_that_cannot_work_stops_the_start() {
    let mut service = Service::prepare(Database::Sqlite).await;
    let letters = service.directory().join("letters");
    fs::create_dir_all(letters.join("en")).unwrap();
    fs::write(
        letters.join("en/test.txt"),
        "{% block subject %}x{% endblock %}{{ link }}",
    )
    .unwrap();
    service.set("MAIL__TEMPLATES", &letters.display().to_string());
    let refused = service.output(&["serve"]).await;
    assert_eq!(refused.status.code(), Some(78));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("mail.templates") && said.contains("en/test.txt") && said.contains("`link`"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_mail_server_does_not_hold_up_the_stop() {
    let mut server = MailServer::prepare();
    server.start(&["delay=60000"]);
    let mut service = service(Database::Sqlite, &plain(&server)).await;
    service.start_again().await;
    change_password(&service.signed_up(ADA).await).await;
    first(&server).await;
    let began = std::time::Instant::now();
    assert!(service.stop().await.success());
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}
