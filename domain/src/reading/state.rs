use serde::{Deserialize, Serialize};

use super::{Begin, End, ReadingCommand, ReadingError, ReadingEvent};
use crate::decide::{Decide, aggregate};

/// How far a look at the audit trail has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    begun: bool,
    ended: bool,
}

impl Reading {
    fn begin(self, command: Begin) -> Result<Vec<ReadingEvent>, ReadingError> {
        if self.begun {
            return Err(ReadingError::AlreadyBegun);
        }
        let Begin {
            user_id,
            operation,
            filters,
            origin,
            at,
        } = command;
        Ok(vec![ReadingEvent::Read {
            user_id,
            operation,
            filters,
            origin,
            at,
        }])
    }

    fn end(self, End { rows, complete, at }: End) -> Result<Vec<ReadingEvent>, ReadingError> {
        if !self.begun {
            return Err(ReadingError::NotBegun);
        }
        if self.ended {
            return Ok(Vec::new());
        }
        Ok(vec![ReadingEvent::ExportEnded { rows, complete, at }])
    }

    #[expect(clippy::needless_pass_by_value, reason = "an aggregate takes its events by value")]
    fn take_in(&mut self, event: ReadingEvent) {
        match event {
            ReadingEvent::Read { .. } => self.begun = true,
            ReadingEvent::ExportEnded { .. } => self.ended = true,
        }
    }
}

impl Decide for Reading {
    fn decide(&self, command: ReadingCommand) -> Result<Vec<ReadingEvent>, ReadingError> {
        match command {
            ReadingCommand::Begin(command) => self.begin(command),
            ReadingCommand::End(command) => self.end(command),
        }
    }
}

aggregate!(Reading, "reading", ReadingCommand, ReadingEvent, ReadingError);
