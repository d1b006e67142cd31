//! Lists of a user's own, in pages.

use doorbook_domain::{id::SessionId, time::Timestamp};

/// One session of a user, for its list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionEntry {
    /// The session.
    pub id: SessionId,
    /// When it started.
    pub started_at: Timestamp,
    /// When its idle deadline last moved.
    pub last_seen_at: Timestamp,
    /// Its idle deadline.
    pub idle_until: Timestamp,
    /// Its absolute deadline.
    pub absolute_until: Timestamp,
    /// How it was opened: `password`, `social`.
    pub method: String,
    /// The identity provider that it was opened by.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
}

/// One row of a login history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginEntry {
    /// Names the row.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// `success` or `failure`.
    pub outcome: String,
    /// Why it failed; `several` for failures that are not recorded singly.
    pub reason: Option<String>,
    /// How many failures the row stands for, where it is several.
    pub failures: Option<u32>,
    /// `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one.
    pub provider: Option<String>,
    /// From where.
    pub ip: Option<String>,
    /// With what.
    pub user_agent: Option<String>,
    /// The session that it opened.
    pub session: Option<SessionId>,
    /// When that session ended, where it did.
    pub ended_at: Option<Timestamp>,
    /// How it ended: `logged_out`, `revoked`, `replaced`, `expired`, `epoch` ….
    pub end_reason: Option<String>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// Newest first.
    pub items: Vec<T>,
    /// Opaque; absent on the last page.
    pub next_cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone)]
pub struct PageRequest {
    /// From the page before.
    pub cursor: Option<String>,
    /// 1 to 200.
    pub limit: u16,
}
