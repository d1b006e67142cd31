use super::ProjectionEvent;
use crate::decide::commands;

commands! {
    /// What can be asked of the record of a read model.
    ProjectionCommand {
        /// Record what an admin does to it, or what became of that.
        Record,
    }
}

/// Record what an admin does to it, or what became of that. Whether it can be done, the engine of the read models says:
/// they are no part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record(pub ProjectionEvent);
