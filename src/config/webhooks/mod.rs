//! `webhooks.*`: who is told of events.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorbook_domain::event::types;
use url::Url;
use zeroize::Zeroizing;

use super::{
    get,
    layers::Layers,
    nearest::nearest,
    raw::{Raw, host_only},
    setting::Setting,
    social::Address,
};

/// What a secret begins with (Standard Webhooks).
const PREFIX: &str = "whsec_";
/// Bytes of a secret, at least and at most (Standard Webhooks).
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// `webhooks.<name>.*`.
#[derive(Clone)]
pub struct Webhook {
    /// What it is called in commands, metrics and the configuration.
    pub name: String,
    /// Where events are posted to.
    pub url: Url,
    /// What bodies are signed with: one secret, or two while the receiver goes over from one to the other.
    pub secrets: Vec<WebhookSecret>,
    /// Which events.
    pub events: EventTypes,
    /// Whether the receiver may be internal, and plain http.
    pub allow_internal: bool,
}

/// Shows no secret, and of the URL its host.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Webhook({} to {}, {} secrets)",
            self.name,
            self.shown_url(),
            self.secrets.len()
        )
    }
}

impl Webhook {
    /// The URL as commands show it.
    #[must_use]
    pub fn shown_url(&self) -> String {
        host_only(&self.url)
    }
}

/// What bodies are signed with. Never shown, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

impl WebhookSecret {
    /// The secret itself.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// Shows nothing.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl Setting for WebhookSecret {
    fn read(raw: &Raw) -> Result<Self, String> {
        let bytes = raw
            .text()
            .and_then(|text| BASE64_STANDARD.decode(text.strip_prefix(PREFIX)?).ok())
            .map(Zeroizing::new)
            .filter(|bytes| SECRET_BYTES.contains(&bytes.len()));
        bytes.map(Self).ok_or_else(|| {
            "write `whsec_` and 24 to 64 random bytes in base64, as `echo whsec_$(openssl rand -base64 32)` prints"
                .to_owned()
        })
    }
}

/// Types of events, and beginnings of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTypes(Vec<String>);

impl EventTypes {
    /// Whether events of this type are among them.
    #[must_use]
    pub fn hold(&self, event_type: &str) -> bool {
        self.0.iter().any(|wanted| fits(wanted, event_type))
    }
}

impl fmt::Display for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Whether `wanted` is the type, or `user.*` and the like for its beginning.
fn fits(wanted: &str, event_type: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => start.ends_with('.') && event_type.starts_with(start),
        None => wanted == event_type,
    }
}

impl Setting for EventTypes {
    fn read(raw: &Raw) -> Result<Self, String> {
        let list = raw.list().filter(|list| !list.is_empty());
        let list =
            list.ok_or_else(|| "write a list of events, such as `[\"user.*\", \"session.ended\"]`".to_owned())?;
        match list.iter().find(|wanted| !types().any(|known| fits(wanted, known))) {
            None => Ok(Self(list.into_iter().map(str::to_owned).collect())),
            Some(unknown) => Err(match nearest(unknown, types()) {
                Some(known) => format!("there are no events `{unknown}`: did you mean `{known}`?"),
                None => format!("there are no events `{unknown}`: docs/webhooks.md lists them"),
            }),
        }
    }
}

/// Reads all of them. What is wrong is complained about, all at once.
pub(super) fn read(layers: &mut Layers) -> Option<Vec<Webhook>> {
    let names = layers.names("webhooks");
    let webhooks: Vec<Option<Webhook>> = names.into_iter().map(|name| one(layers, name)).collect();
    webhooks.into_iter().collect()
}

fn one(layers: &mut Layers, name: String) -> Option<Webhook> {
    let key = |field: &str| format!("webhooks.{name}.{field}");
    let url = get::<Address>(layers, &key("url"));
    let secret = get(layers, &key("secret"));
    let previous = find::<WebhookSecret>(layers, &key("previous_secret"));
    let events = get(layers, &key("events"));
    let allow_internal = find::<bool>(layers, &key("allow_internal"));
    let (url, allow_internal) = (url?.0, allow_internal?.unwrap_or(false));
    let Some(url) = url else {
        layers.complain(&key("url"), "write the URL that events are posted to");
        return None;
    };
    if url.scheme() != "https" && !allow_internal {
        layers.complain(&key("url"), INSECURE);
    }
    Some(Webhook {
        secrets: std::iter::once(secret?).chain(previous?).collect(),
        url,
        events: events?,
        allow_internal,
        name,
    })
}

const INSECURE: &str = "over plain http anybody on the way could read and repeat what is sent; write an `https://` URL, or set \
     `allow_internal` beside it where it is a machine of your own";

/// Reads a key that may be absent. An outer `None` means that something was complained about.
#[expect(
    clippy::option_option,
    reason = "complained about, absent, and there are three things"
)]
fn find<T: Setting>(layers: &mut Layers, key: &str) -> Option<Option<T>> {
    match layers.get(key) {
        None => Some(None),
        Some(_) => get(layers, key).map(Some),
    }
}

#[cfg(test)]
mod tests;
