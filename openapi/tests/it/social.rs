//! Identity providers: what goes to the service, what comes back, and which cookies are set.

use doorbook_openapi::social::{Intent, SocialRefusal};
use poem::http::Method;
use serde_json::json;

use crate::{stand_in::Broken, support::Browser};

#[tokio::test]
async fn providers_are_listed_for_everybody() {
    let mut browser = Browser::new();
    let listed = browser.ask(Method::GET, "/api/social").send().await;
    assert_eq!(listed.json(), json!({"items": [{"id": "github", "name": "GitHub"}]}));
    let config = browser.ask(Method::GET, "/api/config").send().await;
    assert_eq!(config.json()["providers"], listed.json()["items"]);
}

#[tokio::test]
async fn start_binds_the_flow_to_the_browser_by_a_cookie_that_no_script_reads() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let wish = json!({"intent": "login", "return_to": "/x"});
    let path = "/api/social/github/start";
    let answer = browser.ask(Method::POST, path).json(&wish).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json()["authorize_url"],
        "https://id.example.org/authorize?state=s"
    );
    let cookie = answer.set_cookie("doorbook_flow").unwrap();
    assert_eq!(
        cookie,
        "doorbook_flow=new-browser; Max-Age=600; Path=/; SameSite=Lax; HttpOnly"
    );
    let answer = browser.ask(Method::POST, path).json(&wish).send().await;
    assert_eq!(answer.status, 200);
    let starts = browser.app.starts.lock().unwrap();
    assert!(starts[0].browser.is_none() && !starts[0].to_server);
    assert_eq!(starts[1].browser.as_ref().unwrap().0, "new-browser");
    assert_eq!(
        (starts[1].intent, starts[1].return_to.as_deref()),
        (Intent::LogIn, Some("/x"))
    );
}

#[tokio::test]
async fn start_needs_a_csrf_token_and_a_known_intent() {
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let path = "/api/social/github/start";
    let answer = browser
        .ask(Method::POST, path)
        .no_csrf()
        .json(&json!({"intent": "login"}))
        .send()
        .await;
    answer.is_problem(403, "csrf-failed");
    let answer = browser
        .ask(Method::POST, path)
        .json(&json!({"intent": "own"}))
        .send()
        .await;
    assert_eq!(answer.invalid()["intent"], "unknown_value");
}

#[tokio::test]
async fn completion_by_post_and_by_query_open_the_same_session() {
    for by_post in [true, false] {
        let mut browser = Browser::new();
        browser.get("/api/csrf").await;
        let answer = if by_post {
            let body = json!({"code": "c", "state": "s"});
            browser.ask(Method::POST, "/api/social/github").json(&body).send().await
        } else {
            browser
                .ask(
                    Method::GET,
                    "/api/social/github/?code=c&state=s&scope=openid&session_state=x",
                )
                .no_csrf()
                .send()
                .await
        };
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json()["authenticated"], true);
        assert_eq!(answer.json()["return_to"], "/settings?tab=2#top");
        assert!(answer.set_cookie("sessionid").is_some() && answer.set_cookie("csrftoken").is_some());
        let returns = browser.app.returns.lock().unwrap();
        assert_eq!(returns[0].code.as_ref().unwrap().0, "c");
        assert!(!returns[0].to_server);
    }
}

#[tokio::test]
async fn completion_by_post_needs_a_csrf_token() {
    let mut browser = Browser::new();
    let body = json!({"code": "c", "state": "s"});
    let answer = browser
        .ask(Method::POST, "/api/social/github")
        .no_csrf()
        .json(&body)
        .send()
        .await;
    answer.is_problem(403, "csrf-failed");
    assert!(browser.app.returns.lock().unwrap().is_empty());
}

#[tokio::test]
async fn refusal_of_the_provider_is_handed_on_without_a_code() {
    let mut browser = Browser::new();
    let path = "/api/social/github?error=access_denied&code=c&state=s";
    browser.ask(Method::GET, path).send().await;
    assert!(browser.app.returns.lock().unwrap()[0].code.is_none());
}

#[tokio::test]
async fn every_cause_is_a_problem_of_its_own() {
    let causes = [
        (SocialRefusal::StateInvalid, 400, "state-invalid"),
        (SocialRefusal::ProviderRefused, 403, "provider-refused"),
        (SocialRefusal::AccountInactive, 403, "account-inactive"),
        (SocialRefusal::NotAdmitted, 403, "not-admitted"),
        (SocialRefusal::NotLinked, 403, "not-linked"),
        (SocialRefusal::EmailNeeded, 409, "email-needed"),
        (SocialRefusal::ProofNeeded, 409, "proof-needed"),
        (SocialRefusal::AddressTaken, 409, "address-taken"),
        (SocialRefusal::LinkedToAnother, 409, "linked-to-another"),
        (SocialRefusal::LastWayIn, 409, "last-way-in"),
        (SocialRefusal::ProviderDown, 503, "provider-down"),
    ];
    for (refusal, status, slug) in causes {
        let mut browser = Browser::new();
        browser.app.breaks(Broken::Social(refusal));
        let path = "/api/social/github?code=c&state=s";
        let answer = browser
            .ask(Method::GET, path)
            .header("cookie", "doorbook_flow=b")
            .send()
            .await;
        let body = answer.is_problem(status, slug);
        assert!(body["detail"].is_string(), "{slug}");
        // Where something waits in this browser, the cookie waits with it.
        let waits = matches!(refusal, SocialRefusal::EmailNeeded | SocialRefusal::ProofNeeded);
        let cookie = answer
            .set_cookie("doorbook_flow")
            .map(|line| line.contains("Max-Age=1800"));
        assert_eq!(cookie, waits.then_some(true), "{slug}");
        assert_eq!(answer.set_cookie("sessionid"), None);
    }
}

