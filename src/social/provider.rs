//! One provider: where it sends people, and whom it says they are.

use doorbook_domain::time::Timestamp;
use url::Url;

use super::{
    error::ProviderError,
    exchange::{self, Extras, Tokens},
    facebook, fields,
    flow::{Flow, Intent, Landing, Secrets},
    github,
    identity::Identity,
    openid::{Expected, Openid},
};
use crate::config::social::{AuthMethod, Dialect, Provider as Settings};
use crate::outbound::Outbound;

/// An identity provider of the configuration.
#[derive(Debug)]
pub struct Provider {
    settings: Settings,
    openid: Option<Openid>,
    http: Outbound,
    page: Url,
    server: Url,
}

/// What a provider sent back with somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// The code to exchange.
    pub code: String,
    /// The issuer that says so (RFC 9207).
    pub iss: Option<String>,
}

/// Shows nothing.
impl std::fmt::Debug for Callback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Callback(…)")
    }
}

impl Provider {
    /// Of the configuration. `page` and `server` are the URLs that it may send people back to.
    pub(super) fn new(settings: Settings, http: Outbound, page: Url, server: Url) -> Self {
        let openid = match &settings.dialect {
            Dialect::Openid(openid) => Some(Openid::new(openid.clone())),
            Dialect::Github(_) | Dialect::Facebook(_) | Dialect::Fields(_) => None,
        };
        Self {
            settings,
            openid,
            http,
            page,
            server,
        }
    }

    /// Its name in paths and events.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// What people call it.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.settings.display_name
    }

    /// What its console has to hold as redirect URIs: the page's, and the server's.
    #[must_use]
    pub fn redirect_uris(&self) -> [&Url; 2] {
        [&self.page, &self.server]
    }

    /// The URL that people are sent to for `flow`.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] when what it publishes cannot be read.
    pub(super) async fn authorize_url(&self, flow: &Flow, secrets: &Secrets) -> Result<Url, ProviderError> {
        let again = matches!(flow.intent, Intent::Reauthenticate(..));
        if again && self.openid.is_none() && !self.settings.trusted_for_proof {
            let reason = "it does not say when people showed who they are (`trusted_for_proof` is not set)";
            return Err(ProviderError::Untrusted(reason.to_owned()));
        }
        let mut extras = Extras::new();
        let url = match &self.settings.dialect {
            Dialect::Openid(_) => {
                extras.push(("nonce", secrets.nonce.clone()));
                if again {
                    // OpenID Connect Core 1.0, 3.1.2.1: whoever sits there has to show anew who they are.
                    extras.push(("prompt", "login".to_owned()));
                    extras.push(("max_age", "0".to_owned()));
                }
                let openid = self.openid()?;
                let published = openid.published(&self.http, flow.at).await?;
                published.metadata.authorization_endpoint.clone()
            }
            Dialect::Github(of) => of.authorize_url.clone(),
            Dialect::Facebook(of) => of.authorize_url.clone(),
            Dialect::Fields(of) => of.authorize_url.clone(),
        };
        let redirect = self.redirect(flow.landing);
        Ok(exchange::authorize_url(&self.settings, &url, secrets, redirect, extras))
    }

    /// Exchanges the code and asks who it was. The tokens end here.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]: the reason is for the log.
    pub async fn identify(&self, flow: &Flow, callback: &Callback, now: Timestamp) -> Result<Identity, ProviderError> {
        match &self.settings.dialect {
            Dialect::Openid(_) => self.identify_openid(flow, callback, now).await,
            Dialect::Github(of) => {
                let tokens = self.redeem(&of.token_url, AuthMethod::Post, flow, callback).await?;
                github::identify(&self.http, of, &tokens).await
            }
            Dialect::Facebook(of) => {
                let tokens = self.redeem(&of.token_url, AuthMethod::Post, flow, callback).await?;
                facebook::identify(&self.http, &self.settings, of, &tokens).await
            }
            Dialect::Fields(of) => {
                let tokens = self.redeem(&of.token_url, AuthMethod::Post, flow, callback).await?;
                fields::identify(&self.http, of, &tokens).await
            }
        }
    }

    /// Whether it can be reached and says of itself what the configuration says of it. Providers that publish nothing
    /// are taken at their word.
    ///
    /// # Errors
    ///
    /// [`ProviderError`]: why not.
    pub async fn probe(&self, now: Timestamp) -> Result<(), ProviderError> {
        for (_, url) in self.settings.urls() {
            self.http.check(&url)?;
        }
        match &self.openid {
            Some(openid) => openid.published(&self.http, now).await.map(drop),
            None => Ok(()),
        }
    }

    /// Whether it publishes what [`Self::probe`] could ask for.
    #[must_use]
    pub const fn publishes(&self) -> bool {
        self.openid.is_some()
    }

    async fn identify_openid(
        &self,
        flow: &Flow,
        callback: &Callback,
        now: Timestamp,
    ) -> Result<Identity, ProviderError> {
        let openid = self.openid()?;
        let published = openid.published(&self.http, now).await?;
        Openid::check_iss(&published, callback.iss.as_deref())?;
        let usual = Openid::auth_method(&published);
        let url = &published.metadata.token_endpoint;
        let tokens = self.redeem(url, usual, flow, callback).await?;
        let again = matches!(flow.intent, Intent::Reauthenticate(..));
        let expected = Expected {
            client_id: &self.settings.client_id,
            nonce: &flow.nonce,
            now,
            authenticated_since: again.then_some(flow.at),
            trusted_for_proof: self.settings.trusted_for_proof,
        };
        openid.identify(&self.http, &tokens, &expected).await
    }

    async fn redeem(
        &self,
        url: &Url,
        usual: AuthMethod,
        flow: &Flow,
        callback: &Callback,
    ) -> Result<Tokens, ProviderError> {
        let redirect = self.redirect(flow.landing);
        let request = exchange::Request {
            url,
            usual,
            code: &callback.code,
            verifier: &flow.verifier,
            redirect,
        };
        exchange::redeem(&self.http, &self.settings, request).await
    }

    fn redirect(&self, landing: Landing) -> &Url {
        match landing {
            Landing::Page => &self.page,
            Landing::Server => &self.server,
        }
    }

    fn openid(&self) -> Result<&Openid, ProviderError> {
        self.openid.as_ref().ok_or(ProviderError::unreadable("the kind"))
    }
}
