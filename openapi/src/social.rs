//! What the HTTP layer asks of the service about identity providers.

use async_trait::async_trait;
use doorbook_domain::{
    id::{LinkId, UserId},
    time::Timestamp,
};

use crate::app::{LiveSession, Opened, Origin, Refusal, Secret};

/// A provider of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderEntry {
    /// Its place in paths: `github`.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// What somebody wants of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// A session.
    LogIn,
    /// Another way into the account of the session that asks.
    Link,
    /// A fresh proof for the session that asks.
    Reauthenticate,
}

/// A wish to go to a provider.
#[derive(Debug, Clone)]
pub struct Start {
    /// Which, as in the path.
    pub provider: String,
    /// What for.
    pub intent: Intent,
    /// Where people go in the end, as sent.
    pub return_to: Option<String>,
    /// Whether the provider sends people back to this service itself rather than to a page with a script.
    pub to_server: bool,
    /// What the flow cookie holds.
    pub browser: Option<Secret>,
    /// The live session of the same browser.
    pub session: Option<LiveSession>,
}

/// Where to go, and what the flow cookie is to hold.
#[derive(Debug, Clone)]
pub struct Started {
    /// The provider's page.
    pub authorize_url: String,
    /// For the flow cookie.
    pub browser: Secret,
}

/// What came back from a provider.
#[derive(Debug, Clone)]
pub struct Return {
    /// Which, as in the path.
    pub provider: String,
    /// The code; absent when the provider says no.
    pub code: Option<Secret>,
    /// As sent with the wish.
    pub state: Secret,
    /// The issuer, where the provider says so (RFC 9207).
    pub iss: Option<String>,
    /// Whether it came to this service itself.
    pub to_server: bool,
    /// What the flow cookie holds.
    pub browser: Option<Secret>,
    /// The live session of the same browser.
    pub session: Option<LiveSession>,
}

/// How a flow ended.
#[derive(Debug)]
pub struct Landed {
    /// What became of it.
    pub outcome: Result<Arrival, Refusal>,
    /// Where people go now, if they said so and the flow was theirs.
    pub return_to: Option<String>,
}

/// A flow that went well.
#[derive(Debug, Clone)]
pub enum Arrival {
    /// A session was opened, or has a fresh proof.
    Session(Opened),
    /// The account was linked to the one of the session.
    Linked(LiveSession, SocialAccountEntry),
}

/// An account at a provider that a user can log in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocialAccountEntry {
    /// Names the link.
    pub id: LinkId,
    /// The provider.
    pub provider: ProviderEntry,
    /// What the person knows it by: an address or a name there.
    pub label: Option<String>,
    /// Since when.
    pub linked_at: Timestamp,
}

/// Why a flow did not go well. Each is a problem of its own, so that a page can go on from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SocialRefusal {
    /// The flow was begun in another browser, is too old, or is over.
    #[error("the flow is not of this browser, or over")]
    StateInvalid,
    /// The person or the provider said no, or what it said cannot be believed.
    #[error("the provider refused")]
    ProviderRefused,
    /// The provider cannot be asked now.
    #[error("the provider is down")]
    ProviderDown,
    /// The provider vouches for no address. The flow waits for an account.
    #[error("an address is needed")]
    EmailNeeded,
    /// The address is an account's, which has to be proven first. The flow waits for it.
    #[error("the account has to be proven first")]
    ProofNeeded,
    /// The address is an account's, and links are made from within accounts only.
    #[error("the address belongs to an account")]
    AddressTaken,
    /// The account is deactivated.
    #[error("the account is inactive")]
    AccountInactive,
    /// The operator lets nobody in who comes like this.
    #[error("not admitted")]
    NotAdmitted,
    /// The account at the provider is linked to another user.
    #[error("linked to another user")]
    LinkedToAnother,
    /// The account at the provider is not linked to this user.
    #[error("not linked")]
    NotLinked,
    /// Without it the user could not log in any more.
    #[error("the last way in")]
    LastWayIn,
}

/// The part of the service that knows identity providers.
#[async_trait]
pub trait Social: Send + Sync {
    /// Those of the configuration.
    fn providers(&self) -> Vec<ProviderEntry>;
    /// Begins a flow.
    async fn start_social(&self, wish: Start, origin: &Origin) -> Result<Started, Refusal>;
    /// Ends a flow. It is over then, however it ends.
    async fn land_social(&self, back: Return, origin: &Origin) -> Landed;
    /// Links the identity that waits in this browser for its account to the account of the session.
    async fn continue_social(
        &self,
        session: &LiveSession,
        provider: &str,
        browser: Option<Secret>,
        origin: &Origin,
    ) -> Result<SocialAccountEntry, Refusal>;
    /// The user's accounts at providers, oldest first.
    async fn social_accounts(&self, user: UserId) -> Result<Vec<SocialAccountEntry>, Refusal>;
    /// Unlinks one of them. Every other session of the user ends, and the own one gets a new secret.
    async fn unlink_social(&self, session: &LiveSession, link: LinkId, origin: &Origin) -> Result<Opened, Refusal>;
}
