//! The `OpenAPI` document: committed, strict, and true.

mod operations;

use std::{collections::BTreeMap, env, fs};

use doorbook_openapi::{app::Notice, document};
use poem::http::Method;
use serde_json::{Value, json};

use self::operations::OPERATIONS;
use crate::{
    events::events,
    stand_in::{
        EMAIL, PASSWORD,
        runs::{PROJECTION, RUNNING, STREAM},
        session,
    },
    support::{Answer, Browser},
};

pub(crate) fn read() -> Value {
    serde_json::from_str(&document()).unwrap()
}

/// Method, path and operation, of all.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

/// `UPDATE_SPEC=1 cargo test -p doorbook-openapi` rewrites the file.
#[test]
fn committed_document_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let current = document();
    if env::var_os("UPDATE_SPEC").is_some() {
        fs::write(path, &current).unwrap();
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == current,
        "openapi.json is stale: run with UPDATE_SPEC=1 and review the diff"
    );
}

#[test]
fn document_is_finished() {
    // What poem-openapi prints is 3.0.0; only a document without duplicate keys is finished.
    assert_eq!(read()["openapi"], "3.1.1");
    let text = document();
    for leftover in ["charset=", "\"nullable\"", "\"example\":", "\"allOf\""] {
        assert!(!text.contains(leftover), "{leftover}");
    }
}

#[test]
fn operations_and_their_statuses_are_these() {
    let listed: BTreeMap<String, String> = operations(&read())
        .into_iter()
        .map(|(method, path, operation)| {
            let statuses: Vec<&str> = operation["responses"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let id = operation["operationId"].as_str().unwrap().to_owned();
            (id, format!("{method} {path}: {}", statuses.join(" ")))
        })
        .collect();
    let expected: BTreeMap<String, String> = OPERATIONS
        .iter()
        .map(|&(id, line)| (id.to_owned(), line.to_owned()))
        .collect();
    assert_eq!(listed, expected);
}

/// No field is left empty, as it would be where nobody has said what such a text looks like.
fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => items.iter().all(is_filled),
        Value::Object(fields) => fields.values().all(is_filled),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[test]
fn every_answer_with_a_body_has_an_example() {
    let document = read();
    let mut examples = 0;
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let Some(content) = response["content"].get("application/json") else {
                continue;
            };
            let example = &content["examples"]["answer"]["value"];
            assert!(example.is_object(), "{method} {path} {status} has none");
            assert!(is_filled(example), "{method} {path}: {example}");
            examples += 1;
        }
    }
    assert!(examples > 40, "{examples}");
}

#[test]
fn every_operation_is_described() {
    let document = read();
    for (method, path, operation) in operations(&document) {
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{method} {path}");
        assert!(operation["summary"].is_string(), "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert!(
                !response["description"].as_str().unwrap().is_empty(),
                "{method} {path} {status}"
            );
            let problem = response["content"].get("application/problem+json").is_some();
            let goes_well = status.starts_with('2') || status == "302";
            assert_eq!(problem, !goes_well, "{method} {path} {status}");
        }
        if let Some(body) = operation.get("requestBody") {
            let name = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap();
            let schema = document.pointer(name.strip_prefix('#').unwrap()).unwrap();
            assert_eq!(schema["additionalProperties"], false, "{name}");
            assert!(schema["examples"][0].is_object(), "{name}");
        }
    }
    for tag in document["tags"].as_array().unwrap() {
        assert!(tag["description"].is_string());
    }
}

#[test]
fn security_is_one_requirement() {
    let both = json!([{"csrf": [], "session": []}]);
    let expected = |id: &str| match id {
        "getConfig"
        | "getCsrfToken"
        | "setCsrfCookie"
        | "getSession"
        | "listProviders"
        | "completeSocialLoginByQuery"
        | "redirectSocialLogin"
        | "finishSocialRedirect" => json!([]),
        "logIn"
        | "signUp"
        | "verifyEmail"
        | "resendVerification"
        | "requestPasswordReset"
        | "resetPassword"
        | "startSocialLogin"
        | "completeSocialLogin" => {
            json!([{"csrf": []}])
        }
        "logOut" => json!([{"csrf": [], "session": []}, {}]),
        "exportMyData" => json!([{"session": []}]),
        id if ["get", "list", "authorize", "stream", "search", "export", "watch"]
            .iter()
            .any(|verb| id.starts_with(verb)) =>
        {
            json!([{"session": []}])
        }
        _ => both.clone(),
    };
    for (_, _, operation) in operations(&read()) {
        let id = operation["operationId"].as_str().unwrap();
        assert_eq!(operation["security"], expected(id), "{id}");
    }
}

/// Where a path leads says who may go there.
#[test]
fn required_role_follows_from_the_path() {
    for (method, path, operation) in operations(&read()) {
        let expected = match path.split('/').nth(2) {
            Some("admin") => json!("admin"),
            Some("audit") => json!("auditor"),
            _ => Value::Null,
        };
        assert_eq!(operation["x-required-role"], expected, "{method} {path}");
    }
}

