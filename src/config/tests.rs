mod documents;
mod wrong;

use std::{ffi::OsString, fs};

use super::*;
use crate::mail::Locale;

/// Configuration from a file's text, variables and flags.
fn load(file: &str, variables: &[(&str, &str)], flags: &[(&'static str, &str, &str)]) -> Result<Config, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("doorbook.toml");
    fs::write(&path, file).unwrap();
    Config::load(&Sources {
        file: Some(path),
        environment: variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)))
            .collect(),
        flags: flags
            .iter()
            .map(|(flag, key, value)| (*flag, (*key).to_owned(), (*value).to_owned()))
            .collect(),
    })
}

/// The only sentence that a file is refused with.
#[track_caller]
fn refusal(file: &str) -> String {
    one(load(file, &[], &[]))
}

#[track_caller]
fn one(loaded: Result<Config, ConfigError>) -> String {
    let error = loaded.expect_err("the configuration was accepted");
    let [sentence] = error.sentences() else {
        panic!("more than one sentence: {error}");
    };
    assert!(!sentence.contains('\n'), "{sentence}");
    sentence.clone()
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = load("", &[], &[]).unwrap();
    assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.http.admin_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.http.public_url.to_string(), "http://localhost:8080");
    assert_eq!(config.store, Database::Sqlite("./data/log.db".into()));
    assert_eq!(config.read, Database::Sqlite("./data/read".into()));
    assert_eq!(config.keys.url, Database::Sqlite("./data/keys.db".into()));
    assert_eq!(config.keys.file, PathBuf::from("./data/master.key"));
    assert_eq!(config.session.absolute, Duration::from_hours(14 * 24));
    assert_eq!(config.session.staff_idle, Duration::from_hours(1));
    assert_eq!((config.signup.enabled, config.signup.verify_email), (true, true));
    assert_eq!(config.password.min_length, 8);
    assert_eq!(config.password.argon2.memory_kib, 19_456);
    assert_eq!(config.csrf.header, "X-CSRFToken");
    assert_eq!(config.mail.url, Carrier::Directory("./data/mail".into()));
    assert_eq!(config.mail.from.to_string(), "Doorbook <no-reply@localhost>");
    assert_eq!(config.mail.link_base, config.http.public_url);
    assert_eq!((config.mail.templates, config.mail.locale), (None, Locale::English));
}

#[test]
fn template_parses_to_the_defaults() {
    let values = |config: Config| {
        let entries = config.effective().into_iter();
        entries.map(|entry| (entry.key, entry.value)).collect::<Vec<_>>()
    };
    assert_eq!(
        values(load(&template(), &[], &[]).unwrap()),
        values(load("", &[], &[]).unwrap())
    );
}

#[test]
fn commented_defaults_of_the_template_are_the_derived_ones() {
    let config = load("", &[], &[]).unwrap();
    for key in Key::all() {
        if let Preset::Derived(default) = key.default {
            let entry = config
                .effective()
                .into_iter()
                .find(|entry| entry.key == key.name)
                .unwrap();
            assert_eq!(entry.value.to_string(), default, "{}", key.name);
        }
    }
}

#[test]
fn flags_beat_variables_beat_the_file_beats_defaults() {
    let file = "data.dir = 'file'\nhttp.body_limit = 2000\nsignup.enabled = false";
    let variables = [
        ("DOORBOOK__DATA__DIR", "variable"),
        ("DOORBOOK__HTTP__BODY_LIMIT", "3000"),
    ];
    let config = load(file, &variables, &[("--data-dir", "data.dir", "flag")]).unwrap();
    assert_eq!(config.data.dir, PathBuf::from("flag"));
    assert_eq!(config.http.body_limit, 3000);
    assert!(!config.signup.enabled);
    assert_eq!(config.password.min_length, 8);
}

