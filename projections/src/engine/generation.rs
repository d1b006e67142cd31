use std::collections::BTreeSet;

use doorbook_domain::time::Timestamp;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::{
    db::{Db, Row, Tx, Value},
    fault::Fault,
    log::{EventLog, Position, Recorded},
    patch::{Changes, Patches},
    table::{Dialect, Table},
};

/// How far a generation has read, and of which log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) version: u32,
    pub(super) log_id: Uuid,
    pub(super) position: Position,
    /// Id of the event at `position`; nil at the start.
    pub(super) event_id: Uuid,
}

/// A stream that is left out from an event on that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParkedRow {
    pub(super) stream: String,
    pub(super) position: Position,
    pub(super) sequence: u64,
    pub(super) reason: String,
    pub(super) since: Timestamp,
}

/// One set of tables of a read model.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) name: &'static str,
    pub(super) number: u64,
    pub(super) tables: &'static [Table],
    pub(super) db: Db,
    pub(super) dialect: Dialect,
    /// The partitions that are known to be there.
    pub(super) partitions: Mutex<BTreeSet<String>>,
}

/// A transaction that has moved the checkpoint, and so is the only one to do so.
pub(super) struct Batch<'a> {
    generation: &'a Generation,
    tx: Tx,
    /// Where the checkpoint was.
    from: Position,
    /// The partitions that are there when it is committed.
    partitions: Vec<String>,
}

/// Rows that one statement of an ordinary write takes.
const ROWS: [usize; 3] = [64, 8, 1];

impl Dialect {
    pub(super) fn qualify(self, table: &str) -> String {
        match self {
            Self::Sqlite => table.to_owned(),
            Self::Postgres => format!("doorbook_read.{table}"),
        }
    }
}

impl Checkpoint {
    pub(super) const fn start(version: u32, log_id: Uuid) -> Self {
        Self {
            version,
            log_id,
            position: Position::START,
            event_id: Uuid::nil(),
        }
    }

    /// Whether `log` has the event that was read last, where it was read.
    pub(super) async fn fits(&self, log: &dyn EventLog) -> Result<bool, Fault> {
        if log.id().await? != self.log_id {
            return Ok(false);
        }
        let Some(before) = self.position.number().checked_sub(1) else {
            return Ok(true);
        };
        let events = log.read(Position::new(before), 1).await?;
        let fits = |event: &Recorded| event.position == self.position && event.event_id() == self.event_id;
        Ok(events.first().is_some_and(fits))
    }
}

impl Generation {
    pub(super) const fn new(
        name: &'static str,
        number: u64,
        tables: &'static [Table],
        db: Db,
        dialect: Dialect,
    ) -> Self {
        Self {
            name,
            number,
            tables,
            db,
            dialect,
            partitions: Mutex::new(BTreeSet::new()),
        }
    }

    /// A table of this generation, as SQL names it.
    pub(super) fn table(&self, name: &str) -> String {
        self.dialect.qualify(&self.bare(name))
    }

    fn bare(&self, name: &str) -> String {
        format!("{name}_g{}", self.number)
    }

    fn own(&self) -> Vec<Value> {
        vec![self.name.into(), self.number.into()]
    }

