//! The objects of these operations.

use poem_openapi::{Object, types::Example};
use uuid::Uuid;

use crate::{
    form::{Form, FromForm},
    runs::{DifferingRow, ParkedEntry, ProjectionEntry, RunEntry, RunResult},
    scalar::Instant,
};

/// A read model, and how it is.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Projection {
    /// Its name.
    name: String,
    /// The version of its form in this program.
    version: u32,
    /// `serving`: it follows the log. `building`: its tables do not fit yet. `paused`: an admin holds it. `failed`: it does
    /// not get on, and tries again.
    state: String,
    /// The generation of tables that queries see.
    generation: Option<u64>,
    /// The generation before, which `rollBackProjection` would make current.
    previous_generation: Option<u64>,
    /// Position of the last event that queries see.
    position: Option<String>,
    /// Position of the last event of the log.
    head: String,
    /// Events that queries do not see yet.
    lag_events: u64,
    /// How long ago the first of them was stored, in seconds.
    lag_seconds: f64,
    /// Since when it is paused.
    paused_at: Option<Instant>,
    /// Why it does not get on.
    fault: Option<String>,
    /// How many streams it leaves out, from an event on that could not be read.
    parked_count: u64,
    /// The first of them; `listParked` has all.
    parked: Vec<ParkedStream>,
    /// What is being done to it now.
    run: Option<Run>,
}

impl From<ProjectionEntry> for Projection {
    fn from(entry: ProjectionEntry) -> Self {
        Self {
            name: entry.name,
            version: entry.version,
            state: entry.state.to_owned(),
            generation: entry.generation,
            previous_generation: entry.previous_generation,
            position: entry.position.map(|position| position.to_string()),
            head: entry.head.to_string(),
            lag_events: entry.lag_events,
            lag_seconds: entry.lag_seconds,
            paused_at: entry.paused_at.map(Instant),
            fault: entry.fault,
            parked_count: u64::try_from(entry.parked_count).unwrap_or(u64::MAX),
            parked: entry.parked.into_iter().map(ParkedStream::from).collect(),
            run: entry.run.map(Run::from),
        }
    }
}

/// Every read model.
#[derive(Object)]
pub(super) struct ProjectionList {
    /// In a fixed order.
    pub(super) items: Vec<Projection>,
}

/// A stream that a read model leaves out, from an event on that could not be read.
#[derive(Object)]
pub(super) struct ParkedStream {
    /// Its name.
    stream: String,
    /// Where the event stands in the log.
    position: String,
    /// The event's number within the stream.
    sequence: u64,
    /// Why it could not be read.
    reason: String,
    /// Since when.
    since: Instant,
}

impl From<ParkedEntry> for ParkedStream {
    fn from(entry: ParkedEntry) -> Self {
        Self {
            stream: entry.stream,
            position: entry.position.to_string(),
            sequence: entry.sequence,
            reason: entry.reason,
            since: Instant(entry.since),
        }
    }
}

/// A page of parked streams, by name.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ParkedPage {
    /// By name.
    pub(super) items: Vec<ParkedStream>,
    /// For the next page; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// A long work on a read model.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct Run {
    /// Names it.
    id: Uuid,
    /// The read model.
    projection: String,
    /// `rebuild` or `verify`.
    kind: String,
    /// The only stream, where it is about one.
    stream: Option<String>,
    /// The only user, where it is about one.
    user_id: Option<Uuid>,
    /// Who wanted it: `user-<id>`, `cli`, `system`.
    actor: String,
    /// `running`; `done`; `failed`: see `error`; `cancelled`; `interrupted`: its process stopped or was killed.
    pub(super) state: String,
    /// What it is about now, or was about at its end: `loading`, `indexing`, `catching_up`, `comparing`.
    phase: String,
    /// Events so far.
    done: u64,
    /// Of how many, as far as that is known.
    total: u64,
    /// Events a second, since it started.
    per_second: f64,
    /// Seconds until the log is read, at that rate.
    eta_seconds: Option<f64>,
    /// Whether somebody has asked it to stop.
    cancelling: bool,
    /// When it started.
    started_at: Instant,
    /// When it ended.
    ended_at: Option<Instant>,
    /// What came of it.
    result: Option<Findings>,
    /// Why it failed.
    error: Option<String>,
}

impl From<RunEntry> for Run {
    fn from(entry: RunEntry) -> Self {
        Self {
            id: entry.id.0,
            projection: entry.projection,
            kind: entry.kind.to_owned(),
            stream: entry.stream,
            user_id: entry.user_id.map(|user| user.0),
            actor: entry.actor,
            state: entry.state.to_owned(),
            phase: entry.phase.to_owned(),
            done: entry.done,
            total: entry.total,
            per_second: entry.rate,
            eta_seconds: entry.eta_seconds,
            cancelling: entry.cancelling,
            started_at: Instant(entry.started_at),
            ended_at: entry.ended_at.map(Instant),
            result: entry.result.map(Findings::from),
            error: entry.error,
        }
    }
}

/// What came of a run. Which numbers there are follows from its kind.
#[derive(Object)]
#[oai(rename = "RunResult", skip_serializing_if_is_none)]
struct Findings {
    /// The generation that a rebuild made current.
    generation: Option<u64>,
    /// Up to where the log was read.
    position: Option<String>,
    /// Streams whose rows were folded in place.
    streams: Option<u64>,
    /// Rows that were compared.
    rows: Option<u64>,
    /// All rows that are not what the log says.
    differing: Option<u64>,
    /// Streams that are parked.
    parked: u64,
    /// The first rows that differ, a hundred at most.
    differences: Vec<Difference>,
}

impl From<RunResult> for Findings {
    fn from(result: RunResult) -> Self {
        Self {
            generation: result.generation,
            position: result.position.map(|position| position.to_string()),
            streams: result.streams,
            rows: result.rows,
            differing: result.differing,
            parked: result.parked,
            differences: result.differences.into_iter().map(Difference::from).collect(),
        }
    }
}

/// A row that is not what the log says.
#[derive(Object)]
#[oai(rename = "DifferingRow")]
struct Difference {
    /// The table.
    table: String,
    /// The key of the row.
    key: Vec<String>,
    /// `missing`, `extra`, or `columns`.
    differs: String,
    /// The columns that hold something else.
    columns: Vec<String>,
}

impl From<DifferingRow> for Difference {
    fn from(row: DifferingRow) -> Self {
        let DifferingRow {
            table,
            key,
            differs,
            columns,
        } = row;
        Self {
            table,
            key,
            differs,
            columns,
        }
    }
}

/// A page of runs, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct RunPage {
    /// Newest first.
    pub(super) items: Vec<Run>,
    /// For the next page; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// How much of a read model is to be folded anew: the whole, unless one of these is there.
#[derive(Object)]
#[oai(example, skip_serializing_if_is_none)]
pub(super) struct RebuildWish {
    /// Only the rows of this stream.
    #[oai(nullable)]
    pub(super) stream: Option<String>,
    /// Only the rows of the streams that are about this user.
    #[oai(nullable)]
    pub(super) user_id: Option<Uuid>,
}

impl Example for RebuildWish {
    fn example() -> Self {
        Self {
            stream: None,
            user_id: Some(Uuid::from_u128(0x0193_a0de_4f7a_7000_8000_0000_0000_0001)),
        }
    }
}

impl FromForm for RebuildWish {
    fn take(form: &mut Form) -> Self {
        let stream = form.optional_text("stream");
        let user_id = form.optional_id("user_id");
        form.either(stream.is_some() && user_id.is_some(), "user_id");
        Self { stream, user_id }
    }
}
