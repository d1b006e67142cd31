//! What the HTTP layer asks of the service about users, for admins.

use async_trait::async_trait;
use doorbook_domain::{
    id::UserId,
    role::{Role, Roles},
    time::Timestamp,
};

use crate::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal, SessionEntry},
    social::SocialAccountEntry,
};

/// Whether a user may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserState {
    /// It may.
    Active,
    /// It may not until it is reactivated.
    Deactivated,
    /// It is gone for good.
    Erased,
}

/// Which users a list shows, by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateWish {
    /// Those in this state.
    Is(UserState),
    /// Those that are active, and whose address was not proven.
    Unverified,
}

impl StateWish {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Is(UserState::Active),
        Self::Is(UserState::Deactivated),
        Self::Is(UserState::Erased),
        Self::Unverified,
    ];

    /// As it is asked for: `active`, `deactivated`, `erased`, `unverified`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is(UserState::Active) => "active",
            Self::Is(UserState::Deactivated) => "deactivated",
            Self::Is(UserState::Erased) => "erased",
            Self::Unverified => "unverified",
        }
    }
}

/// Which users a list shows. Without a state, all but those that were erased.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSearch {
    /// The one with this address.
    pub email: Option<String>,
    /// Those with this role.
    pub role: Option<Role>,
    /// Those in this state.
    pub state: Option<StateWish>,
}

/// A user, for admins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserEntry {
    /// Names the user for ever.
    pub id: UserId,
    /// The address, as it was typed; `[erased]` afterwards.
    pub email: String,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// The name, where there is one.
    pub name: Option<String>,
    /// What the user may do.
    pub roles: Roles,
    /// Whether the user may log in.
    pub state: UserState,
    /// When the user registered.
    pub registered_at: Timestamp,
}

/// The latest login of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastLogin {
    /// When.
    pub at: Timestamp,
    /// `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
}

/// Everything that an admin sees of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetail {
    /// As in the list.
    pub entry: UserEntry,
    /// Whether the user can log in with a password.
    pub has_password: bool,
    /// Until when wrong passwords keep strangers from trying others; absent when they do not.
    pub locked_until: Option<Timestamp>,
    /// How many sessions of the user live.
    pub sessions: u64,
    /// The latest login; absent when there was none.
    pub last_login: Option<LastLogin>,
    /// Accounts at identity providers, oldest first.
    pub social_accounts: Vec<SocialAccountEntry>,
}

/// A wish for a user without a password: a link to set one is mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// As typed.
    pub email: String,
    /// As typed.
    pub name: Option<String>,
    /// What the user may do from the start.
    pub roles: Roles,
}

/// What an admin does to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserAction {
    /// End every session and refuse logins.
    Deactivate,
    /// Allow logins again.
    Reactivate,
    /// Forgive wrong passwords.
    Unlock,
    /// Mail a link to set another password.
    ResetPassword,
    /// End every session.
    EndSessions,
    /// Erase the user for good. Needs a recent proof.
    Erase,
}

/// The part of the service that manages users. Whoever asks for a change must still be an admin when it is decided.
#[async_trait]
pub trait Users: Send + Sync {
    /// Users, newest first.
    async fn search_users(&self, search: UserSearch, page: PageRequest) -> Result<Page<UserEntry>, Refusal>;
    /// One user, as the log has it now.
    async fn user_detail(&self, user: UserId) -> Result<UserDetail, Refusal>;
    /// The live sessions of a user, newest first.
    async fn sessions_of(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal>;
    /// Makes a user. To give it roles needs a recent proof.
    async fn invite(&self, admin: &LiveSession, wish: Invitation, origin: &Origin) -> Result<UserDetail, Refusal>;
    /// Gives a user these roles and no others. Needs a recent proof.
    async fn set_roles(
        &self,
        admin: &LiveSession,
        user: UserId,
        roles: Roles,
        origin: &Origin,
    ) -> Result<UserDetail, Refusal>;
    /// Does something to a user.
    async fn act_on_user(
        &self,
        admin: &LiveSession,
        user: UserId,
        action: UserAction,
        origin: &Origin,
    ) -> Result<(), Refusal>;
}
