//! The flows in a real browser: Chromium, which `tools/browser/walk.mjs` leads to the pages of a real provider and back.
//!
//! Service and application are of one site, the provider is of another (`localhost` and `127.0.0.1`): so the browser's own
//! rules about cookies and origins hold, as they do for people.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use super::real::Real;
use crate::support::{Database, Service, free_port};

on_each_store!(people_click_through_every_flow_in_a_real_browser);

/// Names under which browsers of this kind are installed.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut files = BROWSERS
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |directory| directory.join(name)));
    files
        .find(|file| file.is_file())
        .expect("Chromium is missing: `cargo xtask test` installs it on Debian, or `sudo apt-get install chromium`")
}

/// What each walk saw.
async fn walk(service: &str, provider: &str, port: u16) -> Value {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/browser");
    assert!(
        tools.join("node_modules/playwright-core").is_dir(),
        "tools/browser is not installed: `cargo xtask test` does so, or `npm ci` in it"
    );
    let mut walk = Command::new("node");
    walk.arg("walk.mjs")
        .arg(browser())
        .args([service, provider, &port.to_string()]);
    walk.current_dir(tools).stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || walk.output().unwrap())
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The session cookie among those of the browser, and whether scripts are kept from it.
fn session(seen: &Value) -> Option<bool> {
    let cookies = seen["cookies"].as_array().unwrap();
    let session = cookies.iter().find(|cookie| cookie["name"] == "sessionid")?;
    session["httpOnly"].as_bool()
}

#[track_caller]
fn arrived_as(seen: &Value, origin: &str, email: &str) -> Value {
    assert_eq!(seen["url"], format!("{origin}/api/me"), "{seen}");
    let user: Value = serde_json::from_str(seen["text"].as_str().unwrap()).unwrap();
    assert_eq!((&user["email"], &user["email_verified"]), (&json!(email), &json!(true)));
    assert_eq!(session(seen), Some(true), "{seen}");
    let readable = seen["readable"].as_str().unwrap();
    assert!(
        readable.contains("csrftoken=") && !readable.contains("sessionid") && !readable.contains("doorbook_"),
        "{readable}"
    );
    user["id"].clone()
}

async fn people_click_through_every_flow_in_a_real_browser(database: Database) {
    let mut service = Service::prepare(database).await;
    let (issuer, port) = (format!("http://127.0.0.1:{}", free_port()), free_port());
    let app = format!("http://localhost:{port}");
    service.set("HTTP__ALLOWED_ORIGINS", &app);
    service.set("SOCIAL__PAGE_URL", &app);
    let _provider = Real::start(&issuer, &mut service, true).await;
    service.start_again().await;
    let origin = service.origin();
    let seen = walk(&origin, &issuer, port).await;

    // Without a script: two pages at the provider, and signed in.
    let first = &seen["redirects"]["first"];
    let ada = arrived_as(first, &origin, "ada@example.org");
    assert_eq!(
        first["seen"],
        json!(["interaction", "interaction"]),
        "login and consent"
    );
    // A returning person, whom the provider still knows, sees no page there.
    let again = &seen["redirects"]["again"];
    assert_eq!(arrived_as(again, &origin, "ada@example.org"), ada);
    assert_eq!(again["seen"], json!([]));

    // The application's own page hands on what the provider sent.
    let page = &seen["pages"];
    assert_eq!(
        (&page["status"], &page["body"]["user"]["id"]),
        (&json!(200), &ada),
        "{page}"
    );
    assert_eq!(page["body"]["return_to"], "/settings");
    assert_eq!(
        page["url"],
        format!("{app}/auth/real/callback"),
        "the code has left the address"
    );
    assert_eq!(session(page), Some(true));
    assert_eq!(page["seen"], json!(["interaction", "interaction"]));

    // Another browser can do nothing with it, the own one once.
    let callback = &seen["callbackOfAnother"];
    assert_problem(&callback["lured"]);
    assert_eq!(session(&callback["lured"]), None);
    assert_eq!(
        callback["own"]["body"]["user"]["email"], "eve@example.org",
        "{callback}"
    );
    assert_problem(&callback["twice"]);
    let departure = &seen["departureOfAnother"];
    assert_eq!(
        departure["lured"]["url"],
        format!("{origin}/?social_error=state-invalid&provider=real")
    );
    assert_eq!(session(&departure["lured"]), None);
    arrived_as(&departure["own"], &origin, "eve@example.org");
}

#[track_caller]
fn assert_problem(outcome: &Value) {
    assert_eq!(
        (&outcome["status"], &outcome["body"]["type"]),
        (&json!(400), &json!("urn:doorbook:problem:state-invalid")),
        "{outcome}"
    );
}
