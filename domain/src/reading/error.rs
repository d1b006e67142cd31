/// A rule of the reading that a command would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// `Begin` was sent to a reading that has begun.
    #[error("the reading has begun already")]
    AlreadyBegun,
    /// `End` was sent to a reading that has not begun.
    #[error("the reading has not begun")]
    NotBegun,
}
