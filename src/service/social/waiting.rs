//! An identity that waits in its browser until somebody shows which account it belongs to.

use doorbook_domain::{admission::AdmissionError, email::EmailAddress, name::DisplayName};
use doorbook_openapi::{
    app::{LiveSession, Origin, Refusal, Secret},
    social::{SocialAccountEntry, SocialRefusal},
};
use doorbook_projections::fault::Fault;

use super::{Proven, Service};
use crate::social::{Browser, Flow, Identity, Pending};

impl Service {
    /// What to answer when nobody came in. Where a proof of the account, or an account, is all that is missing, the identity
    /// waits for it.
    pub(super) async fn wait_for_account(
        &self,
        proven: &Proven,
        browser: &Browser,
        flow: &Flow,
        error: AdmissionError,
    ) -> Result<Refusal, Refusal> {
        let (refusal, account) = match error {
            AdmissionError::NotAdmitted => return Ok(SocialRefusal::NotAdmitted.into()),
            AdmissionError::Inactive => return Ok(SocialRefusal::AccountInactive.into()),
            AdmissionError::AddressTaken => return Ok(SocialRefusal::AddressTaken.into()),
            AdmissionError::Closed => return Ok(Refusal::SignUpClosed),
            AdmissionError::AddressNeeded => (SocialRefusal::EmailNeeded, None),
            AdmissionError::ProofNeeded(user) => (SocialRefusal::ProofNeeded, Some(user)),
        };
        let identity = &proven.identity;
        let pending = Pending {
            provider: proven.provider.clone(),
            subject: identity.subject.clone(),
            email: identity.email.as_ref().map(|email| email.as_typed().to_owned()),
            name: identity.name.as_ref().map(|name| name.as_str().to_owned()),
            verified: identity.verified,
            account,
            return_to: flow.return_to.clone(),
        };
        self.social.flows.hold(browser, &pending).await?;
        Ok(refusal.into())
    }

    /// Links the identity that waits in this browser, after the proof that it waited for.
    pub(super) async fn do_continue(
        &self,
        session: &LiveSession,
        provider: &str,
        browser: Option<Secret>,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal> {
        self.must_be_proven(session)?;
        let dead = || Refusal::from(SocialRefusal::StateInvalid);
        let browser = browser
            .and_then(|Secret(cookie)| Browser::read(&cookie))
            .ok_or_else(dead)?;
        let held = self.social.flows.held(&browser).await?;
        let pending = held.filter(|pending| pending.provider == provider).ok_or_else(dead)?;
        if pending.account.is_some_and(|account| account != session.user) {
            return Err(SocialRefusal::ProofNeeded.into());
        }
        // Of several that ask at once, one links.
        let taken = self.social.flows.take_held(&browser).await?;
        if taken.as_ref() != Some(&pending) {
            return Err(dead());
        }
        let proven = self.proven(&pending.provider, identity(&pending)?);
        if !self.social.admits(&proven.identity) {
            return Err(SocialRefusal::NotAdmitted.into());
        }
        self.ask_hook("link", &proven).await?;
        self.link_from_within(session, &proven, origin).await
    }
}

fn identity(pending: &Pending) -> Result<Identity, Fault> {
    let email = pending.email.as_deref().map(EmailAddress::parse).transpose();
    let name = pending.name.as_deref().map(DisplayName::parse).transpose();
    Ok(Identity {
        subject: pending.subject.clone(),
        email: email.map_err(Fault::because("a waiting address is none"))?,
        verified: pending.verified,
        name: name.map_err(Fault::because("a waiting name is none"))?,
    })
}
