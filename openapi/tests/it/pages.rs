//! The pages, and the listener for machines.

use std::sync::Arc;

use async_trait::async_trait;
use doorbook_openapi::{
    admin,
    app::{Health, Part},
};
use poem::{Endpoint as _, Request, http::Method};
use serde_json::json;

use crate::support::{Answer, Browser, read};

#[tokio::test]
async fn pages_load_nothing_but_own_files() {
    let mut browser = Browser::new();
    for path in ["/", "/api/docs", "/api/docs/", "/auth/verify", "/auth/reset"] {
        let answer = browser.get(path).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, Some("text/html; charset=utf-8"))
        );
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.contains("script-src 'self'") && policy.contains("style-src 'self'"),
            "{policy}"
        );
        for inline in ["<style", "style=", "<script>", "onclick", "javascript:", "://"] {
            assert!(!answer.text.contains(inline), "{path}: {inline}");
        }
        for link in answer.text.split(['"', '\'']).filter(|text| text.starts_with('/')) {
            // An operation that the page posts to is there, and nothing to be loaded.
            let posts = link.starts_with("/api/email/") || link.starts_with("/api/password/");
            let expected = if posts { 405 } else { 200 };
            assert_eq!(browser.get(link).await.status, expected, "{path}: {link}");
        }
    }
}

#[tokio::test]
async fn scripts_of_the_pages_write_text_only() {
    for path in ["/api/start.js", "/api/docs.js", "/auth/auth.js"] {
        let script = Browser::new().get(path).await;
        assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage",
            "://",
        ] {
            assert!(!script.text.contains(way), "{path}: {way}");
        }
    }
}

#[tokio::test]
async fn first_page_has_a_sentence_for_every_problem_of_a_social_login() {
    let script = Browser::new().get("/api/start.js").await.text;
    let guide = include_str!("../../../docs/social.md");
    let (_, table) = guide.split_once("| problem |").unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let slugs: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(slugs.len() >= 12, "{slugs:?}");
    for slug in slugs {
        assert!(script.contains(&format!("\n  \"{slug}\": \"")), "{slug}");
    }
}

#[tokio::test]
async fn pages_of_mailed_links_give_their_address_to_nobody_and_send_nothing_by_themselves() {
    let mut browser = Browser::new();
    for path in ["/auth/verify", "/auth/reset"] {
        let page = browser.get(path).await;
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
        assert!(page.text.contains("<button type=\"submit\">"), "{path}");
    }
    // Whatever sends stands in the handler of a submitted form.
    let script = browser.get("/auth/auth.js").await.text;
    let (before, after) = script.split_once("async function submit(event)").unwrap();
    assert!(!before.contains("\nsend(") && !after.contains("\nsend(") && !after.contains("\nsubmit("));
}

struct Watched(Option<&'static str>);

#[async_trait]
impl Health for Watched {
    async fn parts(&self) -> Vec<Part> {
        let part = |name: &str, fault: Option<&str>| Part {
            name: name.to_owned(),
            fault: fault.map(str::to_owned),
        };
        vec![part("log", None), part("sessions", self.0)]
    }

    fn metrics(&self) -> String {
        "doorbook_up 1\n# EOF\n".to_owned()
    }

    fn position(&self) -> String {
        "7".to_owned()
    }
}

async fn ask(health: Watched, method: Method, path: &str, accept: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri_str(path)
        .header("accept", accept)
        .finish();
    read(admin(Arc::new(health)).get_response(request).await).await
}

#[tokio::test]
async fn readiness_names_the_part_that_is_not() {
    let answer = ask(Watched(None), Method::GET, "/readyz", "*/*").await;
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, "[+] log ok\n[+] sessions ok\nready\n")
    );
    let answer = ask(Watched(Some("40 events behind")), Method::GET, "/readyz", "*/*").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.text,
        "[+] log ok\n[-] sessions not ready: 40 events behind\nnot ready\n"
    );
    let answer = ask(Watched(Some("behind")), Method::GET, "/readyz", "application/json").await;
    assert_eq!(
        answer.json(),
        json!({"ready": false, "parts": [
            {"name": "log", "ready": true, "detail": null},
            {"name": "sessions", "ready": false, "detail": "behind"},
        ]})
    );
}

#[tokio::test]
async fn machines_get_the_headers_too_and_may_write_a_slash() {
    for (path, status) in [
        ("/livez/", 200),
        ("/readyz/", 503),
        ("/metrics/", 200),
        ("/nothing", 404),
    ] {
        let answer = ask(Watched(Some("down")), Method::GET, path, "*/*").await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert!(answer.header("content-security-policy").is_some(), "{path}");
        assert_eq!(answer.header("retry-after").is_some(), status == 503, "{path}");
    }
    let refused = ask(Watched(None), Method::POST, "/livez", "*/*").await;
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn liveness_depends_on_nothing() {
    assert_eq!(
        ask(Watched(Some("down")), Method::GET, "/livez", "*/*").await.text,
        "ok\n"
    );
}

#[tokio::test]
async fn metrics_are_shown_and_nothing_else() {
    let answer = ask(Watched(None), Method::GET, "/metrics", "*/*").await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "doorbook_up 1\n# EOF\n"));
    ask(Watched(None), Method::GET, "/api/session", "*/*")
        .await
        .is_problem(404, "not-found");
    ask(Watched(None), Method::POST, "/metrics", "*/*")
        .await
        .is_problem(405, "method-not-allowed");
}
