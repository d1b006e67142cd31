//! Events before their personal data are sealed.

use doorbook_domain::{
    attempts::FailureReason,
    id::{SessionId, SignUpId, UserId},
    role::Role,
    seal::SecretHash,
    session::EndReason,
    time::Timestamp,
};
use uuid::Uuid;

/// An event of a history, in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its stream.
    pub stream: Stream,
    /// Its number within the stream, from 1.
    pub sequence: u64,
    /// When it happened, and was stored.
    pub at: Timestamp,
    /// The command that caused it.
    pub command: Uuid,
    /// Who sent the command; `None` for somebody who was not signed in.
    pub actor: Option<UserId>,
    /// What happened.
    pub fact: Fact,
}

/// A stream, by what its name is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stream {
    /// `signup-…`
    SignUp(SignUpId),
    /// `user-…`
    User(UserId),
    /// `claim-…` of the address of the user with this number.
    Claim(u32),
    /// `session-…`
    Session(SessionId),
    /// `attempts-…` of the address of the user with this number.
    Attempts(u32),
    /// `attempts-…` of an address that nobody has.
    StrangerAttempts(u32),
}

/// From where somebody came: numbers for a network and a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Names the network.
    pub network: u32,
    /// Names the browser.
    pub browser: u32,
}

/// What happened. Personal data are given by the user's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// `signup.requested`
    Requested {
        /// The user's id and number.
        user: (UserId, u32),
        /// Names the key of the password's hash.
        password: Uuid,
        /// From where.
        place: Place,
    },
    /// `user.registered`
    Registered {
        /// The user's id and number.
        user: (UserId, u32),
        /// Names the key of the password's hash.
        password: Uuid,
    },
    /// `user.profile_changed`
    Named {
        /// The user's id and number.
        user: (UserId, u32),
    },
    /// `claim.taken`
    Taken(UserId),
    /// `signup.completed`
    Completed(UserId),
    /// `user.password_changed`
    PasswordChanged {
        /// Names the key of the new password's hash.
        password: Uuid,
        /// The raised epoch.
        epoch: u32,
    },
    /// `user.role_granted`
    Granted {
        /// Which.
        role: Role,
        /// The raised epoch.
        epoch: u32,
    },
    /// `user.role_revoked`
    Revoked {
        /// Which.
        role: Role,
        /// The raised epoch.
        epoch: u32,
    },
    /// `user.deactivated`, with the raised epoch.
    Deactivated(u32),
    /// `user.reactivated`
    Reactivated,
    /// `session.started`
    Started {
        /// Whose.
        user: UserId,
        /// The user's epoch.
        epoch: u32,
        /// Of a secret that nobody has.
        secret: SecretHash,
        /// Whether the cookie outlives the browser.
        remember: bool,
        /// Idle deadline.
        idle_until: Timestamp,
        /// Absolute deadline.
        absolute_until: Timestamp,
        /// What a refresh adds.
        idle_ms: u64,
        /// From where.
        place: Place,
    },
    /// `session.refreshed`, with the new idle deadline.
    Refreshed(Timestamp),
    /// `session.reauthenticated`
    Reauthenticated,
    /// `session.rotated`
    Rotated {
        /// Of a new secret that nobody has.
        secret: SecretHash,
        /// The epoch it goes on with.
        epoch: u32,
    },
    /// `session.ended`
    Ended {
        /// Why.
        reason: EndReason,
        /// By whom.
        by: UserId,
    },
    /// `login.failed`
    Failed {
        /// Whose address it is, if anybody's.
        user: Option<UserId>,
        /// The address: the number of a user or of a stranger.
        number: u32,
        /// Why.
        reason: FailureReason,
        /// From where.
        place: Place,
    },
}
