//! A session that lives, who it belongs to, and the cookies that name it.

use std::{net::IpAddr, sync::Arc};

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Roles,
    time::Timestamp,
};
use uuid::Uuid;

/// Where a request came from, for events and for the operator's log.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Names the request in log lines, events and answers (`X-Request-Id`).
    pub request_id: Uuid,
    /// The client, after trusted proxies were taken away.
    pub ip: Option<IpAddr>,
    /// As sent, at most 512 bytes.
    pub user_agent: Option<String>,
    /// As sent, once.
    pub device: Option<DeviceCookie>,
}

/// The value of the cookie that tells which users have used a browser. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCookie(pub String);

impl std::fmt::Debug for DeviceCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DeviceCookie(…)")
    }
}

/// A session that lives now, with as much of its user as every request needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveSession {
    /// The session.
    pub id: SessionId,
    /// Its user.
    pub user: UserId,
    /// The user's epoch. What the request asks for is decided at it: once it is raised, the request comes too late.
    pub epoch: u32,
    /// What the user may do.
    pub roles: Roles,
    /// Address and name.
    pub identity: Identity,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// When the user registered.
    pub user_since: Timestamp,
    /// When somebody logged in.
    pub started_at: Timestamp,
    /// When the user last proved who they are.
    pub authenticated_at: Timestamp,
    /// Dead from then on, unless refreshed.
    pub idle_until: Timestamp,
    /// Dead from then on.
    pub absolute_until: Timestamp,
    /// Whether the cookie outlives the browser.
    pub remember: bool,
}

/// Who a user is to people. Opened from sealed values; an erased user shows `[erased]`.
///
/// A clone copies a pointer: one text stands for all copies, since memory holds one for each of a million users.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Identity(Arc<str>);

impl Identity {
    /// Ends the address where a name follows. No address contains it.
    const END: char = '\0';

    /// The address as it was typed, and the name where there is one.
    #[must_use]
    pub fn new(email: &str, name: Option<&str>) -> Self {
        let end = Self::END;
        Self(name.map_or_else(|| Arc::from(email), |name| Arc::from(format!("{email}{end}{name}"))))
    }

    /// The address as it was typed.
    #[must_use]
    pub fn email(&self) -> &str {
        self.0.split(Self::END).next().unwrap_or_default()
    }

    /// The name, where there is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.split_once(Self::END).map(|(_, name)| name)
    }

    /// Length of the text, for those who account for memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}

/// Shows nothing: both parts are personal data and would end up in logs.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity(…)")
    }
}

/// What memory knows about a session cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// It lives.
    Live(LiveSession),
    /// It was forged, has ended or has expired.
    Dead,
    /// Only the log can tell: ask [`App::resolve`](super::App::resolve).
    Unknown,
}

/// The value of a session cookie: session id and secret. Nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionCookie(pub String);

impl std::fmt::Debug for SessionCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionCookie(…)")
    }
}

/// A session that lives, and the cookie that now stands for it.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The session.
    pub session: LiveSession,
    /// Its cookie. An older cookie of the same session is dead.
    pub cookie: SessionCookie,
    /// The cookie by which the browser is known from now on, where it changes.
    pub device: Option<DeviceCookie>,
}
