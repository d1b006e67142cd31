//! What the HTTP layer asks of the service about read models.

use async_trait::async_trait;
use doorbook_domain::{
    id::{RunId, UserId},
    time::Timestamp,
};

use crate::app::{LiveSession, Origin, Page, PageRequest, Refusal, SessionCookie};

/// How a read model is.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionEntry {
    /// Its name.
    pub name: String,
    /// The version of its form in this program.
    pub version: u32,
    /// `serving`, `building`, `paused` or `failed`.
    pub state: &'static str,
    /// The generation that queries see.
    pub generation: Option<u64>,
    /// The generation before, which can be gone back to.
    pub previous_generation: Option<u64>,
    /// The last event that queries see.
    pub position: Option<u64>,
    /// The last event of the log.
    pub head: u64,
    /// Events that queries do not see yet.
    pub lag_events: u64,
    /// How long ago the first of them was stored.
    pub lag_seconds: f64,
    /// Since when it is paused.
    pub paused_at: Option<Timestamp>,
    /// Why it does not get on.
    pub fault: Option<String>,
    /// How many streams are parked.
    pub parked_count: usize,
    /// The first of them.
    pub parked: Vec<ParkedEntry>,
    /// What is being done to it now.
    pub run: Option<RunEntry>,
}

/// A stream that a read model leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEntry {
    /// Its name.
    pub stream: String,
    /// Where the event stands in the log that could not be read.
    pub position: u64,
    /// The event's number within the stream.
    pub sequence: u64,
    /// Why it could not be read.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A long work on a read model.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEntry {
    /// Names it.
    pub id: RunId,
    /// The read model.
    pub projection: String,
    /// `rebuild` or `verify`.
    pub kind: &'static str,
    /// The only stream, if it is about one.
    pub stream: Option<String>,
    /// The only user, if it is about one.
    pub user_id: Option<UserId>,
    /// Who wanted it: `user-<id>`, `cli`, `system`.
    pub actor: String,
    /// `running`, `done`, `failed`, `cancelled` or `interrupted`.
    pub state: &'static str,
    /// `loading`, `indexing`, `catching_up` or `comparing`.
    pub phase: &'static str,
    /// Events so far.
    pub done: u64,
    /// Of how many, as far as that is known.
    pub total: u64,
    /// Events a second, since it started.
    pub rate: f64,
    /// Seconds until the log is read, where that can be told.
    pub eta_seconds: Option<f64>,
    /// Whether it was asked to stop.
    pub cancelling: bool,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What came of it.
    pub result: Option<RunResult>,
    /// Why it failed.
    pub error: Option<String>,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunResult {
    /// The generation that a rebuild made current.
    pub generation: Option<u64>,
    /// Up to where the log was read.
    pub position: Option<u64>,
    /// Streams whose rows were folded in place.
    pub streams: Option<u64>,
    /// Rows that were compared.
    pub rows: Option<u64>,
    /// All rows that differ.
    pub differing: Option<u64>,
    /// Streams that are parked.
    pub parked: u64,
    /// The first rows that differ.
    pub differences: Vec<DifferingRow>,
}

/// A row that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DifferingRow {
    /// The table.
    pub table: String,
    /// The key of the row.
    pub key: Vec<String>,
    /// `missing`, `extra` or `columns`.
    pub differs: String,
    /// The columns that hold something else.
    pub columns: Vec<String>,
}

/// How much of a read model is to be folded anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuild {
    /// One stream only.
    pub stream: Option<String>,
    /// The streams about one user only.
    pub user_id: Option<UserId>,
}

/// Why something is not done to a read model. Each is a problem of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunRefusal {
    /// Somebody rebuilds or verifies it, perhaps on the command line.
    #[error("it is being worked on")]
    UnderWay,
    /// The run has ended.
    #[error("the run is over")]
    Over,
    /// It has no tables that fit the program and the log.
    #[error("it is not built")]
    NotBuilt,
    /// There is no generation that can be gone back to.
    #[error("no earlier generation fits")]
    NoEarlier,
    /// An event of the stream still cannot be read: which, and why.
    #[error("an event cannot be read")]
    StillUnreadable(String),
}

/// A run that is followed, until it is dropped.
#[async_trait]
pub trait RunWatch: Send {
    /// Waits until the run has moved. `None`: no more will come, since it is over, or nobody may follow it any more.
    async fn next(&mut self) -> Option<RunEntry>;
}

/// The part of the service that runs read models.
#[async_trait]
pub trait Runs: Send + Sync {
    /// Every read model.
    async fn projections(&self) -> Result<Vec<ProjectionEntry>, Refusal>;
    /// Begins to fold one anew. Needs a recent proof.
    async fn rebuild_projection(
        &self,
        session: &LiveSession,
        name: &str,
        what: Rebuild,
        origin: &Origin,
    ) -> Result<RunEntry, Refusal>;
    /// Begins to compare one with the log.
    async fn verify_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<RunEntry, Refusal>;
    /// Its runs, newest first.
    async fn list_runs(&self, name: &str, page: PageRequest) -> Result<Page<RunEntry>, Refusal>;
    /// A run.
    async fn find_run(&self, name: &str, id: RunId) -> Result<RunEntry, Refusal>;
    /// Asks a run to stop.
    async fn cancel_run(&self, session: &LiveSession, name: &str, id: RunId, origin: &Origin) -> Result<(), Refusal>;
    /// Follows a run for the session of a cookie.
    async fn watch_run(&self, cookie: &SessionCookie, name: &str, id: RunId) -> Result<Box<dyn RunWatch>, Refusal>;
    /// Keeps one from following the log.
    async fn pause_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal>;
    /// Lets one follow the log again.
    async fn resume_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal>;
    /// Goes back to the generation before. Needs a recent proof.
    async fn roll_back_projection(&self, session: &LiveSession, name: &str, origin: &Origin) -> Result<(), Refusal>;
    /// The streams that one leaves out, by name.
    async fn list_parked(&self, name: &str, page: PageRequest) -> Result<Page<ParkedEntry>, Refusal>;
    /// Gives a parked stream another try.
    async fn retry_parked(
        &self,
        session: &LiveSession,
        name: &str,
        stream: &str,
        origin: &Origin,
    ) -> Result<(), Refusal>;
}
