use crate::{decide::commands, id::UserId, time::Timestamp};

commands! {
    /// What can be asked of a claim.
    ClaimCommand {
        /// Make a user the owner.
        Take,
        /// Give it up.
        Release,
    }
}

/// Make a user the owner. This commits a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// The new owner.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}

/// Give it up, so that anybody can take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// The owner.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}
