//! Long works on read models, and what is remembered of them.
//!
//! A run is a row in `book`, written by whoever holds the read model's lock, so that other processes see how far it is and
//! can ask it to stop. A row that says `running` while nobody has the lock is of a process that died: it is `interrupted`.

mod book;
mod outcome;
mod work;

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

pub use self::{
    outcome::{Outcome, RowDifference},
    work::{Ended, Work},
};
use super::Phase;

/// What a run does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Folds anew.
    Rebuild,
    /// Compares with the log.
    Verify,
}

/// How much of a read model a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    Whole,
    /// The rows of one stream.
    Stream(String),
    /// The rows of every stream that is about a user.
    User(Uuid),
}

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It is at work.
    Running,
    /// It has done what it was to do. A verification may have found differences.
    Done,
    /// Something broke, or an event could not be read. The tables are as they were.
    Failed,
    /// Somebody asked it to stop. The tables are as they were.
    Cancelled,
    /// Its process stopped, or was killed. The tables are as they were.
    Interrupted,
}

/// What is to be run.
#[derive(Debug, Clone)]
pub struct Order<'a> {
    /// What to do.
    pub kind: Kind,
    /// On which read models. All are worked on in one pass over the log.
    pub names: &'a [&'a str],
    /// On how much of them. Only a rebuild can be of less than the whole.
    pub scope: Scope,
    /// Who wants it: `user-<id>`, `cli`, `system`.
    pub actor: &'a str,
}

/// A run, as it was noted last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Names it: UUID v7.
    pub id: Uuid,
    /// Its number among the runs of the read model, from 1.
    pub number: u64,
    /// The read model.
    pub projection: &'static str,
    /// What it does.
    pub kind: Kind,
    /// On how much.
    pub scope: Scope,
    /// Who wanted it: `user-<id>`, `cli`, `system`.
    pub actor: String,
    /// How it is.
    pub state: RunState,
    /// What it is about now, or was about at its end.
    pub phase: Phase,
    /// Events so far.
    pub done: u64,
    /// Of how many, as far as that is known.
    pub total: u64,
    /// Whether somebody has asked it to stop.
    pub cancelling: bool,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was seen at work last.
    pub seen_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<String>,
}

impl Run {
    /// Events a second, since it started.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let spent = self.seen_at.since(self.started_at).as_secs_f64();
        let done = f64::from(u32::try_from(self.done).unwrap_or(u32::MAX));
        if spent > 0.0 { done / spent } else { 0.0 }
    }

    /// Seconds until this phase is done, at the rate so far; none where that cannot be told.
    #[must_use]
    pub fn eta(&self) -> Option<f64> {
        let left = self.total.saturating_sub(self.done);
        let left = f64::from(u32::try_from(left).unwrap_or(u32::MAX));
        let rate = self.rate();
        (self.state == RunState::Running && self.phase == Phase::Loading && rate > 0.0).then(|| left / rate)
    }
}

impl Kind {
    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rebuild => "rebuild",
            Self::Verify => "verify",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Rebuild, Self::Verify]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl RunState {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Running,
        Self::Done,
        Self::Failed,
        Self::Cancelled,
        Self::Interrupted,
    ];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

impl Scope {
    fn write(&self) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Stream(stream) => Some(format!("stream:{stream}")),
            Self::User(user) => Some(format!("user:{user}")),
        }
    }

    fn read(text: Option<&str>) -> Option<Self> {
        let Some(text) = text else { return Some(Self::Whole) };
        match text.split_once(':')? {
            ("stream", stream) => Some(Self::Stream(stream.to_owned())),
            ("user", user) => user.parse().ok().map(Self::User),
            _ => None,
        }
    }
}

impl Phase {
    const ALL: [Self; 4] = [Self::Loading, Self::Indexing, Self::CatchingUp, Self::Comparing];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loading => "loading",
            Self::Indexing => "indexing",
            Self::CatchingUp => "catching_up",
            Self::Comparing => "comparing",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == text)
    }
}
