use std::sync::Arc;

use super::{Core, generation::Generation};
use crate::{
    db::{Row, Value},
    fault::Fault,
    table::Dialect,
};

/// Where queries read. A clone reads the same.
#[derive(Clone)]
pub struct Reads {
    pub(super) core: Arc<Core>,
}

/// The generation of a read model that queries see now.
#[derive(Debug, Clone)]
pub struct View {
    generation: Arc<Generation>,
}

/// A table to be counted, or so much of it that the rest can be told from that.
pub(crate) struct Sample {
    /// How SQL names it behind `from`.
    pub(crate) from: String,
    /// One row in so many is looked at; 1 is all of them.
    pub(crate) every: u64,
}

impl Reads {
    /// Whether queries of the read model `name` see anything: not before it is built for this version of the program.
    #[must_use]
    pub fn serves(&self, name: &str) -> bool {
        self.core.slot(name).is_ok_and(|slot| slot.served().is_some())
    }

    /// What queries of the read model `name` see now. Take it anew for every query: it changes when a rebuild ends.
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, or it is not built yet.
    pub fn view(&self, name: &str) -> Result<View, Fault> {
        let served = self.core.slot(name)?.served();
        let generation = served.ok_or_else(|| Fault::new("the read model is not built yet", name))?;
        Ok(View { generation })
    }
}

impl View {
    /// A table, as SQL names it.
    #[must_use]
    pub fn table(&self, name: &str) -> String {
        self.generation.table(name)
    }

    /// The rows of `select` for each of the values, which it writes where it needs it.
    pub(crate) fn for_each(&self, values: &[String], select: &dyn Fn(&str) -> String) -> String {
        self.generation.dialect.for_each(values, select)
    }

    /// The table under the name `alias`: the whole of it where it has about `most` rows or fewer, else a sample of its pages,
    /// about so many rows. Only `PostgreSQL` takes samples, and knows without counting how large a table is.
    pub(crate) async fn sample(&self, name: &str, alias: &str, most: u64) -> Result<Sample, Fault> {
        let table = self.table(name);
        let whole = format!("{table} as {alias}");
        if self.generation.dialect == Dialect::Sqlite {
            return Ok(Sample { from: whole, every: 1 });
        }
        let sql = "select cast(reltuples as bigint) as rows from pg_class where oid = to_regclass($1)";
        let row = self.find(sql, vec![table.into()]).await?;
        // It is -1 of a table that was never looked at.
        let rows = row.map_or(Ok(0), |row| row.int("rows"))?;
        let every = u64::try_from(rows).unwrap_or_default().div_ceil(most.max(1)).max(1);
        let from = if every == 1 {
            whole
        } else {
            // The same pages each time, so that a count changes only with what it counts.
            format!("{whole} tablesample system (100.0 / {every}) repeatable (1)")
        };
        Ok(Sample { from, every })
    }

    /// Runs a query and returns all its rows.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn fetch(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, Fault> {
        self.generation.db.fetch(sql, values).await
    }

    /// Runs a query and returns its first row, if there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn find(&self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, Fault> {
        self.generation.db.find(sql, values).await
    }
}
