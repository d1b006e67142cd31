//! An open page that follows its session.

use async_trait::async_trait;

use super::LiveSession;

/// What a page that follows its session is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// From now on nothing is missed. The session and its user as they are.
    Connected(LiveSession),
    /// The deadlines of the session, or the last proof, have moved.
    Refreshed(LiveSession),
    /// The session has got another cookie; whoever holds that may follow it anew. The last notice.
    Renewed,
    /// Something of the user has changed.
    UserChanged(LiveSession),
    /// The session is over, for this reason: as [`LoginEntry::end_reason`](super::LoginEntry::end_reason). The last notice.
    SignedOut(&'static str),
}

/// A page that follows its session, until it is dropped.
#[async_trait]
pub trait Tab: Send {
    /// Waits for the next notice. `None`: no more will come, and where none said why, the service cannot tell.
    async fn next(&mut self) -> Option<Notice>;
}
