/// A rule of the session that a command would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// `Start` was sent to a session that exists.
    #[error("the session was already started")]
    AlreadyStarted,
    /// Any other command was sent to a session that does not exist.
    #[error("the session was never started")]
    NotStarted,
    /// It was ended, which is for good.
    #[error("the session has ended")]
    Ended,
    /// One of its deadlines has passed.
    #[error("the session has expired")]
    Expired,
}
