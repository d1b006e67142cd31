//! The discovery document and the keys of a provider: read when needed, kept for an hour, renewed for a new key.
//! A failure is remembered for a moment.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use doorbook_domain::time::Timestamp;
use openidconnect::core::CoreJsonWebKeySet;
use parking_lot::Mutex;
use serde::Deserialize;
use url::Url;

use crate::{config::social::Openid as Settings, outbound::Outbound, social::error::ProviderError};

/// How long it is believed.
const KEPT: Duration = Duration::from_hours(1);
/// How long it is of use while nothing newer is to be had.
const STALE: Duration = Duration::from_hours(24);
/// How long a provider that failed is not asked again.
const FAILED_FOR: Duration = Duration::from_secs(5);
/// Keys are asked for anew this often at most, however many tokens name a key that nobody knows.
const RENEWED_EVERY: Duration = Duration::from_mins(1);

/// Of the discovery document, what is used (OpenID Connect Discovery 1.0, 3; RFC 8414; RFC 9207).
#[derive(Debug, Clone, Deserialize)]
pub(in crate::social) struct Metadata {
    pub(in crate::social) issuer: String,
    pub(in crate::social) authorization_endpoint: Url,
    pub(in crate::social) token_endpoint: Url,
    pub(in crate::social) userinfo_endpoint: Option<Url>,
    jwks_uri: Url,
    pub(in crate::social) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub(in crate::social) authorization_response_iss_parameter_supported: bool,
}

/// What a provider says about itself.
#[derive(Debug, Clone)]
pub(in crate::social) struct Published {
    /// Where it is and what it can do.
    pub(in crate::social) metadata: Arc<Metadata>,
    /// What it signs with.
    pub(in crate::social) keys: Arc<CoreJsonWebKeySet>,
    at: Timestamp,
}

/// What was published when it was last asked for. One asks at a time. The others take what is there, stale or not; where
/// nothing is, they wait and share what comes of it, a failure too: a provider that is silent costs nobody more than one
/// timeout.
#[derive(Debug, Default)]
pub(super) struct Cache {
    held: Mutex<Held>,
    asking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Held {
    published: Option<Published>,
    renewed_at: Option<Timestamp>,
    failed: Option<(Instant, ProviderError)>,
}

impl Cache {
    pub(super) async fn get(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Published, ProviderError> {
        if let Some(published) = self.younger_than(KEPT, now) {
            return Ok(published);
        }
        let Ok(asking) = self.asking.try_lock() else {
            if let Some(stale) = self.younger_than(STALE, now) {
                return Ok(stale);
            }
            return self.after_the_others(http, settings, now).await;
        };
        let asked = self.unless_it_failed(http, settings, now).await;
        drop(asking);
        asked
    }

    async fn after_the_others(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Published, ProviderError> {
        let _asking = self.asking.lock().await;
        match self.younger_than(KEPT, now) {
            Some(published) => Ok(published),
            None => self.unless_it_failed(http, settings, now).await,
        }
    }

    /// Asks, unless that failed a moment ago. What is stale is better than nothing while the provider is down.
    async fn unless_it_failed(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Published, ProviderError> {
        let error = match self.failed_lately() {
            Some(error) => error,
            None => match self.ask(http, settings, now).await {
                Ok(published) => return Ok(published),
                Err(error) => error,
            },
        };
        match (&error, self.younger_than(STALE, now)) {
            (ProviderError::Down(_), Some(stale)) => Ok(stale),
            _ => Err(error),
        }
    }

    /// Asks again because of a key that nobody knows; `None` when that was done a moment ago.
    pub(super) async fn renew(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Option<Published>, ProviderError> {
        let _asking = self.asking.lock().await;
        {
            let mut held = self.held.lock();
            if held.renewed_at.is_some_and(|at| now.since(at) < RENEWED_EVERY) {
                return Ok(None);
            }
            held.renewed_at = Some(now);
        }
        if let Some(error) = self.failed_lately() {
            return Err(error);
        }
        self.ask(http, settings, now).await.map(Some)
    }

    async fn ask(&self, http: &Outbound, settings: &Settings, now: Timestamp) -> Result<Published, ProviderError> {
        let asked = read(http, settings, now).await;
        let mut held = self.held.lock();
        held.failed = match &asked {
            Ok(published) => {
                held.published = Some(published.clone());
                None
            }
            Err(error) => Some((Instant::now(), error.repeated())),
        };
        asked
    }

    fn younger_than(&self, age: Duration, now: Timestamp) -> Option<Published> {
        let held = self.held.lock();
        held.published.clone().filter(|published| now.since(published.at) < age)
    }

    fn failed_lately(&self) -> Option<ProviderError> {
        let held = self.held.lock();
        let (at, error) = held.failed.as_ref()?;
        (at.elapsed() < FAILED_FOR).then(|| error.repeated())
    }
}

async fn read(http: &Outbound, settings: &Settings, now: Timestamp) -> Result<Published, ProviderError> {
    let metadata = match configured(settings) {
        Some(metadata) => metadata,
        None => discovered(http, settings).await?,
    };
    http.check(&metadata.authorization_endpoint)?;
    let keys: CoreJsonWebKeySet = http.json("the keys", &metadata.jwks_uri, None).await?;
    Ok(Published {
        metadata: Arc::new(metadata),
        keys: Arc::new(keys),
        at: now,
    })
}

/// What the configuration says of a provider all by itself: then nothing is asked of it but its keys.
fn configured(settings: &Settings) -> Option<Metadata> {
    Some(Metadata {
        issuer: settings.issuer.clone(),
        authorization_endpoint: settings.authorize_url.clone()?,
        token_endpoint: settings.token_url.clone()?,
        userinfo_endpoint: Some(settings.userinfo_url.clone()?),
        jwks_uri: settings.jwks_url.clone()?,
        token_endpoint_auth_methods_supported: None,
        authorization_response_iss_parameter_supported: false,
    })
}

async fn discovered(http: &Outbound, settings: &Settings) -> Result<Metadata, ProviderError> {
    let url = format!(
        "{}/.well-known/openid-configuration",
        settings.issuer.trim_end_matches('/')
    );
    let url = Url::parse(&url).map_err(|_| ProviderError::unreadable("the issuer"))?;
    let mut metadata: Metadata = http.json("the discovery document", &url, None).await?;
    // Otherwise one provider could speak for another (OpenID Connect Discovery 1.0, 4.3).
    if metadata.issuer != settings.issuer {
        let reason = "the discovery document names another issuer than the configuration";
        return Err(ProviderError::Untrusted(reason.to_owned()));
    }
    let instead = |place: &mut Url, own: &Option<Url>| {
        if let Some(own) = own {
            place.clone_from(own);
        }
    };
    instead(&mut metadata.authorization_endpoint, &settings.authorize_url);
    instead(&mut metadata.token_endpoint, &settings.token_url);
    instead(&mut metadata.jwks_uri, &settings.jwks_url);
    metadata.userinfo_endpoint = settings.userinfo_url.clone().or(metadata.userinfo_endpoint);
    Ok(metadata)
}

#[cfg(test)]
mod tests;
