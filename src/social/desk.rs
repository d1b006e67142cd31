//! What the service needs to deal with identity providers, in one place.

use doorbook_domain::{admission::Policy, email::EmailAddress};
use doorbook_projections::fault::Fault;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use super::{flows::Flows, hook::Hook, identity::Identity, providers::Providers};
use crate::{
    config::{Config, Database},
    keys::Keyring,
    open,
};

/// Which provider, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Labels {
    provider: String,
    outcome: &'static str,
}

/// Providers, flows under way, and the operator's rules.
#[derive(Debug)]
pub struct Desk {
    /// The providers.
    pub providers: Providers,
    /// What was begun.
    pub flows: Flows,
    /// The operator's own word, where it is asked.
    pub hook: Option<Hook>,
    /// What the operator wants.
    pub policy: Policy,
    /// Origins that people may go to afterwards.
    pub origins: Vec<String>,
    domains: Vec<String>,
    counts: Family<Labels, Counter>,
}

impl Desk {
    /// Opens it as it is configured.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the table of the flows cannot be opened, or no client can be made.
    pub async fn open(config: &Config, keyring: &Keyring) -> Result<Self, Fault> {
        let (social, http) = (&config.social, &config.http);
        let origins = [&http.public_url].into_iter().chain(&http.allowed_origins);
        let key = keyring.purpose_key("social flows");
        let database = database(config);
        open::make_private(&database).map_err(Fault::because("the flows cannot be stored"))?;
        Ok(Self {
            providers: Providers::new(social, &http.public_url)?,
            flows: Flows::open(&database, key, config.service_clock()).await?,
            hook: Hook::new(social)?,
            policy: Policy {
                link: social.link,
                sign_up: social.signup && config.signup.enabled,
            },
            origins: origins.map(ToString::to_string).collect(),
            domains: social.allowed_domains.clone(),
            counts: Family::default(),
        })
    }

    /// Whether the operator lets somebody in who comes like this.
    #[must_use]
    pub fn admits(&self, identity: &Identity) -> bool {
        let listed = |email: &EmailAddress| {
            let (_, domain) = email.canonical().rsplit_once('@').unwrap_or_default();
            self.domains.iter().any(|listed| listed == domain)
        };
        self.domains.is_empty() || identity.verified_email().is_some_and(listed)
    }

    /// Counts a flow that is over.
    pub fn count(&self, provider: &str, outcome: &'static str) {
        let labels = Labels {
            provider: provider.to_owned(),
            outcome,
        };
        self.counts.get_or_create(&labels).inc();
    }

    /// How many flows ended how.
    #[must_use]
    pub const fn counts(&self) -> &Family<Labels, Counter> {
        &self.counts
    }
}

/// Where flows are kept: in the database that all nodes share, or in a file of this node's.
fn database(config: &Config) -> Database {
    match (&config.store, &config.read) {
        (Database::Postgres(url), _) | (_, Database::Postgres(url)) => Database::Postgres(url.clone()),
        (Database::Sqlite(_), Database::Sqlite(_)) => Database::Sqlite(config.data.dir.join("flows.db")),
    }
}
