//! From the wish to go to a provider to what came back from it.

use doorbook_domain::session::Method;
use doorbook_openapi::{
    app::{LiveSession, Origin, Refusal, Secret},
    social::{Arrival, Intent as Wanted, Landed, Return, SocialRefusal, Start, Started},
};

use super::{Proven, Service, link::Right};
use crate::{
    service::signup::field,
    social::{BeginError, Browser, Callback, Departure, Flow, Intent, Landing, ProviderError, ReturnTo},
};

impl Service {
    pub(super) async fn begin_social(&self, wish: Start) -> Result<Started, Refusal> {
        let provider = self.social.providers.find(&wish.provider).ok_or(Refusal::NotFound)?;
        let departure = self.departure(&wish)?;
        let known = wish.browser.and_then(|Secret(cookie)| Browser::read(&cookie));
        let browser = known.unwrap_or_else(Browser::random);
        let now = self.clock.now();
        let begun = provider.begin(&self.social.flows, &browser, departure, now).await;
        let url = begun.map_err(|error| match error {
            BeginError::Provider(error) => provider_failed(&wish.provider, &error),
            BeginError::Fault(fault) => fault.into(),
        })?;
        Ok(Started {
            authorize_url: url.into(),
            browser: Secret(browser.cookie()),
        })
    }

    fn departure(&self, wish: &Start) -> Result<Departure, Refusal> {
        let session = wish.session.as_ref().ok_or(Refusal::NotSignedIn);
        let intent = match wish.intent {
            Wanted::LogIn => Intent::LogIn,
            Wanted::Link => {
                let session = session?;
                self.must_be_proven(session)?;
                Intent::Link(session.user, session.id)
            }
            Wanted::Reauthenticate => session.map(|session| Intent::Reauthenticate(session.user, session.id))?,
        };
        let return_to = wish.return_to.as_deref().map(|text| {
            let target = ReturnTo::read(text, &self.social.origins);
            let message = "This must be a path of this service, or a URL of a listed origin.";
            target.ok_or_else(|| Refusal::Invalid(vec![field("return_to", "not_allowed", message)]))
        });
        Ok(Departure {
            intent,
            landing: landing(wish.to_server),
            return_to: return_to.transpose()?,
        })
    }

    /// Ends a flow, whatever comes of it.
    pub(super) async fn do_land(self, back: Return, origin: Origin) -> Landed {
        let provider = back.provider.clone();
        let (outcome, return_to) = match self.take_flow(&back).await {
            Err(refusal) => (Err(refusal), None),
            Ok((browser, flow)) => {
                let outcome = self.arrive(&back, &browser, &flow, &origin).await;
                (outcome, flow.return_to.map(|target| target.as_str().to_owned()))
            }
        };
        if self.social.providers.find(&provider).is_some() {
            self.social.count(&provider, outcome_name(&outcome));
        }
        Landed { outcome, return_to }
    }

    /// The flow that this browser began, which is over with that.
    async fn take_flow(&self, back: &Return) -> Result<(Browser, Flow), Refusal> {
        let provider = self.social.providers.find(&back.provider).ok_or(Refusal::NotFound)?;
        let dead = || Refusal::from(SocialRefusal::StateInvalid);
        let browser = back.browser.as_ref().and_then(|Secret(cookie)| Browser::read(cookie));
        let browser = browser.ok_or_else(dead)?;
        let flow = self
            .social
            .flows
            .take(&browser, &back.state.0)
            .await?
            .ok_or_else(dead)?;
        let fits = flow.provider == provider.name() && flow.landing == landing(back.to_server);
        fits.then_some((browser, flow)).ok_or_else(dead)
    }

