//! Headers that stand on every answer.

use doorbook_openapi::app::Settings;
use poem::http::Method;

use crate::{stand_in::settings, support::Browser};

const PATHS: [&str; 10] = [
    "/",
    "/api/docs",
    "/api/docs.js",
    "/api/docs.css",
    "/api/openapi.json",
    "/api/session",
    "/api/me",
    "/api/authz/auth-request",
    "/api/nothing",
    "/nothing",
];

#[tokio::test]
async fn every_answer_is_protected() {
    let mut browser = Browser::new();
    let mut ids = std::collections::HashSet::new();
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let answer = browser.ask(method, path).send().await;
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
            assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
            let policy = answer.header("content-security-policy").unwrap();
            for rule in [
                "default-src 'none'",
                "object-src 'none'",
                "base-uri 'none'",
                "frame-ancestors 'none'",
            ] {
                assert!(policy.contains(rule), "{path}: {policy}");
            }
            assert!(!policy.contains("unsafe"));
            assert_eq!(answer.header("strict-transport-security"), None);
            let is_api = path.starts_with("/api");
            assert_eq!(answer.header("cache-control"), is_api.then_some("no-store"), "{path}");
            assert!(ids.insert(answer.header("x-request-id").unwrap().to_owned()));
        }
    }
}

#[tokio::test]
async fn https_is_for_ever() {
    let https = Settings {
        https: true,
        public_url: "https://id.example.org".to_owned(),
        ..settings()
    };
    let mut browser = Browser::with(https);
    for path in PATHS {
        let answer = browser.get(path).await;
        assert_eq!(
            answer.header("strict-transport-security"),
            Some("max-age=31536000; includeSubDomains")
        );
    }
}
