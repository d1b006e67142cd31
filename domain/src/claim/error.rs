/// A rule of the claim that a command would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClaimError {
    /// Another user owns it.
    #[error("another user owns the claim")]
    TakenByAnother,
}
