//! The discovery document and the keys of a provider: read when needed, kept for an hour, renewed for a new key.

use std::{sync::Arc, time::Duration};

use doorbook_domain::time::Timestamp;
use openidconnect::core::CoreJsonWebKeySet;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use crate::{
    config::social::Openid as Settings,
    social::{error::ProviderError, outbound::Outbound},
};

/// How long it is believed.
const KEPT: Duration = Duration::from_hours(1);
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

/// What was published when it was last asked for. One asks at a time; the others wait for the answer.
#[derive(Debug, Default)]
pub(super) struct Cache(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    published: Option<Published>,
    renewed_at: Option<Timestamp>,
}

impl Cache {
    pub(super) async fn get(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Published, ProviderError> {
        let mut held = self.0.lock().await;
        if let Some(published) = held
            .published
            .as_ref()
            .filter(|published| now.since(published.at) < KEPT)
        {
            return Ok(published.clone());
        }
        let published = read(http, settings, now).await?;
        held.published = Some(published.clone());
        Ok(published)
    }

    /// Asks again because of a key that nobody knows; `None` when that was done a moment ago.
    pub(super) async fn renew(
        &self,
        http: &Outbound,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Option<Published>, ProviderError> {
        let mut held = self.0.lock().await;
        if held.renewed_at.is_some_and(|at| now.since(at) < RENEWED_EVERY) {
            return Ok(None);
        }
        held.renewed_at = Some(now);
        let published = read(http, settings, now).await?;
        held.published = Some(published.clone());
        Ok(Some(published))
    }
}

async fn read(http: &Outbound, settings: &Settings, now: Timestamp) -> Result<Published, ProviderError> {
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
    http.check(&metadata.authorization_endpoint)?;
    let keys: CoreJsonWebKeySet = http.json("the keys", &metadata.jwks_uri, None).await?;
    Ok(Published {
        metadata: Arc::new(metadata),
        keys: Arc::new(keys),
        at: now,
    })
}
