use doorbook_domain::time::Timestamp;
use uuid::{Builder, Uuid};

use super::{Kind, Outcome, Run, RunState, Scope};
use crate::{
    db::{Row, Value},
    engine::{Phase, Progress, store::Store},
    fault::Fault,
};

/// Runs of a read model that are remembered.
const REMEMBERED: u64 = 500;

/// The columns, in the order in which [`row_of`] binds them.
const COLUMNS: &str =
    "projection, number, id, kind, scope, actor, state, phase, done, total, wanted, started_at, seen_at";

/// What a run is entered with.
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    pub(super) scope: &'a Scope,
    pub(super) actor: &'a str,
    pub(super) at: Timestamp,
    /// Which log: part of what makes the id.
    pub(super) log_id: Uuid,
}

impl Store {
    /// Enters a run, and closes those of dead processes. Only for the holder of the lock.
    pub(super) async fn enter(&self, name: &'static str, entry: &Entry<'_>) -> Result<Run, Fault> {
        self.bury(name, entry.at).await?;
        let runs = self.table("runs");
        let sql = format!("select coalesce(max(number), 0) + 1 as number from {runs} where projection = $1");
        let row = self.catalog.find(&sql, vec![name.into()]).await?;
        let number = row.map_or(Ok(1), |row| row.count("number"))?;
        let run = Run {
            id: id(entry, name, number),
            number,
            projection: name,
            kind: entry.kind,
            scope: entry.scope.clone(),
            actor: entry.actor.to_owned(),
            state: RunState::Running,
            phase: Phase::Loading,
            done: 0,
            total: 0,
            cancelling: false,
            started_at: entry.at,
            seen_at: entry.at,
            ended_at: None,
            outcome: None,
            error: None,
        };
        let sql =
            format!("insert into {runs} ({COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
        self.catalog.execute(&sql, row_of(&run)).await?;
        let sql = format!("delete from {runs} where projection = $1 and number <= $2");
        let old = number.saturating_sub(REMEMBERED);
        self.catalog.execute(&sql, vec![name.into(), old.into()]).await?;
        Ok(run)
    }

    /// Closes runs that say they are at work. Only for the holder of the lock, which knows that they are not.
    pub(in crate::engine) async fn bury(&self, name: &'static str, at: Timestamp) -> Result<(), Fault> {
        let sql = format!(
            "update {} set state = $2, ended_at = $3 where projection = $1 and state = $4",
            self.table("runs")
        );
        let (dead, alive) = (RunState::Interrupted.as_str(), RunState::Running.as_str());
        let values = vec![name.into(), dead.into(), at.into(), alive.into()];
        self.catalog.execute(&sql, values).await.map(drop)
    }

    /// Notes how far a run is; says whether somebody wants it to stop.
    pub(super) async fn note(&self, run: &Run, at: Progress, now: Timestamp) -> Result<bool, Fault> {
        let sql = format!(
            "update {} set phase = $3, done = $4, total = $5, seen_at = $6
             where projection = $1 and number = $2 returning wanted",
            self.table("runs")
        );
        let values = vec![
            run.projection.into(),
            run.number.into(),
            at.phase.as_str().into(),
            at.done.into(),
            at.total.into(),
            now.into(),
        ];
        let mut tx = self.catalog.begin().await?;
        let rows = tx.fetch(&sql, values).await?;
        tx.commit().await?;
        Ok(rows.first().map_or(Ok(0), |row| row.int("wanted"))? != 0)
    }

    /// Closes a run.
    pub(super) async fn close(&self, run: &Run, now: Timestamp) -> Result<(), Fault> {
        let sql = format!(
            "update {} set state = $3, phase = $4, done = $5, total = $6, seen_at = $7, ended_at = $7, outcome = $8,
             error = $9 where projection = $1 and number = $2",
            self.table("runs")
        );
        let outcome = run.outcome.as_ref().map(serde_json::to_string).transpose();
        let outcome = outcome.map_err(Fault::because("the outcome of a run cannot be written"))?;
        let values = vec![
            run.projection.into(),
            run.number.into(),
            run.state.as_str().into(),
            run.phase.as_str().into(),
            run.done.into(),
            run.total.into(),
            now.into(),
            outcome.into(),
            run.error.clone().into(),
        ];
        self.catalog.execute(&sql, values).await.map(drop)
    }

    /// Asks a run to stop; says whether it was at work.
    pub(in crate::engine) async fn want_stop(&self, name: &'static str, id: Uuid) -> Result<bool, Fault> {
        let sql = format!(
            "update {} set wanted = 1 where projection = $1 and id = $2 and state = $3",
            self.table("runs")
        );
        let values = vec![name.into(), id.to_string().into(), RunState::Running.as_str().into()];
        Ok(self.catalog.execute(&sql, values).await? == 1)
    }

    pub(in crate::engine) async fn run(&self, name: &'static str, id: Uuid) -> Result<Option<Run>, Fault> {
        let sql = format!("select * from {} where projection = $1 and id = $2", self.table("runs"));
        let row = self
            .catalog
            .find(&sql, vec![name.into(), id.to_string().into()])
            .await?;
        row.map(|row| read(name, &row)).transpose()
    }

    /// The run that says it is at work.
    pub(in crate::engine) async fn current_run(&self, name: &'static str) -> Result<Option<Run>, Fault> {
        let sql = format!(
            "select * from {} where projection = $1 and state = $2 order by number desc",
            self.table("runs")
        );
        let values = vec![name.into(), RunState::Running.as_str().into()];
        let row = self.catalog.find(&sql, values).await?;
        row.map(|row| read(name, &row)).transpose()
    }

    /// Runs before the one that is numbered `before`, newest first.
    pub(in crate::engine) async fn runs(&self, name: &'static str, before: u64, limit: u32) -> Result<Vec<Run>, Fault> {
        let sql = format!(
            "select * from {} where projection = $1 and number < $2 order by number desc limit $3",
            self.table("runs")
        );
        let rows = self
            .catalog
            .fetch(&sql, vec![name.into(), before.into(), limit.into()])
            .await?;
        rows.iter().map(|row| read(name, row)).collect()
    }
}

/// A UUID v7 (RFC 9562) whose random part follows from what it names, of which there is one only.
fn id(entry: &Entry<'_>, name: &str, number: u64) -> Uuid {
    let millis = u64::try_from(entry.at.micros() / 1000).unwrap_or(0);
    let unique = Uuid::new_v5(&entry.log_id, format!("doorbook:run:{name}:{number}").as_bytes());
    let tail = unique.as_bytes().first_chunk().copied().unwrap_or_default();
    Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

fn row_of(run: &Run) -> Vec<Value> {
    vec![
        run.projection.into(),
        run.number.into(),
        run.id.to_string().into(),
        run.kind.as_str().into(),
        run.scope.write().into(),
        run.actor.as_str().into(),
        run.state.as_str().into(),
        run.phase.as_str().into(),
        run.done.into(),
        run.total.into(),
        run.cancelling.into(),
        run.started_at.into(),
        run.seen_at.into(),
    ]
}

fn read(name: &'static str, row: &Row) -> Result<Run, Fault> {
    let broken = || Fault::plain("the table of runs holds something that this program does not know");
    let outcome = row.find_text("outcome")?;
    let outcome: Option<Outcome> = outcome
        .map(|text| serde_json::from_str(&text))
        .transpose()
        .map_err(Fault::because("the outcome of a run cannot be read"))?;
    Ok(Run {
        id: row.id_in_text("id")?,
        number: row.count("number")?,
        projection: name,
        kind: Kind::read(&row.text("kind")?).ok_or_else(broken)?,
        scope: Scope::read(row.find_text("scope")?.as_deref()).ok_or_else(broken)?,
        actor: row.text("actor")?,
        state: RunState::read(&row.text("state")?).ok_or_else(broken)?,
        phase: Phase::read(&row.text("phase")?).ok_or_else(broken)?,
        done: row.count("done")?,
        total: row.count("total")?,
        cancelling: row.int("wanted")? != 0,
        started_at: row.at("started_at")?,
        seen_at: row.at("seen_at")?,
        ended_at: row.find_at("ended_at")?,
        outcome,
        error: row.find_text("error")?,
    })
}
