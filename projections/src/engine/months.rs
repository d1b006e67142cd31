//! Tables that lie in months on `PostgreSQL`: one partition for each month in UTC, made when the first row of it comes.

use std::collections::BTreeMap;

use super::generation::Generation;
use crate::{
    db::{Tx, Value},
    fault::Fault,
    patch::Changes,
    table::{Dialect, Rows, Table},
};

const DAY: i64 = 86_400_000_000;

/// A partition: what its name ends with, and its bounds as SQL writes them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Month {
    name: String,
    from: String,
    to: String,
}

impl Month {
    /// The month of an instant. What is before 1970 or after 2199 shares one: a clock that is wrong makes no thousands.
    fn of(micros: i64) -> Self {
        let (year, month) = calendar(micros.div_euclid(DAY));
        let first = |year, month| days(year, month).saturating_mul(DAY);
        if year < 1970 {
            return Self {
                name: "before".to_owned(),
                from: "minvalue".to_owned(),
                to: first(1970, 1).to_string(),
            };
        }
        if year > 2199 {
            return Self {
                name: "after".to_owned(),
                from: first(2200, 1).to_string(),
                to: "maxvalue".to_owned(),
            };
        }
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        Self {
            name: format!("{year}_{month:02}"),
            from: first(year, month).to_string(),
            to: first(next_year, next_month).to_string(),
        }
    }
}

/// Year and month of a day that is counted from 1970-01-01: `civil_from_days` of Howard Hinnant's "chrono-Compatible
/// Low-Level Date Algorithms".
const fn calendar(day: i64) -> (i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let next = if month <= 2 { 1 } else { 0 };
    (year + era * 400 + next, month)
}

/// The day, counted from 1970-01-01, on which a month begins: `days_from_civil` of the same.
const fn days(year: i64, month: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let from_march = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * from_march + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The months that rows of a table fall into.
fn months(changes: &Changes) -> BTreeMap<String, Month> {
    let mut found = BTreeMap::new();
    let Rows::ByMonth(by) = changes.table.rows else {
        return found;
    };
    let Some(place) = changes.table.all().position(|column| column.name == by) else {
        return found;
    };
    // Rows come about in the order of time: most are of the month of the one before.
    let mut last = i64::MIN..i64::MIN;
    for row in &changes.rows {
        let Some(Value::Int(Some(micros))) = row.get(place) else {
            continue;
        };
        if last.contains(micros) {
            continue;
        }
        let month = Month::of(*micros);
        last = month.from.parse().unwrap_or(*micros)..month.to.parse().unwrap_or(*micros);
        found.insert(month.name.clone(), month);
    }
    found
}

impl Generation {
    /// Makes the partitions that the rows need, in the transaction that writes them. Returns those that nobody knew to be
    /// there: they are known once that is committed.
    ///
    /// A partition is made beside its table and attached, which keeps nobody from reading the table.
    pub(super) async fn make_room(&self, tx: &mut Tx, changes: &Changes) -> Result<Vec<String>, Fault> {
        let mut made = Vec::new();
        if self.dialect == Dialect::Sqlite {
            return Ok(made);
        }
        let parent = self.table(changes.table.name);
        for month in months(changes).into_values() {
            let partition = format!("{parent}_{}", month.name);
            if self.partitions.lock().contains(&partition) {
                continue;
            }
            let sql = "select count(*) as many from pg_class where oid = to_regclass($1)";
            let there = tx.fetch(sql, vec![partition.as_str().into()]).await?;
            if there.first().map_or(Ok(0), |row| row.int("many"))? == 0 {
                for sql in partition_of(&parent, &partition, &month) {
                    tx.execute(&sql, Vec::new()).await?;
                }
            }
            made.push(partition);
        }
        Ok(made)
    }
}

fn partition_of(parent: &str, partition: &str, month: &Month) -> [String; 2] {
    let Month { from, to, .. } = month;
    [
        format!("create table {partition} (like {parent})"),
        format!("alter table {parent} attach partition {partition} for values from ({from}) to ({to})"),
    ]
}

impl Table {
    /// What statistics its partitions need: few rows of each, since there are many.
    pub(super) const fn statistics(&self) -> Option<&'static str> {
        match self.rows {
            Rows::ByMonth(_) => Some("set local default_statistics_target = 3"),
            Rows::Changing | Rows::Lasting | Rows::Along(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_month_begins_where_the_one_before_ends() {
        let mut at = 0;
        let mut count = 0;
        while count < 230 * 12 {
            let month = Month::of(at);
            assert_eq!(month.from, at.to_string(), "{}", month.name);
            let next: i64 = month.to.parse().unwrap();
            assert_eq!(Month::of(next - 1), month);
            let length = (next - at) / DAY;
            assert!((28..=31).contains(&length), "{}: {length}", month.name);
            (at, count) = (next, count + 1);
        }
        assert_eq!(count, 230 * 12);
        assert_eq!(Month::of(at).to, "maxvalue", "from 2200 on");
    }

    #[test]
    fn months_are_those_of_the_calendar() {
        for (micros, name) in [
            (0, "1970_01"),
            (951_782_400_000_000, "2000_02"),
            (951_868_800_000_000 - 1, "2000_02"),
            (951_868_800_000_000, "2000_03"),
            (1_795_478_400_000_000, "2026_11"),
            (-1, "before"),
            (i64::MIN, "before"),
            (i64::MAX, "after"),
        ] {
            assert_eq!(Month::of(micros).name, name, "{micros}");
        }
    }
}