    async fn arrive(&self, back: &Return, browser: &Browser, flow: &Flow, origin: &Origin) -> Result<Arrival, Refusal> {
        // Checked before the provider is asked: a session that went away meanwhile gets nothing.
        let session = own_session(flow, back.session.as_ref())?;
        let proven = self.identify(back, flow).await?;
        match flow.intent {
            Intent::LogIn => {
                let replaces = back.session.as_ref().map(|session| session.id);
                let entered = self.enter(&proven, browser, flow, replaces, origin).await;
                if let Err(refusal) = &entered {
                    noted(self.note_refused(&proven, refusal, origin).await);
                }
                entered.map(Arrival::Session)
            }
            Intent::Link(..) => {
                let session = session.ok_or(SocialRefusal::StateInvalid)?;
                if !self.social.admits(&proven.identity) {
                    return Err(SocialRefusal::NotAdmitted.into());
                }
                self.ask_hook("link", &proven).await?;
                let right = Right::Session(session);
                let linked = self.link(session.user, right, &proven, origin).await;
                let entry = linked.map_err(over_with_its_session)?;
                Ok(Arrival::Linked(session.clone(), entry))
            }
            Intent::Reauthenticate(..) => {
                let session = session.ok_or(SocialRefusal::StateInvalid)?;
                let user = match self.owner(&proven).await? {
                    Some((owner, user)) if owner == session.user => user,
                    other => {
                        noted(self.note_foreign_proof(session, &proven, origin).await);
                        let foreign = other.map_or(SocialRefusal::NotLinked, |_| SocialRefusal::LinkedToAnother);
                        return Err(foreign.into());
                    }
                };
                let renewed = self.renew_proof(session, &user, method(&proven), origin).await;
                let opened = renewed.map_err(over_with_its_session)?;
                Ok(Arrival::Session(opened))
            }
        }
    }

    /// Exchanges the code. What the provider gave for it ends here.
    async fn identify(&self, back: &Return, flow: &Flow) -> Result<Proven, Refusal> {
        let provider = self.social.providers.find(&back.provider).ok_or(Refusal::NotFound)?;
        let Some(Secret(code)) = &back.code else {
            return Err(SocialRefusal::ProviderRefused.into());
        };
        let callback = Callback {
            code: code.clone(),
            iss: back.iss.clone(),
        };
        let identity = provider.identify(flow, &callback, self.clock.now()).await;
        let identity = identity.map_err(|error| provider_failed(provider.name(), &error))?;
        Ok(self.proven(provider.name(), identity))
    }
}

/// What was refused stays refused, whether or not that could be recorded.
fn noted(noted: Result<(), Refusal>) {
    if let Err(Refusal::Fault(fault)) = noted {
        tracing::error!(error = fault.cause(), "a refused login was not recorded");
    }
}

/// The reason is for the log, and not for the answer.
fn provider_failed(provider: &str, error: &ProviderError) -> Refusal {
    let cause: &(dyn std::error::Error + 'static) = error;
    tracing::warn!(provider, error = cause, "an identity provider was of no use: {error}");
    match error {
        ProviderError::Down(_) => SocialRefusal::ProviderDown.into(),
        ProviderError::Refused(_) | ProviderError::Untrusted(_) => SocialRefusal::ProviderRefused.into(),
    }
}

const fn landing(to_server: bool) -> Landing {
    if to_server { Landing::Server } else { Landing::Page }
}

/// How a session shows that it was opened.
pub(super) fn method(proven: &Proven) -> Method {
    Method::Social {
        provider: proven.provider.as_str().into(),
    }
}

/// The session that began the flow, where one did: the very same must be there at its end.
fn own_session<'a>(flow: &Flow, session: Option<&'a LiveSession>) -> Result<Option<&'a LiveSession>, Refusal> {
    let (user, id) = match flow.intent {
        Intent::LogIn => return Ok(None),
        Intent::Link(user, id) | Intent::Reauthenticate(user, id) => (user, id),
    };
    let same = session.filter(|session| session.id == id && session.user == user);
    same.map(Some).ok_or_else(|| SocialRefusal::StateInvalid.into())
}

/// A flow that a session began ends with it, as if it had never been there.
fn over_with_its_session(refusal: Refusal) -> Refusal {
    if matches!(refusal, Refusal::NotSignedIn) {
        SocialRefusal::StateInvalid.into()
    } else {
        refusal
    }
}

const fn outcome_name(outcome: &Result<Arrival, Refusal>) -> &'static str {
    match outcome {
        Ok(Arrival::Session(_)) => "session",
        Ok(Arrival::Linked(..)) => "linked",
        Err(Refusal::Social(refusal)) => match refusal {
            SocialRefusal::StateInvalid => "state_invalid",
            SocialRefusal::ProviderRefused => "provider_refused",
            SocialRefusal::ProviderDown => "provider_down",
            SocialRefusal::EmailNeeded => "email_needed",
            SocialRefusal::ProofNeeded => "proof_needed",
            SocialRefusal::AddressTaken => "address_taken",
            SocialRefusal::AccountInactive => "account_inactive",
            SocialRefusal::NotAdmitted => "not_admitted",
            SocialRefusal::LinkedToAnother => "linked_to_another",
            SocialRefusal::NotLinked => "not_linked",
            SocialRefusal::LastWayIn => "last_way_in",
        },
        Err(Refusal::SignUpClosed) => "sign_up_closed",
        Err(_) => "failed",
    }
}
