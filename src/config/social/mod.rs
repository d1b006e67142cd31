//! `social.*`: which identity providers there are, and what they are trusted with.

mod preset;
mod provider;
mod value;

use std::time::Duration;

pub use doorbook_domain::admission::LinkPolicy;
use url::Url;

pub(super) use self::value::Address;
use self::value::Domains;
pub use self::{
    provider::{Dialect, Facebook, Fields, Github, Openid, Provider},
    value::{AuthMethod, Password},
};
use super::{get, layers::Layers, net::Origin, raw::Source, setting::Setting as _};

/// Fewest characters of the secret that requests to the hook are signed with.
const HOOK_SECRET_MIN: usize = 32;

/// `social.*`.
#[derive(Debug, Clone)]
pub struct Social {
    /// Whether endpoints may be internal, and plain http.
    pub allow_internal: bool,
    /// How long a request to a provider may take.
    pub timeout: Duration,
    /// Where the page is that providers send people back to.
    pub page_url: Origin,
    /// Whether a social login may make an account.
    pub signup: bool,
    /// What a proven address of an existing account leads to.
    pub link: LinkPolicy,
    /// Domains of addresses that may come in; all, where empty.
    pub allowed_domains: Vec<String>,
    /// Who is asked before each account and link.
    pub hook: Option<Hook>,
    /// The providers, by name.
    pub providers: Vec<Provider>,
}

/// `social.hook_*`.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Where it listens.
    pub url: Url,
    /// What requests are signed with.
    pub secret: Password,
}

/// Reads all of it. What is wrong is complained about, all at once.
pub(super) fn read(layers: &mut Layers) -> Option<Social> {
    let names = layers.names("social");
    let providers: Vec<Option<Provider>> = names.iter().map(|name| provider::read(layers, name)).collect();
    let (allow_internal, timeout) = (get(layers, "social.allow_internal"), get(layers, "social.timeout"));
    let (page_url, signup) = (page_url(layers), get(layers, "social.signup"));
    let (link, domains) = (
        get(layers, "social.link"),
        get::<Domains>(layers, "social.allowed_domains"),
    );
    let hook_url = get::<Address>(layers, "social.hook_url");
    let hook_secret = get::<Password>(layers, "social.hook_secret");
    Some(Social {
        allow_internal: allow_internal?,
        timeout: timeout?,
        page_url: page_url?,
        signup: signup?,
        link: link?,
        allowed_domains: domains?.0,
        hook: hook_url?.0.zip(hook_secret).map(|(url, secret)| Hook { url, secret }),
        providers: providers.into_iter().collect::<Option<_>>()?,
    })
}

/// What follows from `http.public_url` is not complained about twice.
fn page_url(layers: &mut Layers) -> Option<Origin> {
    match layers.get("social.page_url") {
        Some((raw, Source::Derived(_))) => Origin::read(raw).ok(),
        _ => get(layers, "social.page_url"),
    }
}

/// Complains about what does not fit with the rest.
pub(super) fn check(social: &Social, public_url: &Origin, origins: &[Origin], layers: &mut Layers) {
    if !(Duration::from_millis(100)..=Duration::from_secs(30)).contains(&social.timeout) {
        layers.complain("social.timeout", "write a span from `100ms` to `30s`");
    }
    if social.page_url != *public_url && !origins.contains(&social.page_url) {
        layers.complain(
            "social.page_url",
            "no page there may call this service; list it in `http.allowed_origins`, or remove the key",
        );
    }
    if let Some(hook) = &social.hook {
        if hook.secret.reveal().chars().count() < HOOK_SECRET_MIN {
            layers.complain("social.hook_secret", "write 32 random characters or more");
        }
        if insecure(&hook.url, social) {
            layers.complain("social.hook_url", INSECURE);
        }
    }
    for provider in &social.providers {
        if let Some((field, _)) = provider.urls().into_iter().find(|(_, url)| insecure(url, social)) {
            layers.complain(&format!("social.{}.{field}", provider.name), INSECURE);
        }
    }
}

const INSECURE: &str = "over plain http anybody on the way could sign in as anybody; write an `https://` URL, or set \
     `social.allow_internal` where it is a machine of your own";

fn insecure(url: &Url, social: &Social) -> bool {
    url.scheme() != "https" && !social.allow_internal
}

#[cfg(test)]
mod tests;
