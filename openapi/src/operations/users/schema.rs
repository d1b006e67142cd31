//! What admins are shown.

use poem_openapi::{Enum, Object};
use uuid::Uuid;

use crate::{
    operations::social::SocialAccount,
    scalar::Instant,
    schema::RoleName,
    users::{LastLogin, UserDetail, UserEntry, UserState},
};

/// Whether a user may log in.
#[derive(Enum)]
#[oai(rename = "UserState", rename_all = "snake_case")]
enum StateName {
    /// It may.
    Active,
    /// It may not until it is reactivated.
    Deactivated,
    /// It is gone for good.
    Erased,
}

impl From<UserState> for StateName {
    fn from(state: UserState) -> Self {
        match state {
            UserState::Active => Self::Active,
            UserState::Deactivated => Self::Deactivated,
            UserState::Erased => Self::Erased,
        }
    }
}

/// A user, as admins see it.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AdminUser {
    /// Names the user for ever.
    id: Uuid,
    /// The address, as it was typed; `[erased]` afterwards.
    email: String,
    /// Whether the address was proven.
    email_verified: bool,
    /// The name, where there is one.
    name: Option<String>,
    /// What the user may do beyond using its own account.
    roles: Vec<RoleName>,
    /// Whether the user may log in: `active`, `deactivated`, `erased`.
    state: StateName,
    /// When the user registered.
    created_at: Instant,
}

impl From<UserEntry> for AdminUser {
    fn from(entry: UserEntry) -> Self {
        Self {
            id: entry.id.0,
            email: entry.email,
            email_verified: entry.email_verified,
            name: entry.name,
            roles: entry.roles.iter().map(RoleName::from).collect(),
            state: entry.state.into(),
            created_at: Instant(entry.registered_at),
        }
    }
}

/// A page of users, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AdminUserPage {
    /// Newest first.
    pub(super) items: Vec<AdminUser>,
    /// For the next page; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// The latest login of a user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct LastLoginInfo {
    /// When.
    at: Instant,
    /// `password`, `social`.
    method: String,
    /// The identity provider, where there is one: `github`.
    provider: Option<String>,
    /// From where.
    ip: Option<String>,
}

impl From<LastLogin> for LastLoginInfo {
    fn from(login: LastLogin) -> Self {
        Self {
            at: Instant(login.at),
            method: login.method,
            provider: login.provider,
            ip: login.ip,
        }
    }
}

/// Everything that admins see of a user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct AdminUserDetail {
    /// Names the user for ever.
    id: Uuid,
    /// The address, as it was typed; `[erased]` afterwards.
    email: String,
    /// Whether the address was proven.
    email_verified: bool,
    /// The name, where there is one.
    name: Option<String>,
    /// What the user may do beyond using its own account.
    roles: Vec<RoleName>,
    /// Whether the user may log in: `active`, `deactivated`, `erased`.
    state: StateName,
    /// When the user registered.
    created_at: Instant,
    /// Whether the user can log in with a password.
    has_password: bool,
    /// Until when wrong passwords keep strangers from trying others; absent when they do not.
    locked_until: Option<Instant>,
    /// How many sessions of the user live.
    live_sessions: u64,
    /// The latest login; absent when there was none.
    last_login: Option<LastLoginInfo>,
    /// Accounts at identity providers, oldest first.
    social_accounts: Vec<SocialAccount>,
}

impl From<UserDetail> for AdminUserDetail {
    fn from(detail: UserDetail) -> Self {
        let user = AdminUser::from(detail.entry);
        Self {
            id: user.id,
            email: user.email,
            email_verified: user.email_verified,
            name: user.name,
            roles: user.roles,
            state: user.state,
            created_at: user.created_at,
            has_password: detail.has_password,
            locked_until: detail.locked_until.map(Instant),
            live_sessions: detail.sessions,
            last_login: detail.last_login.map(LastLoginInfo::from),
            social_accounts: detail.social_accounts.into_iter().map(SocialAccount::from).collect(),
        }
    }
}
