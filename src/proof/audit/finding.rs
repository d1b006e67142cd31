//! What an audit finds, in words and for scripts.

use std::fmt;

use doorbook_projections::log::Recorded;
use serde::Serialize;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An event is not what it was.
    Altered,
    /// An event is missing; those behind it may have moved up.
    Removed,
    /// An event stands where another one was.
    Inserted,
    /// Events stand in each other's places.
    Reordered,
    /// The log ends too early.
    CutOff,
    /// Something between two checkpoints is not what it was, and the stored leaves were altered as well.
    Interval,
    /// The log is as it was signed; the stored leaves are not.
    LeavesAltered,
    /// The log is as it was signed; proofs are computed from something else.
    NodesAltered,
    /// An event counts in its stream and stands nowhere in the log.
    OutsideTheLog,
    /// A checkpoint that must not be believed.
    CheckpointInvalid,
    /// A checkpoint of another log.
    OtherLog,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// The first event that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
    /// The last checkpoint before it that fits; 0 where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The first checkpoint that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// The event that stands there now: `session.started session-…#1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Where the evidence lies: a file, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What an audit looked at, and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether everything is as it was signed.
    pub sound: bool,
    /// The last event that was looked at.
    pub events: u64,
    /// Checkpoints that were compared.
    pub checkpoints: u64,
    /// The last event that a checkpoint vouches for.
    pub covered: u64,
    /// Checkpoints that could not be compared: the export does not reach their size.
    pub not_compared: u64,
    /// The first of everything that is wrong.
    pub findings: Vec<Finding>,
}

impl Finding {
    pub(super) const fn new(kind: Kind) -> Self {
        Self {
            kind,
            position: None,
            after: None,
            until: None,
            event: None,
            evidence: None,
        }
    }

    pub(super) fn at(kind: Kind, position: u64) -> Self {
        Self {
            position: Some(position),
            ..Self::new(kind)
        }
    }

    pub(super) fn with_event(self, event: Option<&Recorded>) -> Self {
        let shown = |event: &Recorded| {
            let (kind, aggregate, id) = (&event.event_type, &event.aggregate, &event.stream_id);
            format!("{kind} {aggregate}-{id}#{}", event.sequence)
        };
        Self {
            event: event.map(shown),
            ..self
        }
    }

    pub(super) fn with_evidence(self, evidence: impl Into<String>) -> Self {
        Self {
            evidence: Some(evidence.into()),
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.position.unwrap_or_default();
        match self.kind {
            Kind::Altered => write!(f, "event {position} was altered")?,
            Kind::Removed => write!(f, "event {position} was removed")?,
            Kind::Inserted => write!(f, "event {position} was inserted")?,
            Kind::Reordered => write!(
                f,
                "event {position} stands in the place of another: events were reordered"
            )?,
            Kind::CutOff => write!(
                f,
                "the log was cut off: event {position} and those behind it are missing"
            )?,
            Kind::Interval => {
                let (after, until) = (self.after.unwrap_or_default(), self.until.unwrap_or_default());
                write!(
                    f,
                    "events {} to {until} are not what was signed",
                    after.saturating_add(1)
                )?;
                if self.position.is_some() {
                    write!(f, "; the first whose stored leaf differs is {position}")?;
                }
            }
            Kind::LeavesAltered => write!(f, "the stored leaf of event {position} was altered; the event was not")?,
            Kind::NodesAltered => write!(f, "the stored tree was altered; the events were not")?,
            Kind::OutsideTheLog => write!(f, "an event counts in its stream and stands nowhere in the log")?,
            Kind::CheckpointInvalid => write!(f, "a checkpoint cannot be believed")?,
            Kind::OtherLog => write!(f, "a checkpoint is of another log")?,
        }
        if let Some(event) = &self.event {
            write!(f, ": {event}")?;
        }
        if let Some(evidence) = &self.evidence {
            write!(f, " ({evidence})")?;
        }
        Ok(())
    }
}
