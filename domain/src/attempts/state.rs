use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Serialize};

use super::{LoginAttemptsCommand, LoginAttemptsError, LoginAttemptsEvent, Record, RefuseLink, Summarize};
use crate::{
    decide::{Decide, aggregate},
    time::Timestamp,
};

/// Failures that are recorded singly within [`WINDOW`].
const SINGLES: usize = 10;
/// The running time in which [`SINGLES`] are counted.
const WINDOW: Duration = Duration::from_hours(1);
/// The least time between two summaries.
const PAUSE: Duration = Duration::from_mins(1);

/// As much of the record as bounding it needs, so that an attacker cannot fill the log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginAttempts {
    /// When the last failures happened that were recorded singly, at most [`SINGLES`] of them.
    singles: VecDeque<Timestamp>,
    /// When failures were last summarized, by the identity provider where it was one.
    summarized: Vec<(Option<Box<str>>, Timestamp)>,
}

impl LoginAttempts {
    /// Whether a failure at `at` would be recorded singly: fewer than ten were in the hour before.
    #[must_use]
    pub fn records_singly(&self, at: Timestamp) -> bool {
        let oldest = self.singles.front().filter(|_| self.singles.len() >= SINGLES);
        oldest.is_none_or(|oldest| oldest.plus(WINDOW) <= at)
    }

    /// First instant at which a summary is accepted; `None` when none was recorded yet, so that any instant will do.
    #[must_use]
    pub fn summary_due(&self, provider: Option<&str>) -> Option<Timestamp> {
        let last = self.summarized.iter().find(|(known, _)| known.as_deref() == provider);
        last.map(|(_, last)| last.plus(PAUSE))
    }

    fn record(&self, command: Record) -> Vec<LoginAttemptsEvent> {
        if !self.records_singly(command.at) {
            return Vec::new();
        }
        let Record {
            user_id,
            email,
            reason,
            provider,
            origin,
            ip_bucket,
            at,
        } = command;
        vec![LoginAttemptsEvent::Failed {
            user_id,
            email,
            reason,
            provider,
            origin,
            ip_bucket,
            at,
        }]
    }

    fn summarize(&self, command: Summarize) -> Result<Vec<LoginAttemptsEvent>, LoginAttemptsError> {
        let Summarize {
            user_id,
            provider,
            count,
            from,
            at,
        } = command;
        if count == 0 {
            return Ok(Vec::new());
        }
        if let Some(due) = self.summary_due(provider.as_deref()).filter(|&due| at < due) {
            return Err(LoginAttemptsError::SummarizedAlready { due });
        }
        Ok(vec![LoginAttemptsEvent::Summarized {
            user_id,
            provider,
            count,
            from,
            at,
        }])
    }

    fn take_in(&mut self, event: LoginAttemptsEvent) {
        match event {
            LoginAttemptsEvent::Failed { at, .. } => {
                self.singles.push_back(at);
                if self.singles.len() > SINGLES {
                    self.singles.pop_front();
                }
            }
            LoginAttemptsEvent::Summarized { provider, at, .. } => {
                self.summarized.retain(|(known, _)| *known != provider);
                self.summarized.push((provider, at));
            }
            LoginAttemptsEvent::LinkRefused { .. } => {}
        }
    }
}

impl Decide for LoginAttempts {
    fn decide(&self, command: LoginAttemptsCommand) -> Result<Vec<LoginAttemptsEvent>, LoginAttemptsError> {
        match command {
            LoginAttemptsCommand::Record(command) => Ok(self.record(command)),
            LoginAttemptsCommand::Summarize(command) => self.summarize(command),
            LoginAttemptsCommand::RefuseLink(RefuseLink { purpose, at }) => {
                Ok(vec![LoginAttemptsEvent::LinkRefused { purpose, at }])
            }
        }
    }
}

aggregate!(
    LoginAttempts,
    "attempts",
    LoginAttemptsCommand,
    LoginAttemptsEvent,
    LoginAttemptsError
);
