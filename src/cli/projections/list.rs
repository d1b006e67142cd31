//! What is shown of read models.

use doorbook_projections::engine::{Outcome, Parked, Run, RunState, Scope, Status};
use serde::Serialize;

use super::{Bench, failure};
use crate::cli::exit::Failure;

/// Parked streams that are read at once.
const PAGE: u32 = 500;

#[derive(Serialize)]
struct Line {
    name: &'static str,
    version: u32,
    state: &'static str,
    generation: Option<u64>,
    previous_generation: Option<u64>,
    position: Option<String>,
    head: String,
    lag_events: u64,
    lag_seconds: f64,
    paused_at: Option<String>,
    parked: Vec<ParkedLine>,
    fault: Option<String>,
    run: Option<RunLine>,
}

#[derive(Serialize)]
struct ParkedLine {
    name: &'static str,
    stream: String,
    position: String,
    sequence: u64,
    reason: String,
    since: String,
}

#[derive(Serialize)]
struct RunLine {
    id: String,
    name: &'static str,
    kind: &'static str,
    stream: Option<String>,
    user_id: Option<String>,
    actor: String,
    state: &'static str,
    phase: &'static str,
    done: u64,
    total: u64,
    per_second: f64,
    eta_seconds: Option<f64>,
    started_at: String,
    ended_at: Option<String>,
    result: Option<Outcome>,
    error: Option<String>,
}

impl From<&Status> for Line {
    fn from(status: &Status) -> Self {
        Self {
            name: status.name,
            version: status.version,
            state: status.wellbeing().as_str(),
            generation: status.generation,
            previous_generation: status.previous,
            position: status.position.map(|position| position.to_string()),
            head: status.head.to_string(),
            lag_events: status.lag_events,
            lag_seconds: status.lag.as_secs_f64(),
            paused_at: status.paused.map(|at| at.to_string()),
            parked: status.parked.iter().map(ParkedLine::from).collect(),
            fault: status.fault.clone(),
            run: status.run.as_ref().map(RunLine::from),
        }
    }
}

impl From<&Parked> for ParkedLine {
    fn from(parked: &Parked) -> Self {
        Self {
            name: parked.projection,
            stream: parked.stream.clone(),
            position: parked.position.to_string(),
            sequence: parked.sequence,
            reason: parked.reason.clone(),
            since: parked.since.to_string(),
        }
    }
}

impl From<&Run> for RunLine {
    fn from(run: &Run) -> Self {
        let (stream, user_id) = match &run.scope {
            Scope::Whole => (None, None),
            Scope::Stream(stream) => (Some(stream.clone()), None),
            Scope::User(user) => (None, Some(user.to_string())),
        };
        Self {
            id: run.id.to_string(),
            name: run.projection,
            kind: run.kind.as_str(),
            stream,
            user_id,
            actor: run.actor.clone(),
            state: run.state.as_str(),
            phase: run.phase.as_str(),
            done: run.done,
            total: run.total,
            per_second: run.rate(),
            eta_seconds: run.eta(),
            started_at: run.started_at.to_string(),
            ended_at: run.ended_at.map(|at| at.to_string()),
            result: run.outcome.clone(),
            error: run.error.clone(),
        }
    }
}

/// `-` where there is nothing.
fn or_dash(text: Option<impl ToString>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| text.to_string())
}

pub(super) async fn projections(bench: &Bench<'_>) -> Result<(), Failure> {
    let lines: Vec<Line> = bench.engine.status().await?.iter().map(Line::from).collect();
    let heads = [
        "NAME",
        "GENERATION",
        "POSITION",
        "HEAD",
        "LAG",
        "SECONDS",
        "PARKED",
        "STATE",
        "RUN",
    ];
    bench.output.table(&heads, &lines, |line| {
        let state = line.fault.as_deref().filter(|_| line.state == "failed");
        let run = line.run.as_ref();
        vec![
            line.name.to_owned(),
            or_dash(line.generation),
            or_dash(line.position.as_ref()),
            line.head.clone(),
            line.lag_events.to_string(),
            format!("{:.1}", line.lag_seconds),
            line.parked.len().to_string(),
            state.unwrap_or(line.state).to_owned(),
            or_dash(run.map(|run| format!("{} {}/{}", run.kind, run.done, run.total))),
        ]
    })?;
    Ok(())
}

pub(super) async fn runs(bench: &Bench<'_>, name: &str, lines: u32) -> Result<(), Failure> {
    bench.names(Some(name))?;
    let runs = bench.engine.runs(name, None, lines).await;
    let runs = runs.map_err(|denied| failure(name, denied))?;
    let lines: Vec<RunLine> = runs.iter().map(RunLine::from).collect();
    let heads = ["RUN", "KIND", "BY", "STARTED", "STATE", "DONE", "PER SECOND", "RESULT"];
    bench.output.table(&heads, &lines, |line| {
        vec![
            line.id.clone(),
            line.kind.to_owned(),
            line.actor.clone(),
            line.started_at.clone(),
            line.state.to_owned(),
            format!("{}/{}", line.done, line.total),
            format!("{:.0}", line.per_second),
            result(line),
        ]
    })?;
    Ok(())
}

/// What came of a run, in a few words.
fn result(line: &RunLine) -> String {
    if let Some(error) = &line.error {
        return error.clone();
    }
    let Some(outcome) = &line.result else {
        let running = line.state == RunState::Running.as_str();
        return if running { line.phase.to_owned() } else { "-".to_owned() };
    };
    match (outcome.generation, outcome.differing, outcome.streams) {
        (Some(generation), _, _) => format!("generation {generation}, {} parked", outcome.parked),
        (None, Some(differing), _) => format!("{differing} rows differ, {} parked", outcome.parked),
        (None, None, Some(streams)) => format!("{streams} streams, {} parked", outcome.parked),
        (None, None, None) => "-".to_owned(),
    }
}

pub(super) async fn parked(bench: &Bench<'_>, names: &[&'static str]) -> Result<(), Failure> {
    let mut lines = Vec::new();
    for name in names {
        lines.extend(all_parked(bench, name).await?.iter().map(ParkedLine::from));
    }
    let heads = ["NAME", "STREAM", "POSITION", "SEQUENCE", "SINCE", "REASON"];
    bench.output.table(&heads, &lines, |line| {
        vec![
            line.name.to_owned(),
            line.stream.clone(),
            line.position.clone(),
            line.sequence.to_string(),
            line.since.clone(),
            line.reason.clone(),
        ]
    })?;
    Ok(())
}

/// Every stream that a read model has parked.
pub(super) async fn streams(bench: &Bench<'_>, name: &str) -> Result<Vec<String>, Failure> {
    let parked = all_parked(bench, name).await?;
    Ok(parked.into_iter().map(|parked| parked.stream).collect())
}

async fn all_parked(bench: &Bench<'_>, name: &str) -> Result<Vec<Parked>, Failure> {
    let mut all: Vec<Parked> = Vec::new();
    loop {
        let after = all.last().map_or("", |parked| parked.stream.as_str());
        let page = bench.engine.parked(name, after, PAGE).await;
        let page = page.map_err(|denied| failure(name, denied))?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}
