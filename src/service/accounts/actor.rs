//! Who manages accounts.

use doorbook_domain::{
    id::{SessionId, UserId},
    role::Role,
    session::Session,
    user::User,
};

use super::{AccountError, Accounts};
use crate::{service::metadata_of, store::CommandMetadata};

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
        let state = self.store.load::<User>(&user.to_string()).await?.aggregate;
        let session = self.store.load::<Session>(&session.to_string()).await?.aggregate;
        let lives = session.is_live(self.clock.now(), state.epoch());
        if lives && state.is_active() && state.roles().contains(Role::Admin) {
            Ok(())
        } else {
            Err(AccountError::NotSignedIn)
        }
    }
}
