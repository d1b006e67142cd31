use serde::{Deserialize, Serialize};

use super::{ClaimCommand, ClaimError, ClaimEvent, Release, Take};
use crate::{
    decide::{Decide, aggregate},
    id::UserId,
};

/// Who owns an address now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    owner: Option<UserId>,
}

impl Claim {
    /// Who owns it, if anybody does.
    #[must_use]
    pub const fn owner(&self) -> Option<UserId> {
        self.owner
    }

    fn take(self, Take { user_id, at }: Take) -> Result<Vec<ClaimEvent>, ClaimError> {
        match self.owner {
            None => Ok(vec![ClaimEvent::Taken { user_id, at }]),
            Some(owner) if owner == user_id => Ok(Vec::new()),
            Some(_) => Err(ClaimError::TakenByAnother),
        }
    }

    fn release(self, Release { user_id, at }: Release) -> Result<Vec<ClaimEvent>, ClaimError> {
        match self.owner {
            None => Ok(Vec::new()),
            Some(owner) if owner == user_id => Ok(vec![ClaimEvent::Released { user_id, at }]),
            Some(_) => Err(ClaimError::TakenByAnother),
        }
    }

    fn take_in(&mut self, event: ClaimEvent) {
        self.owner = match event {
            ClaimEvent::Taken { user_id, .. } => Some(user_id),
            ClaimEvent::Released { .. } => None,
        };
    }
}

impl Decide for Claim {
    fn decide(&self, command: ClaimCommand) -> Result<Vec<ClaimEvent>, ClaimError> {
        match command {
            ClaimCommand::Take(command) => self.take(command),
            ClaimCommand::Release(command) => self.release(command),
        }
    }
}

aggregate!(Claim, "claim", ClaimCommand, ClaimEvent, ClaimError);
