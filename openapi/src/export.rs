//! Everything that is known about a user, for that user: the shape of the document.

use doorbook_domain::{role::Roles, time::Timestamp};
use poem_openapi::Object;
use uuid::Uuid;

pub use crate::scalar::{Instant, Json};
use crate::schema::RoleName;

/// Everything that Doorbook knows about a user. Secrets are left out: password hashes and digests of tokens.
#[derive(Object)]
pub struct Export {
    /// When it was made.
    pub exported_at: Instant,
    /// Whether it holds everything. Of lists that are very long only the latest entries are exported.
    pub complete: bool,
    /// Who the user is now.
    pub profile: ExportedProfile,
    /// Every address that the account had, oldest first.
    pub addresses: Vec<ExportedAddress>,
    /// Accounts at identity providers that the user may log in with.
    pub social_accounts: Vec<ExportedSocialAccount>,
    /// What was asked for and has not happened yet.
    pub pending: Vec<ExportedRequest>,
    /// Every session, newest first, those that are over included.
    pub sessions: Vec<ExportedSession>,
    /// Every login and every attempt, newest first.
    pub logins: Vec<ExportedLogin>,
    /// Every event about the user, oldest first, with what was sealed in it.
    pub events: Vec<ExportedEvent>,
}

/// Who a user is.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ExportedProfile {
    /// Names the user for ever.
    pub id: Uuid,
    /// The address, as it was typed.
    pub email: String,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// The name, where there is one.
    pub name: Option<String>,
    /// What the user may do beyond using its own account.
    roles: Vec<RoleName>,
    /// When the user registered.
    pub registered_at: Instant,
}

impl ExportedProfile {
    /// A profile.
    #[must_use]
    pub fn new(
        id: Uuid,
        email: String,
        email_verified: bool,
        name: Option<String>,
        roles: Roles,
        registered: Timestamp,
    ) -> Self {
        Self {
            id,
            email,
            email_verified,
            name,
            roles: roles.iter().map(RoleName::from).collect(),
            registered_at: Instant(registered),
        }
    }
}

/// An address that an account had or has.
#[derive(Object)]
pub struct ExportedAddress {
    /// As it was typed.
    pub email: String,
    /// Since when it was the account's.
    pub since: Instant,
}

/// An account at an identity provider.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ExportedSocialAccount {
    /// Names the link.
    pub id: Uuid,
    /// `github`, `google` ….
    pub provider: String,
    /// The provider's name for the person.
    pub subject: String,
    /// What the person sees of it.
    pub label: Option<String>,
}

/// Something that was asked for.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ExportedRequest {
    /// `password_reset` or `email_change`.
    pub kind: String,
    /// The new address.
    pub email: Option<String>,
    /// The link in the mail is dead from then on.
    pub until: Instant,
}

/// A session, also one that is over.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ExportedSession {
    /// Names the session.
    pub id: Uuid,
    /// When it started.
    pub started_at: Instant,
    /// When it was last seen in use, roughly.
    pub last_seen_at: Instant,
    /// How it was opened: `password` ….
    pub method: String,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// When it ended, where it did.
    pub ended_at: Option<Instant>,
    /// How it ended.
    pub end_reason: Option<String>,
}

/// A login, or an attempt.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ExportedLogin {
    /// When.
    pub at: Instant,
    /// `success` or `failure`.
    pub outcome: String,
    /// Why it failed.
    pub reason: Option<String>,
    /// How many failures it stands for, where it is several.
    pub failures: Option<u32>,
    /// `password` ….
    pub method: String,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The session that it opened.
    pub session_id: Option<Uuid>,
}

/// An event of the log.
#[derive(Object)]
pub struct ExportedEvent {
    /// Its place in the log.
    pub position: String,
    /// The stream that it stands in.
    pub stream: String,
    /// What happened: `user.registered`, `session.started` ….
    pub r#type: String,
    /// When.
    pub at: Instant,
    /// Its fields, opened.
    pub data: Json,
}
