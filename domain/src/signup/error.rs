/// A rule of the attempt that a command would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignUpError {
    /// `Request` was sent to an attempt that exists.
    #[error("the sign-up was already requested")]
    AlreadyRequested,
    /// Any other command was sent to an attempt that does not exist.
    #[error("the sign-up was never requested")]
    NotRequested,
    /// The link was used, has expired, or none is needed; or the attempt is over.
    #[error("the link leads nowhere any more")]
    LinkDead,
    /// `Refuse` was sent to an attempt that became a user.
    #[error("the sign-up was already completed")]
    AlreadyCompleted,
    /// `Complete` was sent to an attempt that came to nothing.
    #[error("the sign-up was already refused")]
    AlreadyRefused,
}
