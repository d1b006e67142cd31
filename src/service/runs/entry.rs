//! From the engine's words to those of the API.

use doorbook_domain::id::{RunId, UserId};
use doorbook_openapi::runs::{DifferingRow, ParkedEntry, ProjectionEntry, RunEntry, RunResult};
use doorbook_projections::{
    engine::{Outcome, Parked, RowDifference, Run, Scope, Status},
    log::Position,
};

/// Parked streams that stand in the list of read models.
const PARKED: usize = 10;

pub(super) fn projection_entry(status: Status) -> ProjectionEntry {
    let state = status.wellbeing().as_str();
    let parked_count = status.parked.len();
    ProjectionEntry {
        name: status.name.to_owned(),
        version: status.version,
        state,
        generation: status.generation,
        previous_generation: status.previous,
        position: status.position.map(Position::number),
        head: status.head.number(),
        lag_events: status.lag_events,
        lag_seconds: status.lag.as_secs_f64(),
        paused_at: status.paused,
        fault: status.fault,
        parked_count,
        parked: status.parked.into_iter().take(PARKED).map(parked_entry).collect(),
        run: status.run.as_ref().map(run_entry),
    }
}

pub(super) fn parked_entry(parked: Parked) -> ParkedEntry {
    ParkedEntry {
        stream: parked.stream,
        position: parked.position.number(),
        sequence: parked.sequence,
        reason: parked.reason,
        since: parked.since,
    }
}

/// The only stream or the only user.
pub(super) fn scope(scope: &Scope) -> (Option<String>, Option<UserId>) {
    match scope {
        Scope::Whole => (None, None),
        Scope::Stream(stream) => (Some(stream.clone()), None),
        Scope::User(user) => (None, Some(UserId(*user))),
    }
}

pub(super) fn run_entry(run: &Run) -> RunEntry {
    let (stream, user_id) = scope(&run.scope);
    RunEntry {
        id: RunId(run.id),
        projection: run.projection.to_owned(),
        kind: run.kind.as_str(),
        stream,
        user_id,
        actor: run.actor.clone(),
        state: run.state.as_str(),
        phase: run.phase.as_str(),
        done: run.done,
        total: run.total,
        rate: run.rate(),
        eta_seconds: run.eta(),
        cancelling: run.cancelling,
        started_at: run.started_at,
        ended_at: run.ended_at,
        result: run.outcome.as_ref().map(result),
        error: run.error.clone(),
    }
}

fn result(outcome: &Outcome) -> RunResult {
    RunResult {
        generation: outcome.generation,
        position: outcome.position,
        streams: outcome.streams,
        rows: outcome.rows,
        differing: outcome.differing,
        parked: outcome.parked,
        differences: outcome.differences.iter().map(difference).collect(),
    }
}

fn difference(row: &RowDifference) -> DifferingRow {
    DifferingRow {
        table: row.table.clone(),
        key: row.key.clone(),
        differs: row.differs.clone(),
        columns: row.columns.clone(),
    }
}
