//! `doorbook projections …`

use doorbook_projections::{
    db::Value,
    engine::{Difference, Differs, Engine, Report, Status},
    fault::Fault,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{args::ProjectionsCommand, exit::Failure, output::Output};

/// Carries one out. When `cancel` comes, the read models stay as they were.
pub(crate) async fn run(
    command: &ProjectionsCommand,
    engine: &Engine,
    output: &Output,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    match command {
        ProjectionsCommand::List => list(&engine.status().await?, output),
        ProjectionsCommand::Rebuild { name, all: _ } => {
            rebuild(engine, &names(engine, name.as_deref())?, output, cancel).await
        }
        ProjectionsCommand::Verify { name } => verify(engine, &names(engine, name.as_deref())?, output, cancel).await,
    }
}

/// The read model of that name, or all.
fn names(engine: &Engine, wanted: Option<&str>) -> Result<Vec<&'static str>, Failure> {
    let known = engine.names();
    let Some(wanted) = wanted else { return Ok(known) };
    match known.iter().find(|name| **name == wanted) {
        Some(name) => Ok(vec![name]),
        None => Err(Failure::Usage(format!(
            "there is no projection `{wanted}`: name one of {}",
            known.join(", ")
        ))),
    }
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    version: u32,
    generation: Option<u64>,
    position: Option<String>,
    head: String,
    lag_events: u64,
    lag_seconds: f64,
    parked: Vec<ParkedLine>,
    fault: Option<String>,
}

#[derive(Serialize)]
struct ParkedLine {
    stream: String,
    position: String,
    sequence: u64,
    reason: String,
    since: String,
}

impl From<&Status> for Line {
    fn from(status: &Status) -> Self {
        let parked = status.parked.iter().map(|parked| ParkedLine {
            stream: parked.stream.clone(),
            position: parked.position.to_string(),
            sequence: parked.sequence,
            reason: parked.reason.clone(),
            since: parked.since.to_string(),
        });
        Self {
            name: status.name,
            version: status.version,
            generation: status.generation,
            position: status.position.map(|position| position.to_string()),
            head: status.head.to_string(),
            lag_events: status.lag_events,
            lag_seconds: status.lag.as_secs_f64(),
            parked: parked.collect(),
            fault: status.fault.clone(),
        }
    }
}

fn list(all: &[Status], output: &Output) -> Result<(), Failure> {
    let lines: Vec<Line> = all.iter().map(Line::from).collect();
    let heads = [
        "NAME",
        "GENERATION",
        "POSITION",
        "HEAD",
        "LAG",
        "SECONDS",
        "PARKED",
        "STATE",
    ];
    output.table(&heads, &lines, |line| {
        let state = match (&line.fault, &line.position) {
            (Some(fault), _) => fault.as_str(),
            (None, None) => "to be built",
            (None, Some(_)) => "serving",
        };
        vec![
            line.name.to_owned(),
            line.generation
                .map_or_else(|| "-".to_owned(), |number| number.to_string()),
            line.position.clone().unwrap_or_else(|| "-".to_owned()),
            line.head.clone(),
            line.lag_events.to_string(),
            format!("{:.1}", line.lag_seconds),
            line.parked.len().to_string(),
            state.to_owned(),
        ]
    })?;
    Ok(())
}

async fn rebuild(
    engine: &Engine,
    names: &[&'static str],
    output: &Output,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let progress = output.progress("rebuilding", 0);
    let done = engine
        .rebuild(names, &|at| progress.of(at.done, at.total), cancel)
        .await;
    progress.finish();
    done?;
    let rebuilt = serde_json::json!({"rebuilt": names});
    output.value(&rebuilt, || format!("Rebuilt: {}.", names.join(", ")))?;
    Ok(())
}

#[derive(Serialize)]
struct Verified {
    name: &'static str,
    position: String,
    events: u64,
    rows: u64,
    differing: u64,
    parked: u64,
    differences: Vec<String>,
}

impl Verified {
    fn new(name: &'static str, report: &Report) -> Self {
        Self {
            name,
            position: report.position.to_string(),
            events: report.events,
            rows: report.rows,
            differing: report.differing,
            parked: report.parked,
            differences: report.differences.iter().map(difference).collect(),
        }
    }
}

fn difference(row: &Difference) -> String {
    let key: Vec<String> = row.key.iter().map(key_part).collect();
    let how = match &row.differs {
        Differs::Missing => "is missing".to_owned(),
        Differs::Extra => "should not be there".to_owned(),
        Differs::Columns(columns) => format!("differs in {}", columns.join(", ")),
    };
    format!("{} {} {how}", row.table, key.join("/"))
}

fn key_part(value: &Value) -> String {
    match value {
        Value::Text(text) => text.as_deref().unwrap_or("null").to_owned(),
        Value::Int(number) => number.map_or_else(|| "null".to_owned(), |number| number.to_string()),
        Value::Blob(bytes) => format!("{} bytes", bytes.as_ref().map_or(0, |bytes| bytes.len())),
    }
}

async fn verify(
    engine: &Engine,
    names: &[&'static str],
    output: &Output,
    cancel: &CancellationToken,
) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for &name in names {
        let progress = output.progress("verifying", 0);
        let report: Result<Report, Fault> = engine.verify(name, &|at| progress.of(at.done, at.total), cancel).await;
        progress.finish();
        reports.push(Verified::new(name, &report?));
    }
    let heads = ["NAME", "POSITION", "EVENTS", "ROWS", "DIFFERING", "PARKED"];
    output.table(&heads, &reports, |report| {
        vec![
            report.name.to_owned(),
            report.position.clone(),
            report.events.to_string(),
            report.rows.to_string(),
            report.differing.to_string(),
            report.parked.to_string(),
        ]
    })?;
    if !output.is_json() {
        for line in reports.iter().flat_map(|report| &report.differences) {
            output.line(line)?;
        }
    }
    let differing: u64 = reports.iter().map(|report| report.differing).sum();
    if differing == 0 {
        return Ok(());
    }
    Err(Failure::Difference(format!(
        "{differing} rows differ from the log: run `doorbook projections rebuild`, and keep this output for the report of the error"
    )))
}
