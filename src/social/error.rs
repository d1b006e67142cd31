//! What can go wrong with a provider. The reasons are for the log: they hold no token, no code and no address.

use crate::outbound::Outage;

/// Why there is no identity.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// The provider says no: to this code, to this client, or because the person did.
    #[error("the provider refused: {0}")]
    Refused(String),
    /// The provider could not be asked.
    #[error("the provider is down: {0}")]
    Down(#[from] Outage),
    /// It said something that cannot be believed.
    #[error("the provider's answer is not to be trusted: {0}")]
    Untrusted(String),
}

impl ProviderError {
    /// The same for somebody else who asks within moments.
    pub(super) fn repeated(&self) -> Self {
        match self {
            Self::Refused(reason) => Self::Refused(reason.clone()),
            Self::Down(_) => Self::Down(Outage::Lately),
            Self::Untrusted(reason) => Self::Untrusted(reason.clone()),
        }
    }

    /// An answer that lacks what it needs.
    pub(super) fn unreadable(what: &'static str) -> Self {
        Self::Untrusted(format!("{what} cannot be read"))
    }
}

/// A code of a provider's, fit for a log line: what it may be made of (RFC 6749, 5.2), and not long.
pub(super) fn code(text: &str) -> String {
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().filter(fits).take(64).collect()
}