#[test]
fn effective_values_have_the_types_of_their_keys_wherever_they_come_from() {
    let variables = [
        ("DOORBOOK__HTTP__BODY_LIMIT", "3000"),
        ("DOORBOOK__SIGNUP__ENABLED", "false"),
        ("DOORBOOK__HTTP__TRUSTED_PROXIES", "10.0.0.0/8, 192.0.2.1/32"),
        ("DOORBOOK__SESSION__IDLE", "3d"),
        ("DOORBOOK__STORE__URL", "postgres://door:hush@db/door"),
    ];
    let config = load("password.min_length = 12", &variables, &[]).unwrap();
    let json = serde_json::to_value(config.effective()).unwrap();
    let value = |key: &str| {
        let entry = json.as_array().unwrap().iter().find(|entry| entry["key"] == key);
        entry.unwrap()["value"].clone()
    };
    assert_eq!(value("http.body_limit"), 3000);
    assert_eq!(value("signup.enabled"), false);
    assert_eq!(
        value("http.trusted_proxies"),
        serde_json::json!(["10.0.0.0/8", "192.0.2.1/32"])
    );
    assert_eq!(value("session.idle"), "3d");
    assert_eq!(value("password.min_length"), 12);
    assert_eq!(value("csrf.header"), "X-CSRFToken");
    assert_eq!(value("store.url"), "postgres://door:hidden@db/door");
    let table: toml::Table = config.print().parse().unwrap();
    assert_eq!(table["http"]["body_limit"].as_integer(), Some(3000));
}

#[test]
fn data_dir_moves_everything_embedded() {
    let config = load("data.dir = '/srv/door'", &[], &[]).unwrap();
    assert_eq!(config.store, Database::Sqlite("/srv/door/log.db".into()));
    assert_eq!(config.keys.file, PathBuf::from("/srv/door/master.key"));
}

#[test]
fn postgres_log_brings_read_models_and_keys_along() {
    let url = "postgres://door@db/door";
    let config = load(&format!("store.url = '{url}'"), &[], &[]).unwrap();
    assert_eq!(config.read, Database::Postgres(url.to_owned()));
    assert_eq!(config.keys.url, Database::Postgres(url.to_owned()));
}

#[test]
fn lists_come_from_variables_by_commas() {
    let variables = [
        (
            "DOORBOOK__HTTP__ALLOWED_ORIGINS",
            "http://localhost:5173, http://localhost:3000",
        ),
        ("DOORBOOK__HTTP__TRUSTED_PROXIES", "10.0.0.0/8"),
    ];
    let config = load("", &variables, &[]).unwrap();
    assert_eq!(config.http.allowed_origins.len(), 2);
    assert_eq!(config.http.trusted_proxies, [("10.0.0.0".parse().unwrap(), 8)]);
}

#[test]
fn variable_with_file_suffix_names_the_file_of_the_value() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("url");
    fs::write(&path, "postgres://door:hush@db/door\n").unwrap();
    let path = path.to_str().unwrap();
    let config = load("", &[("DOORBOOK__STORE__URL_FILE", path)], &[]).unwrap();
    assert_eq!(
        config.store,
        Database::Postgres("postgres://door:hush@db/door".to_owned())
    );
    assert!(!config.print().contains("hush"), "{}", config.print());
    assert!(
        config.print().contains("DOORBOOK__STORE__URL_FILE"),
        "{}",
        config.print()
    );
}

#[test]
fn variable_of_the_key_file_is_not_taken_for_a_suffix() {
    let config = load("", &[("DOORBOOK__KEYS__FILE", "/run/master")], &[]).unwrap();
    assert_eq!(config.keys.file, PathBuf::from("/run/master"));
}

#[test]
fn value_given_twice_by_variables_is_refused() {
    let variables = [
        ("DOORBOOK__STORE__URL", "sqlite:a"),
        ("DOORBOOK__STORE__URL_FILE", "/nowhere"),
    ];
    let sentence = one(load("", &variables, &[]));
    assert!(sentence.contains("`store.url` is set twice"), "{sentence}");
}

#[test]
fn unreadable_file_of_a_variable_is_named() {
    let sentence = one(load("", &[("DOORBOOK__STORE__URL_FILE", "/nowhere/url")], &[]));
    assert!(
        sentence.contains("`store.url`") && sentence.contains("/nowhere/url"),
        "{sentence}"
    );
}

#[test]
fn secret_in_a_file_that_is_missing_is_complained_about_once() {
    let variables = [
        ("DOORBOOK__SOCIAL__GITHUB__KIND", "github"),
        ("DOORBOOK__SOCIAL__GITHUB__CLIENT_ID", "door"),
        ("DOORBOOK__SOCIAL__GITHUB__CLIENT_SECRET_FILE", "/nowhere/secret"),
    ];
    let sentence = one(load("", &variables, &[]));
    assert!(sentence.contains("/nowhere/secret"), "{sentence}");
    let variables = [
        ("DOORBOOK__WEBHOOKS__CRM__URL", "https://crm.example.org/"),
        ("DOORBOOK__WEBHOOKS__CRM__EVENTS", "user.*"),
        ("DOORBOOK__WEBHOOKS__CRM__SECRET_FILE", "/nowhere/secret"),
    ];
    one(load("", &variables, &[]));
    let variables = [("DOORBOOK__SOCIAL__HOOK_SECRET_FILE", "/nowhere/secret")];
    one(load("social.hook_url = 'https://hook.example.org/'", &variables, &[]));
}

