//! The book: who may ask, what is wrong with a question, and that the answers are as documented.

use doorbook_domain::role::{Role, Roles};
use poem::http::Method;
use serde_json::{Value, json};

use crate::{
    document::{check, read},
    stand_in::Broken,
    support::Browser,
};

const ID: &str = "01930000-0000-7000-8000-000000000ada";

async fn auditor() -> Browser {
    let browser = Browser::signed_in().await;
    for session in browser.app.sessions.lock().unwrap().values_mut() {
        session.roles = Roles::default().with(Role::Auditor);
    }
    browser
}

#[tokio::test]
async fn answers_to_auditors_are_as_documented() {
    let (document, mut browser) = (read(), auditor().await);
    for (path, query) in [
        ("/api/audit/logins", "?outcome=success&ip=2001:db8::1&limit=1"),
        ("/api/audit/sessions", "?as_of=2026-01-01T00:00:00+01:00"),
        ("/api/audit/users/{id}", ""),
        ("/api/audit/events", "?type=user.registered&from=2026-01-01T00:00:00Z"),
    ] {
        let asked = format!("{}{query}", path.replace("{id}", ID));
        let answer = browser.get(&asked).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text);
        check(&document, "GET", path, &answer);
    }
}

#[tokio::test]
async fn export_is_a_file_of_the_form_that_was_asked_for() {
    let mut browser = auditor().await;
    for (format, media_type) in [
        ("ndjson", "application/x-ndjson"),
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("ocsf", "application/x-ndjson"),
    ] {
        let path = format!("/api/audit/logins/export?format={format}");
        let answer = browser.get(&path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media_type)));
        assert!(answer.header("content-disposition").unwrap().starts_with("attachment"));
        assert!(answer.text.contains("session-"), "{}", answer.text);
        let head = browser.ask(Method::HEAD, &path).send().await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
    }
    browser.app.breaks(Broken::Unproven);
    let refused = browser.get("/api/audit/logins/export?format=csv").await;
    assert_eq!(refused.json()["type"], "urn:doorbook:problem:reauthentication-required");
}

/// `Origin`, `Sec-Fetch-Site`, `Referer`, and whether the book is opened.
type Asked = (Option<&'static str>, Option<&'static str>, Option<&'static str>, bool);

#[tokio::test]
async fn no_other_page_has_the_book_read_in_an_auditors_name() {
    const LISTED: &str = "http://localhost:5173";
    const SIBLING: &str = "http://evil.localhost:8080";
    let table: [Asked; 12] = [
        (None, None, None, true),
        (None, Some("none"), None, true),
        (None, Some("same-origin"), None, true),
        (Some("http://localhost:8080"), Some("same-origin"), None, true),
        (Some(LISTED), Some("same-site"), None, true),
        (None, Some("same-site"), Some("http://localhost:5173/logins"), true),
        (None, Some("same-site"), None, false),
        (None, Some("same-site"), Some("http://evil.localhost:8080/"), false),
        (None, Some("cross-site"), None, false),
        (None, Some("cross-site"), Some("http://localhost:5173/"), false),
        (Some(SIBLING), Some("same-site"), None, false),
        (Some("null"), None, None, false),
    ];
    let mut browser = auditor().await;
    for path in [
        "/api/audit/logins?email=ada@example.org",
        "/api/audit/logins/export?format=csv",
        "/api/audit/events",
        "/api/audit/checkpoints",
    ] {
        for (origin, site, referer, opened) in table {
            let mut asked = browser.ask(Method::GET, path);
            for (name, value) in [("origin", origin), ("sec-fetch-site", site), ("referer", referer)] {
                if let Some(value) = value {
                    asked = asked.header(name, value);
                }
            }
            let answer = asked.send().await;
            if opened {
                assert_eq!(answer.status, 200, "{path} {origin:?} {site:?} {referer:?}");
            } else {
                answer.is_problem(403, "origin-refused");
            }
        }
    }
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let mut browser = auditor().await;
    let fields = async |browser: &mut Browser, path: &str| -> Vec<Value> {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 422, "{path}: {}", answer.text);
        let errors = answer.json()["errors"].as_array().unwrap().clone();
        errors.into_iter().map(|error| error["field"].clone()).collect()
    };
    let path = "/api/audit/events?type=%0a&stream=a&stream=b&from=x&limit=201";
    assert_eq!(
        fields(&mut browser, path).await,
        [json!("type"), json!("stream"), json!("from"), json!("limit")]
    );
    let path = "/api/audit/logins?emial=x&limit=0&emial=y&zone=1";
    let answer = browser.get(path).await;
    let expected = [("emial", "unknown"), ("limit", "out_of_range"), ("zone", "unknown")];
    assert_eq!(answer.invalid(), crate::support::fields(&expected));
    for path in [
        "/api/audit/sessions?as_of=2099-01-01T00:00:00Z".to_owned(),
        format!("/api/audit/users/{ID}?as_of=2099-01-01T00:00:00Z"),
        format!("/api/audit/users/{ID}?as_of=1"),
    ] {
        assert_eq!(fields(&mut browser, &path).await, [json!("as_of")], "{path}");
    }
    let nobody = browser.get("/api/audit/users/nonsense").await;
    assert_eq!(nobody.status, 404);
}
