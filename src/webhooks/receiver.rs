//! Where a webhook is posted to.

use std::time::Duration;

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use uuid::Uuid;

use super::{body, retry_after, signing::signed};
use crate::{
    config::{Webhook, WebhookSecret},
    outbound::{Answer, Outage, Outbound},
};

/// How long one try may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// It was not taken. The reasons hold nothing that the receiver said but its status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Undelivered {
    /// It does not want it any more, or can never be asked.
    #[error("{0}")]
    Never(String),
    /// It may later.
    #[error("{0}")]
    NotNow(String),
    /// It may when so long is over: it says so itself.
    #[error("{reason}")]
    Busy {
        /// Why not now.
        reason: String,
        /// How long it wants to be left alone.
        after: Duration,
    },
}

/// Where a webhook is posted to.
#[derive(Debug)]
pub struct Receiver {
    settings: Webhook,
    http: Outbound,
}

impl Receiver {
    /// Of the configuration. Nobody is called.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the system gives no HTTP client.
    pub fn new(settings: &Webhook) -> Result<Self, Fault> {
        Ok(Self {
            http: Outbound::new(settings.allow_internal, PATIENCE)?,
            settings: settings.clone(),
        })
    }

    /// What it is told of.
    #[must_use]
    pub const fn settings(&self) -> &Webhook {
        &self.settings
    }

    /// Posts a body. When it returns, the receiver has said that it took it.
    ///
    /// # Errors
    ///
    /// [`Undelivered`] when it did not, as far as can be known.
    pub async fn post(&self, id: Uuid, body: String, now: Timestamp) -> Result<(), Undelivered> {
        let secrets = self.settings.secrets.iter().map(WebhookSecret::reveal);
        let request = signed(&self.settings.url, secrets, &id.to_string(), now, body.into_bytes());
        let request = request.ok_or_else(|| Undelivered::Never("the request cannot be written".to_owned()))?;
        match self.http.ask(request).await {
            Ok(answer) => taken(&answer, now),
            Err(Outage::Unreachable(error)) if error.is_timeout() => Err(Undelivered::NotNow(format!(
                "no answer within {} s",
                PATIENCE.as_secs()
            ))),
            Err(Outage::Unreachable(error)) if is_refused(&error) => {
                Err(Undelivered::NotNow("connection refused".to_owned()))
            }
            Err(outage) => Err(Undelivered::NotNow(outage.to_string())),
        }
    }

    /// Posts `webhook.test`, which no event causes.
    ///
    /// # Errors
    ///
    /// As [`Self::post`].
    pub async fn test(&self, id: Uuid, now: Timestamp) -> Result<(), Undelivered> {
        self.post(id, body::test(now), now).await
    }
}

/// Whether the receiver took it. Too many requests and an outage are what `Retry-After` is for (RFC 6585, 4; RFC 9110, 15.6.4).
fn taken(answer: &Answer, now: Timestamp) -> Result<(), Undelivered> {
    let status = answer.status;
    let after = answer.retry_after.as_deref();
    match (status, after.and_then(|text| retry_after::read(text, now))) {
        (200..=299, _) => Ok(()),
        (410, _) => Err(Undelivered::Never("status 410: the receiver wants no more".to_owned())),
        (300..=399, _) => Err(Undelivered::NotNow(format!(
            "status {status}: redirects are not followed"
        ))),
        (429 | 503, Some(after)) => Err(Undelivered::Busy {
            reason: format!("status {status}"),
            after,
        }),
        _ => Err(Undelivered::NotNow(format!("status {status}"))),
    }
}

/// Whether nobody listens there.
fn is_refused(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>()
            && error.kind() == std::io::ErrorKind::ConnectionRefused
        {
            return true;
        }
        cause = error.source();
    }
    false
}