#[test]
fn unknown_key_is_named_with_its_source_and_the_likely_one() {
    let sentence = refusal("[http]\nlisten_on = '127.0.0.1:1'");
    assert!(
        sentence.contains("`http.listen_on` in ") && sentence.contains("doorbook.toml"),
        "{sentence}"
    );
    let sentence = refusal("http.lisen = '127.0.0.1:1'");
    assert!(sentence.contains("did you mean `http.listen`?"), "{sentence}");
    let sentence = one(load("", &[("DOORBOOK__HTTP__LISEN", "127.0.0.1:1")], &[]));
    assert!(
        sentence.contains("did you mean `DOORBOOK__HTTP__LISTEN`?"),
        "{sentence}"
    );
    let sentence = one(load("", &[], &[("--set", "colour", "red")]));
    assert!(
        sentence.contains("`colour` given by --set is unknown: remove it"),
        "{sentence}"
    );
}

#[test]
fn variables_of_others_are_left_alone() {
    load("", &[("DOORBOOK_TEST_POSTGRES", "x"), ("HOME", "/")], &[]).unwrap();
}

#[test]
fn file_that_is_no_toml_is_named_with_the_line() {
    let sentence = refusal("[http]\nlisten = \n");
    assert!(sentence.contains("doorbook.toml is not TOML, see line 2"), "{sentence}");
}

#[test]
fn missing_file_is_refused_when_it_was_asked_for() {
    let sources = Sources {
        file: Some("/nowhere/doorbook.toml".into()),
        ..Sources::default()
    };
    let sentence = one(Config::load(&sources));
    assert!(sentence.contains("/nowhere/doorbook.toml cannot be read"), "{sentence}");
}

#[test]
fn values_at_their_limits_are_taken() {
    for file in [
        "session.idle = '14d'",
        "session.absolute = '400d'",
        "password.argon2 = { memory_kib = 7168, iterations = 5 }",
        "password.argon2 = { memory_kib = 47104, iterations = 1 }",
        "http.public_url = 'http://127.0.0.1:8080'",
        "http.public_url = 'http://door.localhost'",
        "http = { public_url = 'https://a.example.org', allowed_origins = ['https://b.example.org:8443'] }",
        "http = { listen = '127.0.0.1:0', admin_listen = '127.0.0.1:0' }",
        "http.body_limit = 1024",
        "throttle.enabled = false",
        "mail.url = 'smtp://ada:hush@localhost'",
        "mail.url = 'smtp://ada:hush@mail.example.org?tls=required'",
        "http.allowed_origins = ['http://localhost:5173']\nmail.link_base = 'http://localhost:5173'",
    ] {
        load(file, &[], &[]).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let error = load("http.listen = 'x'\nsession.idle = 'y'\ncolour = 1", &[], &[]).unwrap_err();
    assert_eq!(error.sentences().len(), 3, "{error}");
}

#[test]
fn clock_moves_only_in_builds_for_tests() {
    let loaded = load("clock.offset = '+15d'", &[], &[]);
    if cfg!(feature = "test-clock") {
        assert_eq!(loaded.unwrap().clock.offset_micros, 15 * 86_400_000_000);
    } else {
        let sentence = one(loaded);
        assert!(
            sentence.contains("`clock.offset`") && sentence.contains("`test-clock`"),
            "{sentence}"
        );
    }
}

#[test]
fn passwords_are_never_shown() {
    let config = load("store.url = 'postgres://door:hush@db/door?password=hush'", &[], &[]).unwrap();
    for text in [
        config.print(),
        format!("{config:?}"),
        serde_json::to_string(&config.effective()).unwrap(),
    ] {
        assert!(!text.contains("hush"), "{text}");
    }
    let sentence = refusal("store.url = 'mysql://door:hush@db'");
    assert!(!sentence.contains("hush"), "{sentence}");
    let config = load("mail.url = 'smtps://door:hush@mail.example.org'", &[], &[]).unwrap();
    assert!(!config.print().contains("hush") && !format!("{config:?}").contains("hush"));
    let sentence = refusal("store.url = 'hush'");
    assert!(!sentence.contains("hush"), "{sentence}");
}
