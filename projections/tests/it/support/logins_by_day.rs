//! Logins per day and method.

use doorbook_domain::{event::Event, session::SessionEvent, time::Timestamp};
use doorbook_projections::{
    db::Row,
    engine::Reads,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::{Index, Rows, Table, id, int, text},
};

/// The read model `logins_by_day`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoginsByDay;

/// Its name.
pub(crate) const NAME: &str = "logins_by_day";

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

static TABLES: [Table; 1] = [Table {
    name: "logins_by_day",
    key: &[id("session_id")],
    columns: &[int("day"), text("method")],
    indices: &[Index {
        name: "by_day",
        on: "day, method",
    }],
    rows: Rows::Changing,
}];

impl Projection for LoginsByDay {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &["session"]
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        if let Event::Session(SessionEvent::Started { method, at, .. }) = event {
            out.row_of(recorded, &TABLES[0], [recorded.id().into()])
                .set("day", at.micros().div_euclid(DAY_MICROS))
                .set("method", method.as_str())
                .done();
        }
        Ok(())
    }
}

/// How many logins there were on a day by a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DayRow {
    /// Days since 1970-01-01, UTC.
    pub(crate) day: i64,
    /// `password`, `social` ….
    pub(crate) method: String,
    /// How many.
    pub(crate) logins: u64,
}

impl DayRow {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            day: row.int("day")?,
            method: row.text("method")?,
            logins: row.count("logins")?,
        })
    }
}

/// Logins per day and method, from the day of `from` to before the day of `to`, oldest first.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub(crate) async fn between(reads: &Reads, from: Timestamp, to: Timestamp) -> Result<Vec<DayRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select day, method, count(*) as logins from {logins} where day >= $1 and day < $2
         group by day, method order by day, method",
        logins = view.table("logins_by_day"),
    );
    let day = |at: Timestamp| at.micros().div_euclid(DAY_MICROS);
    let rows = view.fetch(&sql, vec![day(from).into(), day(to).into()]).await?;
    rows.iter().map(DayRow::read).collect()
}
