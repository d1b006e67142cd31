use std::{ffi::OsString, fs};

use super::Webhook;
use crate::config::{Config, ConfigError, Sources};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER: &str = "whsec_plJ3nmyCDGBKInavdOK15jslplJ3nmyCDGBKInavdOI=";

fn load(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doorbook.toml");
    fs::write(&path, file).unwrap();
    let text = |text: &str| OsString::from(text);
    Config::load(&Sources {
        file: Some(path),
        environment: variables
            .iter()
            .map(|(name, value)| (text(name), text(value)))
            .collect(),
        flags: Vec::new(),
    })
}

fn webhook(url: &str, secret: &str, events: &str, more: &str) -> Result<Webhook, Vec<String>> {
    let file = format!("[webhooks.crm]\nurl = '{url}'\nsecret = '{secret}'\nevents = {events}\n{more}");
    let loaded = load(&file, &[]).map(|config| config.webhooks.into_iter().next().unwrap());
    loaded.map_err(|error| error.sentences().to_vec())
}

/// The only sentence that it is refused with.
#[track_caller]
fn refusal(url: &str, secret: &str, events: &str, more: &str) -> String {
    let sentences = webhook(url, secret, events, more).expect_err("the configuration was accepted");
    let [sentence] = sentences.as_slice() else {
        panic!("not one sentence: {sentences:?}");
    };
    sentence.clone()
}

const URL: &str = "https://crm.example.org/hook";

#[test]
fn there_are_no_webhooks_by_default() {
    assert!(load("", &[]).unwrap().webhooks.is_empty());
}

#[test]
fn events_are_types_and_beginnings_of_types() {
    let webhook = webhook(URL, SECRET, "['user.*', 'session.ended']", "").unwrap();
    assert_eq!((webhook.name.as_str(), webhook.url.as_str()), ("crm", URL));
    assert!(!webhook.allow_internal);
    for (event, sent) in [
        ("user.registered", true),
        ("user.erased", true),
        ("session.ended", true),
        ("session.started", false),
        ("social_account.linked", false),
    ] {
        assert_eq!(webhook.events.hold(event), sent, "{event}");
    }
}

#[test]
fn unknown_events_are_refused_with_the_nearest_name() {
    for (events, said) in [
        ("['user.erase']", "did you mean `user.erased`?"),
        ("['quux']", "there are no events `quux`: docs/webhooks.md lists them"),
        ("['quux.*']", "there are no events `quux.*`"),
        ("['use*']", "there are no events `use*`"),
        ("['*']", "there are no events `*`"),
        ("[]", "write a list of events"),
        ("'user.*'", "write a list of events"),
    ] {
        let sentence = refusal(URL, SECRET, events, "");
        assert!(sentence.contains("`webhooks.crm.events`"), "{sentence}");
        assert!(sentence.contains(said), "{sentence}");
    }
}

#[test]
fn secret_is_what_standard_webhooks_say_and_is_never_shown() {
    for wrong in [
        "",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsec_c2hvcnQ=",
        "whsec_***",
    ] {
        let sentence = refusal(URL, wrong, "['user.*']", "");
        assert!(
            sentence.contains("`webhooks.crm.secret`") && sentence.contains("[hidden]"),
            "{sentence}"
        );
        assert!(wrong.len() < 8 || !sentence.contains(wrong), "{sentence}");
        let previous = format!("previous_secret = '{wrong}'");
        let sentence = refusal(URL, SECRET, "['user.*']", &previous);
        assert!(sentence.contains("`webhooks.crm.previous_secret`"), "{sentence}");
    }
    let webhook = webhook(URL, SECRET, "['user.*']", &format!("previous_secret = '{OTHER}'")).unwrap();
    let lengths: Vec<_> = webhook.secrets.iter().map(|secret| secret.reveal().len()).collect();
    assert_eq!(lengths, [24, 32]);
    assert_eq!(
        format!("{webhook:?}"),
        "Webhook(crm to https://crm.example.org/[hidden], 2 secrets)"
    );
    assert_eq!(format!("{:?}", webhook.secrets[0]), "WebhookSecret(…)");
    let token = refusal("htps://crm.example.org/T0KEN", SECRET, "['user.*']", "");
    assert!(
        token.contains("`webhooks.crm.url`") && !token.contains("T0KEN"),
        "{token}"
    );
}

#[test]
fn webhook_comes_from_variables_and_its_secret_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, format!("{SECRET}\n")).unwrap();
    let variables = [
        ("DOORBOOK__WEBHOOKS__CRM__URL", URL),
        ("DOORBOOK__WEBHOOKS__CRM__SECRET_FILE", secret.to_str().unwrap()),
        ("DOORBOOK__WEBHOOKS__CRM__EVENTS", "user.*, session.ended"),
    ];
    let config = load("", &variables).unwrap();
    assert_eq!(config.webhooks[0].events.to_string(), "user.*, session.ended");
    assert!(!config.print().contains("MfKQ9"), "{}", config.print());
    assert_eq!(config.webhooks[0].shown_url(), "https://crm.example.org/[hidden]");
    assert!(
        config
            .print()
            .contains("webhooks.crm.url = \"https://crm.example.org/[hidden]\""),
        "{}",
        config.print()
    );
    assert!(
        config.print().contains("webhooks.crm.secret = \"[hidden]\""),
        "{}",
        config.print()
    );
}

#[test]
fn plain_http_needs_a_machine_of_ones_own() {
    let http = "http://crm.example.org/hook";
    assert!(refusal(http, SECRET, "['user.*']", "").contains("allow_internal"));
    assert!(webhook(http, SECRET, "['user.*']", "allow_internal = true").is_ok());
    for wrong in ["", "ftp://crm.example.org/", "https://me:hush@crm.example.org/", "crm"] {
        assert!(
            refusal(wrong, SECRET, "['user.*']", "").contains("`webhooks.crm.url`"),
            "{wrong}"
        );
    }
}

#[test]
fn webhook_needs_a_url_a_secret_and_events() {
    let error = load("webhooks.crm.allow_internal = true", &[]).unwrap_err();
    let missing = ["url", "secret", "events"].map(|field| format!("`webhooks.crm.{field}` is missing"));
    assert_eq!(error.sentences().len(), 3, "{error}");
    for (sentence, missing) in error.sentences().iter().zip(missing) {
        assert!(sentence.starts_with(&missing), "{sentence}");
    }
}
