//! Keys of logins with accounts at identity providers.

use super::{Key, derived, each, key, secret};

/// `[social]`, and what each provider has under its own name.
pub(super) const SOCIAL: &[Key] = &[
    key(
        "social.allow_internal",
        "false",
        "Whether the endpoints of identity providers, and the hook, may lie on this machine or in a private network, and speak plain http.",
    ),
    key(
        "social.timeout",
        r#""5s""#,
        "How long one request to an identity provider may take: 100ms to 30s.",
    ),
    derived(
        "social.page_url",
        r#""http://localhost:8080""#,
        "Where your application serves the page `/auth/<name>/callback` that providers send people back to: `http.public_url`, or one of `http.allowed_origins`. By default `http.public_url`.",
    ),
    key(
        "social.signup",
        "true",
        "Whether somebody who has no account gets one by a social login.",
    ),
    key(
        "social.link",
        r#""ask""#,
        "What happens when a provider proves the address of an existing account: `ask` for a proof of that account first, `always` link, or `never`, where people link from within their account only.",
    ),
    key(
        "social.allowed_domains",
        "[]",
        "Domains of the addresses that may sign up and in by a provider, such as `example.org`. All, where the list is empty.",
    ),
    key(
        "social.hook_url",
        r#""""#,
        "Asked before each new account and link: it may refuse, or correct the name. See docs/social.md.",
    ),
    secret(key(
        "social.hook_secret",
        r#""""#,
        "What the requests to the hook are signed with: 32 characters or more.",
    )),
    each(
        "social.<name>.kind",
        r#""github""#,
        "A provider of your own naming: `google`, `github`, `facebook`, `gitlab`, `microsoft`, `discord`, `linkedin`, `oidc` with an `issuer`, or `oauth2` with its URLs and fields. Links are kept under the name, so keep it.",
    ),
    each(
        "social.<name>.client_id",
        r#""Iv1.0123456789abcdef""#,
        "What the provider calls this service.",
    ),
    secret(each(
        "social.<name>.client_secret",
        r#""…""#,
        "The secret that the provider gave out with it.",
    )),
    each(
        "social.<name>.display_name",
        r#""GitHub""#,
        "What people call the provider.",
    ),
    each(
        "social.<name>.scopes",
        r#"["read:user", "user:email"]"#,
        "What is asked for; the least that works by default.",
    ),
    each(
        "social.<name>.issuer",
        r#""https://id.example.org""#,
        "Of `oidc`: the issuer, exactly as its discovery document says it.",
    ),
    each(
        "social.<name>.authorize_url",
        r#""https://github.com/login/oauth/authorize""#,
        "Where people are sent to.",
    ),
    each(
        "social.<name>.token_url",
        r#""https://github.com/login/oauth/access_token""#,
        "Where a code is exchanged.",
    ),
    each(
        "social.<name>.userinfo_url",
        r#""https://api.github.com/user""#,
        "Who it was.",
    ),
    each(
        "social.<name>.emails_url",
        r#""https://api.github.com/user/emails""#,
        "Of `github`: the addresses and whether they are verified.",
    ),
    each(
        "social.<name>.jwks_url",
        r#""https://id.example.org/keys""#,
        "Of OpenID providers: the keys of its signatures, instead of the discovered place. Where all four URLs are written, no discovery document is asked for: write `auth_method`, too, where it is `post`.",
    ),
    each(
        "social.<name>.auth_method",
        r#""post""#,
        "How the secret is sent to `token_url`: `basic` in a header, `post` in the body.",
    ),
    each(
        "social.<name>.trusted_for_proof",
        "true",
        "Whether a login there counts as a fresh proof although the provider does not say when the person showed who they are. By default it does not: docs/social.md.",
    ),
    each(
        "social.<name>.subject_field",
        r#""id""#,
        "Of `oauth2`: the field of the user-info answer that never changes for a person. Points lead into objects: `user.id`.",
    ),
    each(
        "social.<name>.email_field",
        r#""email""#,
        "Of `oauth2`: the field that holds the address.",
    ),
    each(
        "social.<name>.verified_field",
        r#""email_verified""#,
        "Of `oauth2`: the field that is `true` when the provider has verified the address. Without it no address is trusted.",
    ),
    each(
        "social.<name>.name_field",
        r#""name""#,
        "Of `oauth2`: the field that holds the name.",
    ),
];
