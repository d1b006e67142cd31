use std::{ffi::OsString, fs};

use super::{AuthMethod, Dialect, LinkPolicy, Social};
use crate::config::{Config, ConfigError, Sources};

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

fn social(file: &str) -> Social {
    load(file, &[]).unwrap().social
}

/// The only sentence that a file is refused with.
#[track_caller]
fn refusal(file: &str) -> String {
    let error = load(file, &[]).expect_err("the configuration was accepted");
    let [sentence] = error.sentences() else {
        panic!("not one sentence: {error}");
    };
    sentence.clone()
}

const GITHUB: &str = "[social.github]\nkind = 'github'\nclient_id = 'id'\nclient_secret = 'hush'\n";
const OIDC: &str = "[social.work]\nkind = 'oidc'\nclient_id = 'id'\nissuer = 'https://id.example.org'\n";

#[test]
fn there_are_no_providers_by_default_and_the_rules_are_careful() {
    let social = social("");
    assert!(social.providers.is_empty());
    assert!(!social.allow_internal);
    assert_eq!(social.link, LinkPolicy::Ask);
    assert!(social.hook.is_none());
    assert_eq!(social.page_url.to_string(), "http://localhost:8080");
}

#[test]
fn a_kind_an_id_and_a_secret_make_a_known_provider() {
    for kind in [
        "google",
        "github",
        "facebook",
        "gitlab",
        "microsoft",
        "discord",
        "linkedin",
    ] {
        let social = social(&format!(
            "[social.my_{kind}]\nkind = '{kind}'\nclient_id = 'id'\nclient_secret = 'hush'"
        ));
        let [provider] = social.providers.as_slice() else {
            panic!("{kind}")
        };
        assert_eq!(provider.name, format!("my_{kind}"));
        assert!(!provider.scopes.is_empty(), "{kind}");
        assert!(provider.urls().iter().all(|(_, url)| url.scheme() == "https"), "{kind}");
    }
}

#[test]
fn no_address_of_microsoft_is_trusted() {
    let social = social("[social.ms]\nkind = 'microsoft'\nclient_id = 'id'\nclient_secret = 'hush'");
    let Dialect::Fields(fields) = &social.providers[0].dialect else {
        panic!()
    };
    assert_eq!(fields.verified, None);
}

#[test]
fn every_endpoint_can_be_another() {
    let social = social(&format!(
        "{GITHUB}token_url = 'https://git.example.org/token'\nauth_method = 'basic'"
    ));
    let Dialect::Github(github) = &social.providers[0].dialect else {
        panic!()
    };
    assert_eq!(github.token_url.as_str(), "https://git.example.org/token");
    assert_eq!(github.userinfo_url.as_str(), "https://api.github.com/user");
    assert_eq!(social.providers[0].auth_method, Some(AuthMethod::Basic));
}

#[test]
fn provider_comes_from_variables_and_its_secret_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "hush\n").unwrap();
    let variables = [
        ("DOORBOOK__SOCIAL__GITHUB__KIND", "github"),
        ("DOORBOOK__SOCIAL__GITHUB__CLIENT_ID", "id"),
        ("DOORBOOK__SOCIAL__GITHUB__CLIENT_SECRET_FILE", secret.to_str().unwrap()),
    ];
    let config = load("", &variables).unwrap();
    let [provider] = config.social.providers.as_slice() else {
        panic!()
    };
    assert_eq!(provider.client_secret.as_ref().unwrap().reveal(), "hush");
    assert!(!config.print().contains("hush"), "{}", config.print());
    assert!(!format!("{config:?}").contains("hush"));
    assert!(config.print().contains("social.github.kind = \"github\""));
}

#[test]
fn public_client_of_openid_needs_no_secret_and_others_do() {
    assert!(social(OIDC).providers[0].client_secret.is_none());
    let sentence = refusal("[social.github]\nkind = 'github'\nclient_id = 'id'");
    assert!(
        sentence.starts_with("`social.github.client_secret` is missing: "),
        "{sentence}"
    );
}