    pub(super) async fn create(&self, start: &Checkpoint) -> Result<(), Fault> {
        let mut tx = self.db.begin().await?;
        if self.dialect == Dialect::Sqlite {
            for sql in [
                "create table checkpoints (
                    projection text, generation bigint, version bigint not null, tables text not null,
                    log_id text not null, position bigint not null, event_id text not null,
                    primary key (projection, generation))",
                "create table parked (
                    projection text, generation bigint, stream text, position bigint not null,
                    sequence bigint not null, reason text not null, since bigint not null,
                    primary key (projection, generation, stream))",
            ] {
                tx.execute(sql, Vec::new()).await?;
            }
        }
        for table in self.tables {
            tx.execute(&table.create(&self.table(table.name), self.dialect), Vec::new())
                .await?;
        }
        let names: Vec<String> = self.tables.iter().map(|table| self.bare(table.name)).collect();
        let sql = format!(
            "insert into {} (projection, generation, version, tables, log_id, position, event_id)
             values ($1, $2, $3, $4, $5, $6, $7)",
            self.dialect.qualify("checkpoints")
        );
        let mut values = self.own();
        values.extend([
            start.version.into(),
            names.join(" ").into(),
            start.log_id.to_string().into(),
        ]);
        values.extend([start.position.number().into(), start.event_id.to_string().into()]);
        tx.execute(&sql, values).await?;
        tx.commit().await
    }

    /// Makes the keys that are made after a load. A stream that begins or ends twice, which the domain does not allow,
    /// has left two rows, of which one stays: it must not keep an admin from a rebuild.
    pub(super) async fn complete_keys(&self) -> Result<(), Fault> {
        for table in self.tables {
            let name = self.table(table.name);
            let Some(sql) = table.late_key(&name, self.dialect) else {
                continue;
            };
            match self.db.execute(&sql, Vec::new()).await {
                Err(fault) if fault.is_duplicate() => {
                    self.db.execute(&table.keep_last(&name), Vec::new()).await?;
                    self.db.execute(&sql, Vec::new()).await?;
                }
                made => drop(made?),
            }
        }
        Ok(())
    }

    /// Makes what queries need: keys, indices and statistics.
    pub(super) async fn index(&self) -> Result<(), Fault> {
        self.complete_keys().await?;
        for table in self.tables {
            for index in table.indices {
                let sql = index.create(&self.bare(table.name), &self.table(table.name));
                self.db.execute(&sql, Vec::new()).await?;
            }
            self.analyze(table).await?;
        }
        Ok(())
    }

    async fn analyze(&self, table: &Table) -> Result<(), Fault> {
        let sql = format!("analyze {}", self.table(table.name));
        let Some(settings) = table.statistics().filter(|_| self.dialect == Dialect::Postgres) else {
            return self.db.execute(&sql, Vec::new()).await.map(drop);
        };
        let mut tx = self.db.begin().await?;
        tx.execute(settings, Vec::new()).await?;
        tx.execute(&sql, Vec::new()).await?;
        tx.commit().await
    }

    fn checkpoint_query(&self) -> String {
        format!(
            "select version, log_id, position, event_id from {} where projection = $1 and generation = $2",
            self.dialect.qualify("checkpoints")
        )
    }

    pub(super) async fn find_checkpoint(&self) -> Result<Option<Checkpoint>, Fault> {
        let row = self.db.find(&self.checkpoint_query(), self.own()).await?;
        row.as_ref().map(read_checkpoint).transpose()
    }

    pub(super) async fn checkpoint(&self) -> Result<Checkpoint, Fault> {
        self.find_checkpoint().await?.ok_or_else(gone)
    }

    /// The checkpoint as `tx` sees it.
    pub(super) async fn checkpoint_in(&self, tx: &mut Tx) -> Result<Checkpoint, Fault> {
        let rows = tx.fetch(&self.checkpoint_query(), self.own()).await?;
        read_checkpoint(rows.first().ok_or_else(gone)?)
    }

    fn parked_query(&self) -> String {
        format!(
            "select stream, position, sequence, reason, since from {}
             where projection = $1 and generation = $2 order by stream",
            self.dialect.qualify("parked")
        )
    }

    pub(super) async fn parked(&self) -> Result<Vec<ParkedRow>, Fault> {
        let rows = self.db.fetch(&self.parked_query(), self.own()).await?;
        rows.iter().map(ParkedRow::read).collect()
    }

    /// At most `limit` of them, behind the stream that is named `after`.
    pub(super) async fn parked_after(&self, after: &str, limit: u32) -> Result<Vec<ParkedRow>, Fault> {
        let sql = format!(
            "select stream, position, sequence, reason, since from {}
             where projection = $1 and generation = $2 and stream > $3 order by stream limit $4",
            self.dialect.qualify("parked")
        );
        let mut values = self.own();
        values.extend([after.into(), limit.into()]);
        let rows = self.db.fetch(&sql, values).await?;
        rows.iter().map(ParkedRow::read).collect()
    }

    pub(super) async fn parked_in(&self, tx: &mut Tx) -> Result<Vec<ParkedRow>, Fault> {
        let rows = tx.fetch(&self.parked_query(), self.own()).await?;
        rows.iter().map(ParkedRow::read).collect()
    }

    /// Begins a transaction that moves the checkpoint from `from` to `to`; `None` when it is not at `from` any more.
    ///
    /// The move comes first: it takes the row's lock, so that of two engines only one folds the same events.
    pub(super) async fn begin(&self, from: Position, to: (Position, Uuid)) -> Result<Option<Batch<'_>>, Fault> {
        let mut tx = self.db.begin().await?;
        let sql = format!(
            "update {} set position = $4, event_id = $5 where projection = $1 and generation = $2 and position = $3",
            self.dialect.qualify("checkpoints")
        );
        let mut values = self.own();
        values.extend([from.number().into(), to.0.number().into(), to.1.to_string().into()]);
        let moved = tx.execute(&sql, values).await? == 1;
        Ok(moved.then_some(Batch {
            generation: self,
            tx,
            from,
            partitions: Vec::new(),
        }))
    }
}

