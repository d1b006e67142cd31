//! The operator's own word on new accounts and links: one signed request, and a refusal unless the answer is a clear yes.

use std::time::Duration;

use doorbook_domain::{name::DisplayName, time::Timestamp};
use doorbook_projections::fault::Fault;
use oauth2::HttpRequest;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    config::social::{Hook as Settings, Social},
    outbound::Outbound,
    webhooks::signed,
};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Asks the operator's service. Signed as <https://www.standardwebhooks.com> says.
#[derive(Debug)]
pub struct Hook {
    settings: Settings,
    http: Outbound,
}

/// What is asked.
#[derive(Debug, Clone, Serialize)]
pub struct HookQuestion<'a> {
    /// `sign-up` or `link`.
    pub action: &'static str,
    /// Which provider.
    pub provider: &'a str,
    /// What the provider calls the person.
    pub subject: &'a str,
    /// Their address.
    pub email: Option<&'a str>,
    /// Whether the provider has verified it.
    pub email_verified: bool,
    /// Their name.
    pub name: Option<&'a str>,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookAnswer {
    /// Go on; with this name instead, where there is one.
    Allowed(Option<DisplayName>),
    /// No, or no clear yes in time. The reason is for the log.
    Refused(&'static str),
}

#[derive(Deserialize)]
struct Body {
    allow: bool,
    name: Option<String>,
}

impl Hook {
    /// Of the configuration, where there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when no client can be made.
    pub fn new(social: &Social) -> Result<Option<Self>, Fault> {
        let Some(settings) = social.hook.clone() else {
            return Ok(None);
        };
        let http = Outbound::new(social.allow_internal, PATIENCE)?;
        Ok(Some(Self { settings, http }))
    }

    /// Asks. `id` names the question, once.
    pub async fn ask(&self, question: &HookQuestion<'_>, id: Uuid, now: Timestamp) -> HookAnswer {
        let Some(request) = self.request(question, id, now) else {
            return HookAnswer::Refused("the question cannot be written");
        };
        match self.http.send(request).await {
            Err(outage) => {
                let error: &(dyn std::error::Error + 'static) = &outage;
                tracing::warn!(error, "the hook of social logins did not answer: {outage}");
                HookAnswer::Refused("no answer")
            }
            Ok(response) if response.status() != 200 => HookAnswer::Refused("a status other than 200"),
            Ok(response) => match serde_json::from_slice::<Body>(response.body()) {
                Ok(Body { allow: true, name }) => {
                    HookAnswer::Allowed(name.and_then(|name| DisplayName::parse(&name).ok()))
                }
                Ok(_) => HookAnswer::Refused("`allow` is not `true`"),
                Err(_) => HookAnswer::Refused("an answer that cannot be read"),
            },
        }
    }

    fn request(&self, question: &HookQuestion<'_>, id: Uuid, now: Timestamp) -> Option<HttpRequest> {
        let body = serde_json::to_vec(question).ok()?;
        let secret = self.settings.secret.reveal().as_bytes();
        signed(&self.settings.url, [secret], &id.to_string(), now, body)
    }
}
