use std::{ffi::OsString, fs};

use serde_json::{Value, json};

use super::{Fields, Identity, read};
use crate::config::{Config, Sources, social::Dialect};

/// How a provider of the kind is read, as an operator gets it who overrides nothing.
fn preset(kind: &str) -> Fields {
    let set = |field: &str, value: &str| (OsString::from(format!("DOORBOOK__SOCIAL__X__{field}")), value.into());
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("doorbook.toml");
    fs::write(&file, "").unwrap();
    let config = Config::load(&Sources {
        file: Some(file),
        environment: vec![set("KIND", kind), set("CLIENT_ID", "id"), set("CLIENT_SECRET", "hush")],
        flags: Vec::new(),
    });
    match config.unwrap().social.providers.remove(0).dialect {
        Dialect::Fields(fields) => fields,
        Dialect::Openid(_) | Dialect::Github(_) | Dialect::Facebook(_) => panic!("{kind} is not read by its fields"),
    }
}

#[track_caller]
fn identity(kind: &str, answer: &Value) -> (String, Option<String>, bool, Option<String>) {
    let Identity {
        subject,
        email,
        verified,
        name,
    } = read(&preset(kind), answer).unwrap();
    let email = email.map(|email| email.canonical().to_owned());
    (subject, email, verified, name.map(|name| name.as_str().to_owned()))
}

fn ada(subject: &str, verified: bool) -> (String, Option<String>, bool, Option<String>) {
    let text = |text: &str| Some(text.to_owned());
    (subject.to_owned(), text("ada@example.org"), verified, text("Ada"))
}

#[test]
fn gitlab_says_who_it_was_and_whether_the_address_is_verified() {
    let answer = json!({"sub": "1574083", "sub_legacy": "x", "name": "Ada", "nickname": "ada",
        "email": "ada@example.org", "email_verified": true, "groups": []});
    assert_eq!(identity("gitlab", &answer), ada("1574083", true));
}

#[test]
fn microsoft_says_who_it_was_and_its_address_never_counts() {
    let answer = json!({"sub": "OLu859SGc2Sr9ZsqbkG-QbeLgJlb41KcdiPoLYNpSFA", "name": "Ada", "family_name": "L",
        "picture": "https://graph.microsoft.com/v1.0/me/photo/$value", "email": "ada@example.org", "email_verified": true});
    assert_eq!(
        identity("microsoft", &answer),
        ada("OLu859SGc2Sr9ZsqbkG-QbeLgJlb41KcdiPoLYNpSFA", false)
    );
}

#[test]
fn discord_says_who_it_was_and_whether_the_address_is_verified() {
    let answer = json!({"id": "80351110224678912", "username": "ada", "discriminator": "0", "global_name": "Ada",
        "mfa_enabled": false, "verified": true, "email": "ada@example.org"});
    assert_eq!(identity("discord", &answer), ada("80351110224678912", true));
}

#[test]
fn linkedin_says_who_it_was_and_whether_the_address_is_verified() {
    let answer = json!({"sub": "782bbtaQ", "name": "Ada", "given_name": "Ada", "family_name": "L",
        "locale": {"country": "GB", "language": "en"}, "email": "ada@example.org", "email_verified": true});
    assert_eq!(identity("linkedin", &answer), ada("782bbtaQ", true));
}

#[test]
fn only_the_boolean_true_verifies_an_address() {
    for value in [json!(false), json!("true"), json!(1), json!(null), json!([true])] {
        let answer = json!({"id": "1", "global_name": "Ada", "email": "ada@example.org", "verified": value});
        assert_eq!(identity("discord", &answer), ada("1", false), "{value}");
    }
}

#[test]
fn answer_without_a_subject_is_refused() {
    for answer in [json!({}), json!({"id": null}), json!({"id": {}}), json!([]), json!("x")] {
        assert!(read(&preset("discord"), &answer).is_err(), "{answer}");
    }
}

#[test]
fn fields_may_lie_inside_objects_and_lists() {
    let fields = Fields {
        subject: "data.0.id".to_owned(),
        email: Some("data.0.mail".to_owned()),
        verified: Some("data.0.ok".to_owned()),
        name: None,
        ..preset("discord")
    };
    let answer = json!({"data": [{"id": 7, "mail": "ada@example.org", "ok": true}]});
    let identity = read(&fields, &answer).unwrap();
    assert_eq!((identity.subject.as_str(), identity.verified), ("7", true));
}
