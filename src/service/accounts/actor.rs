//! Who manages accounts.

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Role,
};

use super::{AccountError, Accounts};
use crate::{
    service::{metadata_of, rights},
    store::CommandMetadata,
};

/// Who manages accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever has the command line.
    Operator,
    /// An admin, who must still be one when a change is decided.
    Admin {
        /// Who.
        user: UserId,
        /// The session that asked.
        session: SessionId,
        /// The request that carried the command.
        request_id: String,
    },
}

impl Actor {
    /// The admin.
    pub(super) const fn user(&self) -> Option<UserId> {
        match self {
            Self::Operator => None,
            Self::Admin { user, .. } => Some(*user),
        }
    }
}

impl Accounts {
    pub(super) fn metadata(&self) -> CommandMetadata {
        let now = self.clock.now();
        match &self.actor {
            Actor::Operator => metadata_of("cli", now),
            Actor::Admin { user, request_id, .. } => CommandMetadata {
                request_id: Some(request_id.clone()),
                ..metadata_of(&format!("user-{user}"), now)
            },
        }
    }

    /// Asks the log whether whoever asked may still ask: of two admins who remove each other, the second is none any more
    /// (ASVS 8.3.2). To be asked while nobody else can remove an admin, where that matters.
    pub(super) async fn may_still_act(&self) -> Result<(), AccountError> {
        let Actor::Admin { user, session, .. } = &self.actor else {
            return Ok(());
        };
        let held = rights::hold(&self.store, self.clock.now(), (*session, *user), &[Role::Admin]);
        if held.await? {
            Ok(())
        } else {
            Err(AccountError::NotSignedIn)
        }
    }
}
