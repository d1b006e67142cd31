use std::{cmp::Ordering, collections::VecDeque, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{
    Core, Ended, Engine, Kind, Order, Phase, Progress, Scope,
    generation::{Checkpoint, Generation, ParkedRow},
    load::{Build, load},
    slot::Slot,
};
use crate::{
    db::{Tx, Value},
    fault::Fault,
    log::Position,
    table::Table,
};

/// Rows that are compared at once.
const PAGE: usize = 2_000;
/// Differences that are named; the others are counted.
const NAMED: usize = 1_000;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Up to where both sides had read the log.
    pub position: Position,
    /// Events that were folded.
    pub events: u64,
    /// Rows of the live tables.
    pub rows: u64,
    /// The first thousand rows that differ.
    pub differences: Vec<Difference>,
    /// All rows that differ.
    pub differing: u64,
    /// Streams that are parked. What was left out for that reason is no difference.
    pub parked: u64,
}

/// A row that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The table, without its generation.
    pub table: &'static str,
    /// The key of the row.
    pub key: Vec<Value>,
    /// In what it differs.
    pub differs: Differs,
}

/// How a row differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Differs {
    /// The log says there is one.
    Missing,
    /// The log knows nothing of it.
    Extra,
    /// These columns hold something else.
    Columns(Vec<&'static str>),
}

impl Engine {
    /// Folds the log beside the live tables of `name` up to their checkpoint, and compares every row. Nobody is disturbed.
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, when somebody else rebuilds or verifies it, when it does not fit the
    /// log, when a parked stream was retried meanwhile, when the log or the database fails, or when `cancel` came first.
    pub async fn verify(
        &self,
        name: &str,
        progress: &(dyn Fn(Progress) + Send + Sync),
        cancel: &CancellationToken,
    ) -> Result<Report, Fault> {
        let order = Order {
            kind: Kind::Verify,
            names: &[name],
            scope: Scope::Whole,
            actor: "system",
        };
        let mut ended = self.begin(&order).await?.carry_out(progress, cancel).await?;
        match ended.pop() {
            Some(Ended::Verified(report)) => Ok(report),
            Some(Ended::Rebuilt { .. } | Ended::Refolded { .. }) | None => Err(Fault::plain("nothing was verified")),
        }
    }
}

impl Core {
    /// Compares the live tables with what the log says. Only for the holder of the lock, who tidies up afterwards.
    pub(super) async fn verify(
        &self,
        slot: &Arc<Slot>,
        progress: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<Report, Fault> {
        let live = self.store.pointer(slot.name()).await?.current;
        let live = self
            .store
            .generation(slot.name(), live, slot.projection.tables())
            .await?;
        let live = live.ok_or_else(|| Fault::new("the read model is not built yet", slot.name()))?;
        let checkpoint = live.checkpoint().await?;
        if checkpoint.version != slot.projection.version() || !checkpoint.fits(&*self.log).await? {
            return Err(Fault::new(
                "the read model does not fit this program or this log",
                slot.name(),
            ));
        }
        let start = Checkpoint::start(checkpoint.version, checkpoint.log_id);
        let shadow = Arc::new(self.store.create(slot.name(), live.tables, &start).await?);
        let report = |at: Position, total: Position| {
            progress(Progress {
                phase: Phase::Loading,
                done: at.number(),
                total: total.number(),
            });
        };

        // Most of it without a snapshot, which holds back vacuum and checkpoints; the rest under it.
        let parked = live.parked().await?;
        let to = checkpoint.position;
        let build = |parked: &[ParkedRow]| Build {
            projection: Arc::clone(&slot.projection),
            generation: Arc::clone(&shadow),
            skip: parked.into(),
            parks: None,
        };
        load(&self.log, &[build(&parked)], Position::START, to, &|at| report(at, to)).await?;
        shadow.complete_keys().await?;
        let mut snapshot = live.db.snapshot().await?;
        let end = live.checkpoint_in(&mut snapshot).await?.position;
        let parked_then = live.parked_in(&mut snapshot).await?;
        if !parked.iter().all(|parked| parked_then.contains(parked)) {
            return Err(Fault::plain("a parked stream was retried meanwhile: verify again"));
        }
        load(&self.log, &[build(&parked_then)], to, end, &|at| report(at, end)).await?;

        let mut found = Report {
            position: end,
            events: end.number(),
            parked: u64::try_from(parked_then.len()).unwrap_or(u64::MAX),
            ..Report::default()
        };
        let mut beside = shadow.db.snapshot().await?;
        for table in live.tables {
            let left = Pages::new(table, &live, &mut snapshot);
            let right = Pages::new(table, &shadow, &mut beside);
            compare(left, right, &mut found, progress).await?;
        }
        Ok(found)
    }
}

/// The rows of a table in the order of its key, a page at a time.
struct Pages<'a> {
    table: &'static Table,
    tx: &'a mut Tx,
    first: String,
    next: String,
    page: VecDeque<Vec<Value>>,
    last: Option<Vec<Value>>,
    ended: bool,
}

