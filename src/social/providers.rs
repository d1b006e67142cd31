//! The providers of the configuration.

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use url::Url;

use super::{
    browser::Browser,
    error::ProviderError,
    flow::{Flow, Intent, Landing},
    flows::Flows,
    provider::Provider,
    return_to::ReturnTo,
};
use crate::config::{Origin, social::Social};
use crate::outbound::Outbound;

/// All of them, in the order of their names.
#[derive(Debug)]
pub struct Providers(Vec<Provider>);

/// Why nobody can be sent to a provider.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The provider cannot be used.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Something broke here.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Providers {
    /// Of the configuration.
    ///
    /// # Errors
    ///
    /// [`Fault`] when no client can be made, or a URL cannot be.
    pub fn new(social: &Social, public_url: &Origin) -> Result<Self, Fault> {
        let http = Outbound::new(social.allow_internal, social.timeout)?;
        let url = |text: String| Url::parse(&text).map_err(Fault::because("a redirect URI cannot be made"));
        let providers = social.providers.iter().map(|settings| {
            let page = url(format!("{}/auth/{}/callback", social.page_url, settings.name))?;
            let server = url(format!("{public_url}/api/social/{}/callback", settings.name))?;
            Ok(Provider::new(settings.clone(), http.clone(), page, server))
        });
        providers.collect::<Result<_, Fault>>().map(Self)
    }

    /// The provider called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.0.iter().find(|provider| provider.name() == name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.0.iter()
    }
}

/// A wish to go to a provider.
#[derive(Debug, Clone)]
pub struct Departure {
    /// What for.
    pub intent: Intent,
    /// Which way back.
    pub landing: Landing,
    /// Where people go in the end.
    pub return_to: Option<ReturnTo>,
}

impl Provider {
    /// Remembers a flow for `browser` and makes the URL that it is sent to.
    ///
    /// # Errors
    ///
    /// [`BeginError`].
    pub async fn begin(
        &self,
        flows: &Flows,
        browser: &Browser,
        departure: Departure,
        now: Timestamp,
    ) -> Result<Url, BeginError> {
        let Departure {
            intent,
            landing,
            return_to,
        } = departure;
        let (flow, secrets) = Flow::begin(self.name(), intent, landing, return_to, now);
        let url = self.authorize_url(&flow, &secrets).await?;
        flows.begin(browser, &secrets.state, &flow).await?;
        Ok(url)
    }
}
