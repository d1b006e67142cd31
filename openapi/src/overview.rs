//! What the HTTP layer asks of the service about itself, for admins.

use std::time::Duration;

use async_trait::async_trait;
use doorbook_domain::time::Timestamp;

use crate::app::Refusal;

/// Hours that the overview shows, the current one included.
pub const HOURS: usize = 24;

/// Counts that take a while: made in the background, seldom more than once a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// They were true then.
    pub counted_at: Timestamp,
    /// Whether a sample was counted, since there are very many.
    pub approximate: bool,
    /// Sessions that nothing had ended.
    pub live_sessions: u64,
    /// Users who may log in.
    pub active: u64,
    /// Users who may not.
    pub deactivated: u64,
    /// Users who are gone for good.
    pub erased: u64,
}

/// Logins of one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub from: Timestamp,
    /// Those that opened a session.
    pub logins: u64,
    /// Those that failed.
    pub failures: u64,
}

/// How far a read model is behind the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lag {
    /// The read model.
    pub projection: String,
    /// Events that it does not show yet.
    pub events: u64,
    /// For how long the first of them has waited.
    pub age: Duration,
    /// Streams that it leaves out from an event on that could not be read.
    pub parked: u64,
}

/// The service at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// Now.
    pub at: Timestamp,
    /// Absent while they are counted for the first time.
    pub totals: Option<Totals>,
    /// [`HOURS`] of them, oldest first; in the last one it is now. None while the login history is built.
    pub hours: Vec<Hour>,
    /// Position of the last event.
    pub position: String,
    /// Events a second, over the latest thousand: approximate.
    pub events_per_second: f64,
    /// Of every read model.
    pub lag: Vec<Lag>,
}

/// The part of the service that knows how it is.
#[async_trait]
pub trait Glance: Send + Sync {
    /// How it is.
    async fn overview(&self) -> Result<Overview, Refusal>;
}