#[tokio::test]
async fn redirect_goes_there_and_back() {
    let mut browser = Browser::new();
    let there = browser
        .ask(Method::GET, "/api/social/github/login?return_to=/x")
        .send()
        .await;
    assert_eq!(there.status, 302);
    assert_eq!(
        there.header("location"),
        Some("https://id.example.org/authorize?state=s")
    );
    assert!(there.set_cookie("doorbook_flow").is_some());
    assert!(browser.app.starts.lock().unwrap()[0].to_server);
    let back = browser
        .ask(Method::GET, "/api/social/github/callback?code=c&state=s&hd=x")
        .send()
        .await;
    assert_eq!(
        (back.status, back.header("location")),
        (302, Some("/settings?tab=2#top"))
    );
    assert!(back.set_cookie("sessionid").is_some());
    assert!(browser.app.returns.lock().unwrap()[0].to_server);
}

#[tokio::test]
async fn redirect_that_did_not_work_out_says_why_in_the_query() {
    let mut browser = Browser::new();
    browser.app.breaks(Broken::Social(SocialRefusal::ProofNeeded));
    let asked = browser.ask(Method::GET, "/api/social/github/callback?code=c&state=s");
    let back = asked.header("cookie", "doorbook_flow=b").send().await;
    let location = "/settings?tab=2&social_error=proof-needed&provider=github#top";
    assert_eq!((back.status, back.header("location")), (302, Some(location)));
    assert!(back.set_cookie("doorbook_flow").unwrap().contains("Max-Age=1800"));
    assert_eq!(back.set_cookie("sessionid"), None);
}

#[tokio::test]
async fn page_of_another_site_cannot_send_people_to_a_provider() {
    let listed = "http://localhost:5173/login";
    for (site, referer, status) in [
        ("cross-site", None, 403),
        ("cross-site", Some(listed), 403),
        // Another host of the same site, which may be somebody else's.
        ("same-site", None, 403),
        ("same-site", Some("http://localhost:5174/"), 403),
        ("same-site", Some("http://localhost:5173.localhost/"), 403),
        ("same-site", Some("http://localhost:5173"), 302),
        ("same-site", Some(listed), 302),
        ("same-origin", None, 302),
        ("none", None, 302),
    ] {
        let mut browser = Browser::new();
        let mut asked = browser.ask(Method::GET, "/api/social/github/login");
        if let Some(referer) = referer {
            asked = asked.header("referer", referer);
        }
        let answer = asked.header("sec-fetch-site", site).send().await;
        assert_eq!(answer.status, status, "{site} {referer:?}");
        if status == 403 {
            answer.is_problem(403, "origin-refused");
        }
    }
}

#[tokio::test]
async fn parameters_are_of_one_line_and_given_once() {
    let mut browser = Browser::new();
    for query in [
        "code=c",
        "code=c&state=s&state=t",
        "code=a%0Ab&state=s",
        "state=s&code=c&code=d",
    ] {
        let path = format!("/api/social/github?{query}");
        assert_eq!(browser.ask(Method::GET, &path).send().await.status, 422, "{query}");
    }
}

#[tokio::test]
async fn flow_cookie_that_comes_twice_is_refused() {
    let mut browser = Browser::new();
    let asked = browser.ask(Method::GET, "/api/social/github?code=c&state=s");
    let answer = asked.header("cookie", "doorbook_flow=a; doorbook_flow=b").send().await;
    answer.is_problem(400, "duplicate-cookie");
}

#[tokio::test]
async fn linked_accounts_are_listed_and_unlinked_by_their_owner_only() {
    let path = "/api/me/social-accounts";
    let mut nobody = Browser::new();
    nobody
        .ask(Method::GET, path)
        .send()
        .await
        .is_problem(401, "unauthenticated");
    let mut browser = Browser::signed_in().await;
    let listed = browser.ask(Method::GET, path).send().await.json();
    assert_eq!(listed["items"][0]["provider"]["name"], "GitHub");
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let gone = browser.ask(Method::DELETE, &format!("{path}/{id}")).send().await;
    assert_eq!(gone.status, 204);
    assert!(gone.set_cookie("sessionid").is_some());
    let device = gone.set_cookie("doorbook_device");
    assert!(device.is_some(), "the browser that asked stays known");
    let mut browser = Browser::signed_in().await;
    for other in ["00000000-0000-0000-0000-000000000009", "x"] {
        let answer = browser.ask(Method::DELETE, &format!("{path}/{other}")).send().await;
        answer.is_problem(404, "not-found");
    }
}

#[tokio::test]
async fn account_that_waits_is_linked_by_somebody_signed_in() {
    let path = "/api/social/github/continue";
    let mut nobody = Browser::new();
    nobody
        .ask(Method::POST, path)
        .send()
        .await
        .is_problem(401, "unauthenticated");
    let mut browser = Browser::signed_in().await;
    let answer = browser.ask(Method::POST, path).send().await;
    assert_eq!(answer.json()["linked"]["label"], "ada@example.org");
}