impl<'a> Pages<'a> {
    fn new(table: &'static Table, generation: &Generation, tx: &'a mut Tx) -> Self {
        let name = generation.table(table.name);
        let key = table.key_names();
        let after: Vec<String> = (1..=table.key.len()).map(|number| format!("${number}")).collect();
        let sql = |condition: &str| {
            format!(
                "select {} from {name} {condition} order by {key} limit {PAGE}",
                table.names()
            )
        };
        Self {
            table,
            tx,
            first: sql(""),
            next: sql(&format!("where ({key}) > ({})", after.join(", "))),
            page: VecDeque::new(),
            last: None,
            ended: false,
        }
    }

    async fn peek(&mut self) -> Result<Option<&Vec<Value>>, Fault> {
        if self.page.is_empty() && !self.ended {
            let rows = match self.last.take() {
                None => self.tx.fetch(&self.first, Vec::new()).await?,
                Some(key) => self.tx.fetch(&self.next, key).await?,
            };
            self.ended = rows.len() < PAGE;
            for row in rows {
                let values: Result<Vec<Value>, Fault> = self
                    .table
                    .all()
                    .map(|column| row.value(column.name, column.kind))
                    .collect();
                self.page.push_back(values?);
            }
            self.last = self.page.back().map(|row| self.key(row));
        }
        Ok(self.page.front())
    }

    fn key(&self, row: &[Value]) -> Vec<Value> {
        row.iter().take(self.table.key.len()).cloned().collect()
    }
}

async fn compare(
    mut live: Pages<'_>,
    mut built: Pages<'_>,
    report: &mut Report,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<(), Fault> {
    let table = live.table;
    loop {
        let order = match (live.peek().await?, built.peek().await?) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(left), Some(right)) => by_key(table, left, right),
        };
        let left = if order.is_le() { live.page.pop_front() } else { None };
        let right = if order.is_ge() { built.page.pop_front() } else { None };
        report.rows += u64::from(left.is_some());
        if report.rows.is_multiple_of(10_000) {
            progress(Progress {
                phase: Phase::Comparing,
                done: report.rows,
                total: report.rows,
            });
        }
        let (row, differs) = match (left, right) {
            (Some(left), Some(right)) if left == right => continue,
            (Some(left), Some(right)) => {
                let columns = differing(table, &left, &right);
                (left, Differs::Columns(columns))
            }
            (Some(left), None) => (left, Differs::Extra),
            (None, Some(right)) => (right, Differs::Missing),
            (None, None) => continue,
        };
        report.differing += 1;
        if report.differences.len() < NAMED {
            let key = live.key(&row);
            report.differences.push(Difference {
                table: table.name,
                key,
                differs,
            });
        }
    }
}

fn by_key(table: &Table, left: &[Value], right: &[Value]) -> Ordering {
    let keys = left.iter().zip(right).take(table.key.len());
    keys.map(|(left, right)| left.order(right))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn differing(table: &Table, left: &[Value], right: &[Value]) -> Vec<&'static str> {
    let pairs = table.all().zip(left.iter().zip(right));
    pairs
        .filter(|(_, (left, right))| left != right)
        .map(|(column, _)| column.name)
        .collect()
}
