use crate::time::Timestamp;

/// A rule of the record that a command would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LoginAttemptsError {
    /// The last summary is less than a minute old. The caller goes on counting.
    #[error("the next summary is due at {due}")]
    SummarizedAlready {
        /// First instant at which a summary is accepted again.
        due: Timestamp,
    },
}
