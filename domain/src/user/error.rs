/// A rule of the user that a command would break.
///
/// These are answers for the caller, not faults: every variant has a place in the HTTP contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserError {
    /// `Register` was sent to a user that has another claim.
    #[error("the user is already registered under another address")]
    AlreadyRegistered,
    /// Any other command was sent to a user that does not exist.
    #[error("the user does not exist")]
    NotRegistered,
    /// The user may not change while it is deactivated.
    #[error("the user is deactivated")]
    Inactive,
    /// The password that was to be replaced is no longer the user's: somebody was faster.
    #[error("the password was changed meanwhile")]
    PasswordReplaced,
    /// The link was used, has expired, or a later one or a change of the account has taken its place.
    #[error("the link leads nowhere any more")]
    LinkDead,
    /// The session that asks has died: the epoch was raised meanwhile.
    #[error("the session has ended meanwhile")]
    SessionEnded,
    /// The user has no such social account.
    #[error("the user has no such social account")]
    NotLinked,
    /// Without this social account the user could not log in any more.
    #[error("it is the last way to log in")]
    LastWayIn,
    /// The epoch cannot be raised any further.
    #[error("the sessions of the user were ended too often")]
    EpochExhausted,
}
