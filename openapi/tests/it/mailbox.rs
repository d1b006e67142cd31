//! The mailbox of developers.

use std::sync::atomic::Ordering;

use poem::http::Method;

use crate::{stand_in::Broken, support::Browser};

fn developer() -> Browser {
    let browser = Browser::new();
    browser.app.shows_mail.store(true, Ordering::Relaxed);
    browser
}

#[tokio::test]
async fn service_without_a_mailbox_has_no_such_pages() {
    let mut browser = Browser::new();
    for path in ["/dev/mailbox", "/dev/mailbox/m1", "/dev/mailbox/m1/html"] {
        browser.get(path).await.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn mailbox_is_for_whoever_sits_at_this_machine() {
    for (headers, found) in [
        (&[("host", "127.0.0.1:8080")][..], true),
        (&[("host", "[::1]:8080")], true),
        (&[("host", "localhost:8080"), ("sec-fetch-site", "none")], true),
        (&[("host", "localhost:8080"), ("sec-fetch-site", "same-origin")], true),
        (&[("host", "localhost:8080"), ("sec-fetch-site", "same-site")], false),
        (&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")], false),
        (&[("host", "localhost:8080"), ("x-forwarded-for", "192.0.2.1")], false),
        (&[("host", "localhost:8080"), ("forwarded", "for=192.0.2.1")], false),
        (&[("host", "localhost:8080"), ("via", "1.1 tunnel")], false),
        // A name that was rebound to this machine, a tunnel's, another service's port, and none at all.
        (&[("host", "rebound.example:8080")], false),
        (&[("host", "abc.ngrok.example")], false),
        (&[("host", "localhost.example:8080")], false),
        (&[("host", "localhost:9090")], false),
        (&[("host", "localhost")], false),
        (&[("host", "localhost:8080"), ("host", "localhost:8080")], false),
    ] {
        for path in ["/dev/mailbox", "/dev/mailbox/m1", "/dev/mailbox/m1/html"] {
            let mut browser = developer();
            let asked = browser.ask(Method::GET, path);
            let asked = headers
                .iter()
                .fold(asked, |asked, (name, value)| asked.header(name, value));
            let answer = asked.send().await;
            assert_eq!(answer.status == 200, found, "{headers:?}");
            if !found {
                answer.is_problem(404, "not-found");
            }
        }
    }
}

#[tokio::test]
async fn mails_are_listed_and_shown_escaped() {
    let mut browser = developer();
    let list = browser.get("/dev/mailbox").await;
    assert_eq!((list.status, list.header("cache-control")), (200, Some("no-store")));
    let mail = browser.get("/dev/mailbox/m1").await;
    for page in [list, mail] {
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(
            page.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"),
            "{}",
            page.text
        );
        for foreign in ["<script", "<b>", "<i>", "onclick", "href=\"javascript"] {
            assert!(!page.text.contains(foreign), "{foreign}: {}", page.text);
        }
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; style-src 'self'; frame-src 'self';"),
            "{policy}"
        );
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}

#[tokio::test]
async fn links_of_a_text_can_be_followed() {
    let mail = developer().get("/dev/mailbox/m1").await;
    let link = "<a href=\"http://localhost:8080/auth/verify#token=&quot;x\">";
    assert!(mail.text.contains(link), "{}", mail.text);
}

#[tokio::test]
async fn html_of_a_mail_has_no_rights() {
    let mut browser = developer();
    let mail = browser.get("/dev/mailbox/m1").await;
    assert!(mail.text.contains("<iframe sandbox title="), "{}", mail.text);
    let html = browser.get("/dev/mailbox/m1/html").await;
    let policy = html.header("content-security-policy").unwrap();
    assert!(policy.starts_with("sandbox; default-src 'none'; "), "{policy}");
    assert!(!policy.contains("allow-"), "{policy}");

    let mail = browser.get("/dev/mailbox/m2").await;
    assert!(!mail.text.contains("<iframe"), "{}", mail.text);
    browser.get("/dev/mailbox/m2/html").await.is_problem(404, "not-found");
}

#[tokio::test]
async fn unknown_mail_and_other_methods_are_refused() {
    let mut browser = developer();
    browser.get("/dev/mailbox/m3").await.is_problem(404, "not-found");
    browser.get("/dev/mailbox/..%2fm1").await.is_problem(404, "not-found");
    let posted = browser.ask(Method::POST, "/dev/mailbox").send().await;
    posted.is_problem(405, "method-not-allowed");
    browser.app.breaks(Broken::Log);
    browser.get("/dev/mailbox").await.is_problem(503, "unavailable");
}