#[test]
fn public_client_of_plain_oauth2_needs_no_secret() {
    let urls = "authorize_url = 'https://x.org/a'\ntoken_url = 'https://x.org/t'\nuserinfo_url = 'https://x.org/u'";
    let file = format!("[social.x]\nkind = 'oauth2'\nclient_id = 'id'\nsubject_field = 'id'\n{urls}");
    assert!(social(&file).providers[0].client_secret.is_none());
}

#[test]
fn wrong_kind_is_refused_with_those_that_exist() {
    let sentence = refusal("[social.x]\nkind = 'myspace'");
    assert!(
        sentence.contains("`social.x.kind`") && sentence.contains("`linkedin`"),
        "{sentence}"
    );
    assert!(refusal("[social.x]\nclient_id = 'id'").contains("`social.x.kind` is missing"));
}

#[test]
fn misspelt_key_of_a_provider_gets_a_hint() {
    let sentence = refusal(&format!("{GITHUB}cliend_secret = 'x'"));
    assert!(
        sentence.contains("did you mean `social.github.client_secret`?"),
        "{sentence}"
    );
    assert!(refusal("[social.GitHub]\nkind = 'github'").contains("is unknown"));
}

#[test]
fn key_of_another_kind_is_refused() {
    let sentence = refusal(&format!("{GITHUB}issuer = 'https://github.com'"));
    assert!(
        sentence.contains("`social.github.issuer`") && sentence.contains("remove it"),
        "{sentence}"
    );
}

#[test]
fn openid_needs_an_issuer_that_is_a_url() {
    for issuer in ["", "id.example.org", "https://id.example.org?x", "ftp://id.example.org"] {
        let sentence = refusal(&format!("[social.x]\nkind='oidc'\nclient_id='id'\nissuer='{issuer}'"));
        assert!(sentence.contains("`social.x.issuer`"), "{sentence}");
    }
}

#[test]
fn plain_http_needs_a_word_of_the_operator() {
    let http = OIDC.replace("https", "http");
    assert!(refusal(&http).contains("social.allow_internal"));
    assert_eq!(
        social(&format!("social.allow_internal = true\n{http}")).providers.len(),
        1
    );
}

#[test]
fn any_other_provider_is_described_by_its_fields() {
    let urls = "authorize_url = 'https://x.org/a'\ntoken_url = 'https://x.org/t'\nuserinfo_url = 'https://x.org/u'";
    let file = format!("[social.x]\nkind='oauth2'\nclient_id='id'\nclient_secret='s'\n{urls}\n");
    assert!(refusal(&file).contains("`social.x.subject_field` is missing"));
    let social = social(&format!("{file}subject_field = 'user.id'"));
    let Dialect::Fields(fields) = &social.providers[0].dialect else {
        panic!()
    };
    assert_eq!(fields.subject, "user.id");
    assert_eq!(fields.verified, None);
}

#[test]
fn hook_needs_a_long_secret() {
    let url = "social.hook_url = 'https://hook.example.org/x'\n";
    assert!(refusal(&format!("{url}social.hook_secret = 'short'")).contains("`social.hook_secret`"));
    let file = format!("{url}social.hook_secret = '0123456789abcdef0123456789abcdef'");
    assert!(social(&file).hook.is_some());
}

#[test]
fn callback_page_lies_where_pages_may_call_from() {
    assert!(refusal("social.page_url = 'https://evil.example'").contains("http.allowed_origins"));
    let file = "social.page_url = 'http://localhost:5173'\nhttp.allowed_origins = ['http://localhost:5173']";
    assert_eq!(social(file).page_url.to_string(), "http://localhost:5173");
}

#[test]
fn domains_have_one_form() {
    assert_eq!(
        social("social.allowed_domains = ['Example.org']").allowed_domains,
        ["example.org"]
    );
    for list in ["'@example.org'", "'*.example.org'", "'org'", "7"] {
        assert!(refusal(&format!("social.allowed_domains = [{list}]")).contains("list of domains"));
    }
}
