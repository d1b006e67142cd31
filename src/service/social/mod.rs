//! Logging in by identity providers, and linking accounts there.
//!
//! [`doorbook_domain::admission`] decides who comes in; [`enter`] carries it out, [`refused`] notes who did not, [`link`] makes
//! and undoes links, and [`waiting`] keeps a proven identity until its account is proven too.

mod enter;
mod flow;
mod link;
mod refused;
mod waiting;

use async_trait::async_trait;
use doorbook_domain::{
    id::{LinkId, UserId},
    seal::ClaimId,
};
use doorbook_openapi::{
    app::{LiveSession, Opened, Origin, Refusal, Secret},
    social::{Landed, ProviderEntry, Return, Social, SocialAccountEntry, Start, Started},
};

use super::Service;
use crate::social::Identity;

/// Somebody whom a provider has proven to this browser.
pub(super) struct Proven {
    provider: String,
    identity: Identity,
    /// On (provider, subject).
    claim: ClaimId,
}

impl Service {
    pub(super) fn proven(&self, provider: &str, identity: Identity) -> Proven {
        // A provider's name holds no colon, so no two identities look alike.
        let canonical = format!("{provider}:{}", identity.subject);
        Proven {
            claim: self.keyring.claim("social", &canonical),
            provider: provider.to_owned(),
            identity,
        }
    }

    fn entry_of(&self, provider: &str) -> ProviderEntry {
        let known = self.social.providers.find(provider);
        ProviderEntry {
            id: provider.to_owned(),
            name: known.map_or(provider, |known| known.display_name()).to_owned(),
        }
    }
}

#[async_trait]
impl Social for Service {
    fn providers(&self) -> Vec<ProviderEntry> {
        let providers = self.social.providers.iter();
        providers.map(|provider| self.entry_of(provider.name())).collect()
    }

    async fn start_social(&self, wish: Start, origin: &Origin) -> Result<Started, Refusal> {
        self.throttle.flow(origin.ip).await?;
        self.begin_social(wish).await
    }

    async fn land_social(&self, back: Return, origin: &Origin) -> Landed {
        let (service, origin) = (self.clone(), origin.clone());
        let landed = self.uninterrupted(async move { Ok(service.do_land(back, origin).await) });
        landed.await.unwrap_or_else(|refusal| Landed {
            outcome: Err(refusal),
            return_to: None,
        })
    }

    async fn continue_social(
        &self,
        session: &LiveSession,
        provider: &str,
        browser: Option<Secret>,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        let (service, session) = (self.clone(), session.clone());
        let (provider, origin) = (provider.to_owned(), origin.clone());
        self.uninterrupted(async move { service.do_continue(&session, &provider, browser, &origin).await })
            .await
    }

    async fn social_accounts(&self, user: UserId) -> Result<Vec<SocialAccountEntry>, Refusal> {
        self.list_social_accounts(user).await
    }

    async fn unlink_social(&self, session: &LiveSession, link: LinkId, origin: &Origin) -> Result<Opened, Refusal> {
        let unlink = self.clone().do_unlink(session.clone(), link, origin.clone());
        self.uninterrupted(unlink).await
    }
}
