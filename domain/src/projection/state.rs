use serde::{Deserialize, Serialize};

use super::{ProjectionCommand, ProjectionError, ProjectionEvent, Record};
use crate::decide::{Decide, aggregate};

/// The record of what admins did to a read model. Its stream is `projection-<name>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Projection {
    last: Option<ProjectionEvent>,
}

impl Projection {
    /// What was recorded last.
    #[must_use]
    pub const fn last(&self) -> Option<&ProjectionEvent> {
        self.last.as_ref()
    }

    fn take_in(&mut self, event: ProjectionEvent) {
        self.last = Some(event);
    }
}

impl Decide for Projection {
    fn decide(&self, command: ProjectionCommand) -> Result<Vec<ProjectionEvent>, ProjectionError> {
        match command {
            ProjectionCommand::Record(Record(event)) => Ok(vec![event]),
        }
    }
}

aggregate!(
    Projection,
    "projection",
    ProjectionCommand,
    ProjectionEvent,
    ProjectionError
);
