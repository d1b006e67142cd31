//! What is sent and answered.

use poem_openapi::{Enum, Object, types::Example};
use uuid::Uuid;

use crate::{
    app::LiveSession,
    form::{Form, FromForm},
    scalar::{Always, Instant},
    schema::{SessionInfo, User},
    social::{ProviderEntry, SocialAccountEntry},
};

/// An identity provider.
#[derive(Object)]
pub(in crate::operations) struct IdentityProvider {
    /// Its place in paths: `github`.
    id: String,
    /// Its name for people: `GitHub`.
    name: String,
}

impl From<ProviderEntry> for IdentityProvider {
    fn from(entry: ProviderEntry) -> Self {
        let ProviderEntry { id, name } = entry;
        Self { id, name }
    }
}

/// The providers of this service.
#[derive(Object)]
pub(super) struct ProviderList {
    /// In the order of their names.
    pub(super) items: Vec<IdentityProvider>,
}

/// What somebody wants of a provider.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum Intent {
    /// A session.
    Login,
    /// Another way into the account of the session that asks. It needs a recent proof.
    Link,
    /// A fresh proof for the session that asks.
    Reauthenticate,
}

/// A wish to go to a provider.
#[derive(Object)]
#[oai(example)]
pub(super) struct SocialStart {
    /// What for.
    pub(super) intent: Intent,
    /// Where people go in the end: a path of this service, or a URL of a listed origin.
    #[oai(nullable)]
    pub(super) return_to: Option<String>,
}

impl Example for SocialStart {
    fn example() -> Self {
        Self {
            intent: Intent::Login,
            return_to: Some("/settings".to_owned()),
        }
    }
}

impl FromForm for SocialStart {
    fn take(form: &mut Form) -> Self {
        let known = &["login", "link", "reauthenticate"];
        Self {
            intent: match form.word("intent", known).as_str() {
                "link" => Intent::Link,
                "reauthenticate" => Intent::Reauthenticate,
                _ => Intent::Login,
            },
            return_to: form.optional_text("return_to"),
        }
    }
}

/// Where to go.
#[derive(Object)]
#[oai(example)]
pub(super) struct SocialStarted {
    /// The provider's page: open it in this browser, within ten minutes.
    pub(super) authorize_url: String,
}

impl Example for SocialStarted {
    fn example() -> Self {
        Self {
            authorize_url: "https://github.com/login/oauth/authorize?response_type=code&…".to_owned(),
        }
    }
}

/// What came back from a provider: the query of the callback page, unchanged.
#[derive(Object)]
#[oai(example)]
pub(super) struct SocialReturn {
    /// The code; absent when the provider says no.
    #[oai(nullable)]
    pub(super) code: Option<String>,
    /// The state.
    pub(super) state: String,
    /// The issuer, where the provider says it.
    #[oai(nullable)]
    pub(super) iss: Option<String>,
    /// Why the provider says no.
    #[oai(nullable)]
    pub(super) error: Option<String>,
}

impl Example for SocialReturn {
    fn example() -> Self {
        Self {
            code: Some("4/0AY0e-g7…".to_owned()),
            state: "Zk3…".to_owned(),
            iss: None,
            error: None,
        }
    }
}

impl FromForm for SocialReturn {
    fn take(form: &mut Form) -> Self {
        Self {
            code: form.optional_text("code"),
            state: form.text("state"),
            iss: form.optional_text("iss"),
            error: form.optional_text("error"),
        }
    }
}

/// An account at a provider that the user can log in with.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct SocialAccount {
    /// Names the link.
    id: Uuid,
    /// The provider.
    provider: IdentityProvider,
    /// What the person knows it by: an address or a name there.
    label: Option<String>,
    /// Since when.
    linked_at: Instant,
}

impl From<SocialAccountEntry> for SocialAccount {
    fn from(entry: SocialAccountEntry) -> Self {
        Self {
            id: entry.id.0,
            provider: entry.provider.into(),
            label: entry.label,
            linked_at: Instant(entry.linked_at),
        }
    }
}

/// The accounts at providers that the user can log in with.
#[derive(Object)]
pub(super) struct SocialAccountList {
    /// Oldest first.
    pub(super) items: Vec<SocialAccount>,
}

/// A live session, and what a flow at a provider did to it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SocialSession {
    /// Always true.
    authenticated: Always<true>,
    /// The session.
    session: SessionInfo,
    /// Its user.
    user: User,
    /// The account at the provider, where this linked it.
    linked: Option<SocialAccount>,
    /// Where people wanted to go in the end.
    return_to: Option<String>,
}

impl SocialSession {
    pub(super) fn new(live: &LiveSession, linked: Option<SocialAccountEntry>, return_to: Option<String>) -> Self {
        Self {
            authenticated: Always,
            session: SessionInfo::new(live),
            user: User::new(live),
            linked: linked.map(SocialAccount::from),
            return_to,
        }
    }
}