fn gone() -> Fault {
    Fault::plain("a generation of a read model is gone")
}

fn read_checkpoint(row: &Row) -> Result<Checkpoint, Fault> {
    Ok(Checkpoint {
        version: row.count("version")?,
        log_id: row.id_in_text("log_id")?,
        position: Position::new(row.count("position")?),
        event_id: row.id_in_text("event_id")?,
    })
}

impl ParkedRow {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            stream: row.text("stream")?,
            position: Position::new(row.count("position")?),
            sequence: row.count("sequence")?,
            reason: row.text("reason")?,
            since: row.at("since")?,
        })
    }
}

impl Batch<'_> {
    pub(super) async fn parked(&mut self) -> Result<Vec<ParkedRow>, Fault> {
        self.generation.parked_in(&mut self.tx).await
    }

    pub(super) async fn park(&mut self, parked: &ParkedRow) -> Result<(), Fault> {
        let sql = format!(
            "insert into {} (projection, generation, stream, position, sequence, reason, since)
             values ($1, $2, $3, $4, $5, $6, $7)",
            self.generation.dialect.qualify("parked")
        );
        let mut values = self.generation.own();
        values.extend([
            parked.stream.as_str().into(),
            parked.position.number().into(),
            parked.sequence.into(),
        ]);
        values.extend([parked.reason.as_str().into(), parked.since.into()]);
        self.tx.execute(&sql, values).await.map(drop)
    }

    pub(super) async fn unpark(&mut self, stream: &str) -> Result<(), Fault> {
        let sql = format!(
            "delete from {} where projection = $1 and generation = $2 and stream = $3",
            self.generation.dialect.qualify("parked")
        );
        let mut values = self.generation.own();
        values.push(stream.into());
        self.tx.execute(&sql, values).await.map(drop)
    }

    /// Writes rows with ordinary statements.
    pub(super) async fn write(&mut self, patches: Patches) -> Result<(), Fault> {
        for changes in patches.into_tables()? {
            self.make_room(&changes).await?;
            let Changes { table, rows, .. } = changes;
            let name = self.generation.table(table.name);
            let mut left = rows.len();
            let mut rows = rows.into_iter();
            for size in ROWS {
                let sql = table.upsert(&name, size, self.generation.dialect);
                while left >= size {
                    let mut values = Vec::with_capacity(size * table.width());
                    rows.by_ref().take(size).for_each(|row| values.extend(row));
                    self.tx.execute(&sql, values).await?;
                    left -= size;
                }
            }
        }
        Ok(())
    }

    /// Writes many rows in the way that is fastest for the database.
    pub(super) async fn load(&mut self, patches: Patches) -> Result<(), Fault> {
        if self.generation.dialect == Dialect::Sqlite {
            return self.write(patches).await;
        }
        for changes in patches.into_tables()? {
            self.make_room(&changes).await?;
            let name = self.generation.table(changes.table.name);
            self.tx.merge(&name, changes, self.from).await?;
        }
        Ok(())
    }

    async fn make_room(&mut self, changes: &Changes) -> Result<(), Fault> {
        let made = self.generation.make_room(&mut self.tx, changes).await?;
        self.partitions.extend(made);
        Ok(())
    }

    pub(super) async fn commit(self) -> Result<(), Fault> {
        self.tx.commit().await?;
        self.generation.partitions.lock().extend(self.partitions);
        Ok(())
    }
}
