//! The cookie that binds a flow at an identity provider to the browser that began it.

use poem::{Request, RequestBody, http::HeaderValue};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, registry::Registry};

use crate::{
    app::{LiveSession, Refusal, Secret},
    caller::{Anyone, Call},
    cookie::Attributes,
    gate::{Gate, Visit},
    problem::Problem,
    social::SocialRefusal,
};

/// How long a provider's answer is waited for, in seconds.
const FLOW_SECONDS: u64 = 600;
/// How long a proven identity waits for its account, in seconds.
const WAITING_SECONDS: u64 = 1800;

/// What the cookie holds, where there is one.
pub(crate) struct FlowCookie(pub(crate) Option<Secret>);

impl<'a> ApiExtractor<'a> for FlowCookie {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn security_schemes() -> Vec<&'static str> {
        Vec::new()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        Ok(Self(read(request)?))
    }
}

/// Somebody who comes back from a provider by its link: state and the cookie of the flow stand for the CSRF header.
pub(crate) struct Traveller {
    pub(crate) call: Call,
    pub(crate) session: Option<LiveSession>,
    pub(crate) browser: Option<Secret>,
}

impl<'a> ApiExtractor<'a> for Traveller {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];

    type ParamType = ();
    type ParamRawType = ();

    fn register(_: &mut Registry) {}

    fn security_schemes() -> Vec<&'static str> {
        Vec::new()
    }

    async fn from_request(request: &'a Request, _: &mut RequestBody, _: ExtractParamOptions<()>) -> poem::Result<Self> {
        let Anyone { call, session, .. } = Anyone::read(request).await?;
        let browser = read(request)?;
        Ok(Self { call, session, browser })
    }
}

fn read(request: &Request) -> Result<Option<Secret>, Problem> {
    let gate = &Visit::of(request)?.gate;
    let value = gate.cookie(request.headers(), gate.flow_cookie_name())?;
    let text = value.and_then(|value| str::from_utf8(value).ok());
    Ok(text.map(|text| Secret(text.to_owned())))
}

impl Gate {
    /// `__Host-doorbook_flow`, or without its prefix over plain http.
    pub(crate) const fn flow_cookie_name(&self) -> &'static str {
        if self.settings.https {
            "__Host-doorbook_flow"
        } else {
            "doorbook_flow"
        }
    }

    /// The cookie of a flow that was begun.
    pub(crate) fn flow_cookie(&self, browser: &Secret) -> HeaderValue {
        self.flow_for(browser, FLOW_SECONDS)
    }

    /// A refusal of a flow. Where an identity waits for its account, the cookie waits with it.
    pub(crate) fn flow_problem(&self, refusal: Refusal, browser: Option<&Secret>) -> Problem {
        let waits = matches!(
            refusal,
            Refusal::Social(SocialRefusal::ProofNeeded | SocialRefusal::EmailNeeded)
        );
        let problem = Problem::from(refusal);
        match browser {
            Some(browser) if waits => problem.cookie(self.flow_for(browser, WAITING_SECONDS)),
            _ => problem,
        }
    }

    /// Removes the cookie, and with it what waits in this browser for somebody's account: the next to sit here may be
    /// somebody else.
    pub(crate) fn no_flow_cookie(&self) -> HeaderValue {
        self.flow_attributes().remove(self.flow_cookie_name())
    }

    const fn flow_attributes(&self) -> Attributes {
        Attributes {
            http_only: true,
            secure: self.settings.https,
        }
    }

    fn flow_for(&self, browser: &Secret, seconds: u64) -> HeaderValue {
        self.flow_attributes()
            .set(self.flow_cookie_name(), &browser.0, Some(seconds))
    }
}
