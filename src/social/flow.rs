//! What was begun: where it goes, for whom, and the secrets that only the server knows.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use doorbook_domain::{
    id::{SessionId, UserId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::return_to::ReturnTo;
use crate::ids;

/// What somebody wants of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Intent {
    /// A session.
    LogIn,
    /// Another way into the account of this session.
    Link(UserId, SessionId),
    /// A fresh proof for this session.
    Reauthenticate(UserId, SessionId),
}

/// Where the provider sends people back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Landing {
    /// The page `/auth/<provider>/callback`, whose script sends the code on.
    Page,
    /// `/api/social/<provider>/callback`, for pages without script.
    Server,
}

/// One attempt at a provider. It is consumed by the first answer that comes back.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Which provider.
    pub provider: String,
    /// What for.
    pub intent: Intent,
    /// Which way back.
    pub landing: Landing,
    /// Where people go in the end.
    pub return_to: Option<ReturnTo>,
    /// When it began.
    pub at: Timestamp,
    pub(super) verifier: String,
    pub(super) nonce: String,
}

/// Hides what only the server knows.
impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flow({}, {:?}, {:?})", self.provider, self.intent, self.landing)
    }
}

/// What is made for one flow: 256 random bits each.
pub(super) struct Secrets {
    /// Comes back with the answer (RFC 6749, 10.12).
    pub(super) state: String,
    /// Proves that the exchange is asked for by whoever sent people off (RFC 7636).
    pub(super) verifier: String,
    /// Stands in the ID token (OpenID Connect Core 1.0, 15.5.2).
    pub(super) nonce: String,
}

impl Secrets {
    fn random() -> Self {
        let text = || BASE64_URL_SAFE_NO_PAD.encode(ids::random::<32>());
        Self {
            state: text(),
            verifier: text(),
            nonce: text(),
        }
    }
}

impl Flow {
    /// A new one, and the secrets that its URL needs.
    pub(super) fn begin(
        provider: &str,
        intent: Intent,
        landing: Landing,
        return_to: Option<ReturnTo>,
        at: Timestamp,
    ) -> (Self, Secrets) {
        let secrets = Secrets::random();
        let flow = Self {
            provider: provider.to_owned(),
            intent,
            landing,
            return_to,
            at,
            verifier: secrets.verifier.clone(),
            nonce: secrets.nonce.clone(),
        };
        (flow, secrets)
    }
}

/// An identity that a provider has proven to this browser, waiting for somebody to show which account it belongs to.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which provider.
    pub provider: String,
    /// What the provider calls them.
    pub subject: String,
    /// Their address, in the form that it was given in.
    pub email: Option<String>,
    /// Their name.
    pub name: Option<String>,
    /// Whether the provider has verified the address.
    pub verified: bool,
    /// Only this account may take it; any, where there is none.
    pub account: Option<UserId>,
    /// Where people go in the end.
    pub return_to: Option<ReturnTo>,
}

/// Shows nothing personal.
impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({})", self.provider)
    }
}
