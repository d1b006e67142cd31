//! One provider, and one account there.

use async_trait::async_trait;
use doorbook_domain::id::{LinkId, UserId};
use doorbook_openapi::{app::*, social::*};
use uuid::Uuid;

use super::{EMAIL, NOW, StandIn, session};

pub(crate) fn account() -> SocialAccountEntry {
    SocialAccountEntry {
        id: LinkId(Uuid::from_u128(5)),
        provider: ProviderEntry {
            id: "github".into(),
            name: "GitHub".into(),
        },
        label: Some(EMAIL.into()),
        linked_at: NOW,
    }
}

#[async_trait]
impl Social for StandIn {
    fn providers(&self) -> Vec<ProviderEntry> {
        vec![account().provider]
    }

    async fn start_social(&self, wish: Start, origin: &Origin) -> Result<Started, Refusal> {
        self.gate(origin)?;
        let browser = wish.browser.clone().unwrap_or(Secret("new-browser".into()));
        self.starts.lock().unwrap().push(wish);
        Ok(Started {
            authorize_url: "https://id.example.org/authorize?state=s".into(),
            browser,
        })
    }

    async fn land_social(&self, back: Return, origin: &Origin) -> Landed {
        let linking = back.session.is_some();
        let refused = self.gate(origin).err();
        self.returns.lock().unwrap().push(back);
        let outcome = match refused {
            Some(refusal) => Err(refusal),
            None if linking => Ok(Arrival::Linked(session(1, true), account())),
            None => Ok(Arrival::Session(self.open(session(self.count(), true)))),
        };
        Landed {
            outcome,
            return_to: Some("/settings?tab=2#top".into()),
        }
    }

    async fn continue_social(
        &self,
        _: &LiveSession,
        _: &str,
        _: Option<Secret>,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        self.gate(origin)?;
        Ok(account())
    }

    async fn social_accounts(&self, _: UserId) -> Result<Vec<SocialAccountEntry>, Refusal> {
        Ok(vec![account()])
    }

    async fn unlink_social(&self, session: &LiveSession, link: LinkId, origin: &Origin) -> Result<Opened, Refusal> {
        self.gate(origin)?;
        if link == account().id {
            Ok(self.open(session.clone()))
        } else {
            Err(Refusal::NotFound)
        }
    }
}