/// What a request body documents is what its reader takes: required, unknown and wrongly typed fields agree.
#[tokio::test]
async fn documented_bodies_are_those_that_are_read() {
    let document = read();
    let mut browser = Browser::admin().await;
    for (method, path, operation) in operations(&document) {
        let path = path
            .replace("{name}", PROJECTION)
            .replace("{id}", "00000000-0000-0000-0000-000000000b0b");
        let Some(name) = operation.pointer("/requestBody/content/application~1json/schema/$ref") else {
            continue;
        };
        let schema = &document["components"]["schemas"][name.as_str().unwrap().rsplit('/').next().unwrap()];
        let method: Method = method.parse().unwrap();

        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let wrong: Value = schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .map(|key| (key.clone(), json!({})))
            .collect();
        let answer = browser.ask(method.clone(), &path).json(&wrong).send().await;
        let named: Vec<String> = answer.invalid().into_keys().collect();
        let all: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(named.iter().collect::<Vec<_>>(), all, "{path}");

        let answer = browser.ask(method.clone(), &path).json(&json!({"?": 1})).send().await;
        let mut missing = answer.invalid();
        assert_eq!(missing.remove("?").as_deref(), Some("unknown"));
        let mut sorted = required.clone();
        sorted.sort_unstable();
        assert_eq!(missing.keys().map(String::as_str).collect::<Vec<_>>(), sorted, "{path}");

        let example = schema["examples"][0].clone();
        let answer = browser.ask(method, &path).json(&example).send().await;
        assert!(answer.status < 300, "{path}: {}", answer.text);
        browser = Browser::admin().await;
    }
}

pub(crate) fn check(document: &Value, method: &str, path: &str, answer: &Answer) {
    let escaped = path.replace('~', "~0").replace('/', "~1");
    let response = format!("/paths/{escaped}/{}/responses/{}", method.to_lowercase(), answer.status);
    let documented = document
        .pointer(&response)
        .unwrap_or_else(|| panic!("{response} is not documented"));
    let Some(content) = documented.get("content") else {
        assert_eq!(answer.text, "");
        return;
    };
    let media_type = answer.header("content-type").unwrap();
    let mut schema = content
        .get(media_type)
        .unwrap_or_else(|| panic!("{response}: {media_type}"))["schema"]
        .clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::new(&strict(schema)).unwrap();
    let bodies: Vec<Value> = if media_type == "text/event-stream" {
        let named = |(event, data): (String, Value)| json!({"event": event, "data": data});
        events(&answer.text).into_iter().map(named).collect()
    } else {
        vec![answer.json()]
    };
    assert!(!bodies.is_empty(), "{response}");
    let errors: Vec<String> = bodies
        .iter()
        .flat_map(|body| validator.iter_errors(body))
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{response}: {errors:?} in {}", answer.text);
}

/// Closes every object, so that a field which nobody documented is found.
fn strict(mut value: Value) -> Value {
    if let Some(map) = value.as_object_mut() {
        for inner in map.values_mut() {
            *inner = strict(inner.take());
        }
        if map.get("type") == Some(&json!("object")) && map.contains_key("properties") {
            map.insert("additionalProperties".to_owned(), json!(false));
        }
    } else if let Some(items) = value.as_array_mut() {
        for inner in items {
            *inner = strict(inner.take());
        }
    }
    value
}

#[tokio::test]
async fn answers_are_as_documented() {
    let document = read();
    for (method, path, operation) in operations(&document) {
        let body = operation
            .pointer("/requestBody/content/application~1json/schema/$ref")
            .map(|name| {
                document["components"]["schemas"][name.as_str().unwrap().rsplit('/').next().unwrap()]["examples"][0]
                    .clone()
            });
        let verb: Method = method.parse().unwrap();
        let mut signed_in = Browser::admin().await;
        let own = signed_in.get("/api/session").await.json()["session"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
        let asked = if path == "/api/sessions" && method == "DELETE" {
            format!("{path}?except=current")
        } else {
            path.replace("{name}", PROJECTION)
                .replace("/runs/{id}", &format!("/runs/{RUNNING}"))
                .replace("{stream}", STREAM)
                .replace("{id}", &own)
        };
        *signed_in.app.notices.lock().unwrap() = vec![
            Notice::Refreshed(session(7, true)),
            Notice::Renewed,
            Notice::UserChanged(session(7, true)),
            Notice::SignedOut("revoked"),
        ];
        for mut browser in [Browser::new(), signed_in] {
            browser.get("/api/csrf").await;
            let request = browser.ask(verb.clone(), &asked);
            let answer = match &body {
                Some(body) => request.json(body).send().await,
                None => request.send().await,
            };
            check(&document, &method, &path, &answer);
        }
    }
    let mut browser = Browser::new();
    browser.get("/api/csrf").await;
    let answer = browser.post("/api/login").json(&json!({"email": EMAIL})).send().await;
    check(&document, "POST", "/api/login", &answer);
    let answer = browser
        .post("/api/login")
        .json(&json!({"email": EMAIL, "password": PASSWORD, "remember": false}));
    check(&document, "POST", "/api/login", &answer.send().await);
}

#[tokio::test]
async fn served_document_is_the_same() {
    let answer = Browser::new().get("/api/openapi.json").await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text, document());
}
