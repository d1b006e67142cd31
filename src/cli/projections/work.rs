//! Rebuilding and verifying.

use doorbook_projections::{
    engine::{Ended, Kind, Order, Outcome, Report, RowDifference, Scope},
    fault::Fault,
};
use serde::Serialize;

use super::{Bench, failure};
use crate::{cli::exit::Failure, service::runs};

/// What is to be done.
pub(super) struct Wish<'a> {
    kind: Kind,
    names: &'a [&'static str],
    scope: Scope,
}

impl<'a> Wish<'a> {
    pub(super) const fn new(kind: Kind, names: &'a [&'static str], scope: Scope) -> Self {
        Self { kind, names, scope }
    }
}

/// Does it, and writes down that it was wanted and how it ended.
async fn carry_out(bench: &Bench<'_>, wish: &Wish<'_>, what: &'static str) -> Result<Vec<Ended>, Failure> {
    let order = Order {
        kind: wish.kind,
        names: wish.names,
        scope: wish.scope.clone(),
        actor: "cli",
    };
    let begun = bench.engine.begin(&order).await;
    let work = begun.map_err(|denied| failure(&wish.names.join(", "), denied))?;
    let entered = work.runs();
    for run in &entered {
        let event = runs::requested(run, bench.clock.now());
        bench.write_down(run.projection, event).await?;
    }
    let progress = bench.output.progress(what, 0);
    let done = work.carry_out(&|at| progress.of(at.done, at.total), bench.cancel).await;
    progress.finish();
    let done = done?;
    for (run, ended) in entered.iter().zip(&done) {
        let event = runs::ended(run, ended, bench.clock.now());
        bench.write_down(run.projection, event).await?;
    }
    Ok(done)
}

#[derive(Serialize)]
struct Rebuilt {
    name: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
}

pub(super) async fn rebuild(bench: &Bench<'_>, wish: &Wish<'_>) -> Result<(), Failure> {
    // A stream is read by some of them only.
    let mut rebuilt = Vec::new();
    let done = carry_out(bench, wish, "rebuilding").await?;
    for (&name, ended) in wish.names.iter().zip(&done) {
        let outcome = ended.outcome();
        rebuilt.push(Rebuilt { name, outcome });
    }
    let parked: u64 = rebuilt.iter().map(|rebuilt| rebuilt.outcome.parked).sum();
    let value = serde_json::json!({"rebuilt": wish.names, "results": rebuilt});
    bench
        .output
        .value(&value, || format!("Rebuilt: {}.", wish.names.join(", ")))?;
    if parked > 0 {
        bench.output.note(&format!(
            "{parked} streams are parked: see `doorbook projections parked`."
        ));
    }
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
            differences: report.differences.iter().map(|row| difference(&row.into())).collect(),
        }
    }
}

fn difference(row: &RowDifference) -> String {
    let how = match row.differs.as_str() {
        "missing" => "is missing".to_owned(),
        "extra" => "should not be there".to_owned(),
        _ => format!("differs in {}", row.columns.join(", ")),
    };
    format!("{} {} {how}", row.table, row.key.join("/"))
}

pub(super) async fn verify(bench: &Bench<'_>, names: &[&'static str]) -> Result<(), Failure> {
    let mut reports = Vec::new();
    for &name in names {
        let one = [name];
        let wish = Wish::new(Kind::Verify, &one, Scope::Whole);
        match carry_out(bench, &wish, "verifying").await?.pop() {
            Some(Ended::Verified(report)) => reports.push(Verified::new(name, &report)),
            Some(Ended::Rebuilt { .. } | Ended::Refolded { .. }) | None => {
                return Err(Fault::plain("nothing was verified").into());
            }
        }
    }
    let heads = ["NAME", "POSITION", "EVENTS", "ROWS", "DIFFERING", "PARKED"];
    bench.output.table(&heads, &reports, |report| {
        vec![
            report.name.to_owned(),
            report.position.clone(),
            report.events.to_string(),
            report.rows.to_string(),
            report.differing.to_string(),
            report.parked.to_string(),
        ]
    })?;
    if !bench.output.is_json() {
        for line in reports.iter().flat_map(|report| &report.differences) {
            bench.output.line(line)?;
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
