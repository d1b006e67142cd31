//! What events change: columns of rows.

use std::{hash::BuildHasher as _, iter};

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::{
    db::Value,
    fault::Fault,
    log::{Position, Recorded},
    table::{Rows, Table},
};

/// What a batch of events changes, merged per row: the last value that is not NULL wins.
pub struct Patches {
    tables: Vec<Changes>,
    misuse: Option<&'static str>,
    hasher: DefaultHashBuilder,
}

/// What changes in one table. Rows stand in the order in which they were first touched.
pub(crate) struct Changes {
    pub(crate) table: &'static Table,
    pub(crate) rows: Vec<Vec<Value>>,
    /// Which rows came to be in this batch. Shorter than `rows` where the last ones did not.
    pub(crate) born: Vec<bool>,
    index: HashTable<usize>,
}

/// The change of one row.
pub struct RowPatch<'a> {
    table: Option<&'static Table>,
    row: &'a mut [Value],
    misuse: &'a mut Option<&'static str>,
}

impl Patches {
    /// No change yet.
    #[must_use]
    pub fn new(tables: &'static [Table]) -> Self {
        let tables = tables.iter().map(|table| Changes {
            table,
            rows: Vec::new(),
            born: Vec::new(),
            index: HashTable::new(),
        });
        Self {
            tables: tables.collect(),
            misuse: None,
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// The row of `table` under `key`, which comes to be if it is not there.
    pub fn row<const KEY: usize>(&mut self, table: &'static Table, key: [Value; KEY]) -> RowPatch<'_> {
        self.touch(table, key, false)
    }

    /// The row of `table` under `key`, which no earlier event of the log has touched. A bulk load need not look for it.
    pub fn new_row<const KEY: usize>(&mut self, table: &'static Table, key: [Value; KEY]) -> RowPatch<'_> {
        self.touch(table, key, true)
    }

    /// The row under `key`, which stands for the stream of `recorded`: it is new when the stream is.
    pub fn row_of<const KEY: usize>(
        &mut self,
        recorded: &Recorded,
        table: &'static Table,
        key: [Value; KEY],
    ) -> RowPatch<'_> {
        self.touch(table, key, recorded.sequence == 1)
    }

    fn touch<const KEY: usize>(&mut self, table: &'static Table, key: [Value; KEY], born: bool) -> RowPatch<'_> {
        let known = self.tables.iter_mut().find(|changes| changes.table.name == table.name);
        let is_allowed = born || !table.rows.lasts();
        let Some(changes) = known.filter(|_| is_allowed && table.key.len() == KEY) else {
            self.misuse.get_or_insert(table.name);
            return RowPatch {
                table: None,
                row: &mut [],
                misuse: &mut self.misuse,
            };
        };
        RowPatch {
            table: Some(table),
            row: changes.row(&self.hasher, key, born),
            misuse: &mut self.misuse,
        }
    }

    /// Takes the changes out, and leaves room for as many.
    pub(crate) fn take(&mut self) -> Self {
        let tables = self.tables.iter().map(|changes| Changes {
            table: changes.table,
            rows: Vec::with_capacity(changes.rows.len()),
            born: Vec::with_capacity(changes.born.len()),
            index: HashTable::with_capacity(changes.rows.len()),
        });
        let empty = Self {
            tables: tables.collect(),
            misuse: None,
            hasher: self.hasher.clone(),
        };
        std::mem::replace(self, empty)
    }

    /// How many rows change.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tables.iter().map(|changes| changes.rows.len()).sum()
    }

    /// The changes, table by table.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the projection named a table or a column that it does not have, or gave a value of another type.
    pub(crate) fn into_tables(self) -> Result<Vec<Changes>, Fault> {
        match self.misuse {
            None => Ok(self.tables),
            Some(name) => Err(Fault::new("a projection does not keep to the form of its tables", name)),
        }
    }
}

impl Changes {
    /// The rows that nobody has written when the log was read up to `from`, and the others.
    pub(crate) fn split_new(self, from: Position) -> (Vec<Vec<Value>>, Vec<Vec<Value>>) {
        let Self { table, rows, born, .. } = self;
        if let Rows::Along(by) = table.rows {
            let place = table.key.iter().position(|column| column.name == by);
            let read: Value = from.number().into();
            let is_new = |row: &Vec<Value>| place.and_then(|place| row.get(place)).is_some_and(|at| *at > read);
            return rows.into_iter().partition(is_new);
        }
        let born = born.into_iter().chain(iter::repeat(false));
        let (mut new, mut old) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, born) in rows.into_iter().zip(born) {
            if born { &mut new } else { &mut old }.push(row);
        }
        (new, old)
    }

    fn row<const KEY: usize>(&mut self, hasher: &DefaultHashBuilder, key: [Value; KEY], is_new: bool) -> &mut [Value] {
        let Self {
            table,
            rows,
            born,
            index,
        } = self;
        let hash = hasher.hash_one(&key);
        let found = index.find(hash, |&at| rows.get(at).is_some_and(|row| row.starts_with(&key)));
        let at = found.copied().unwrap_or_else(|| {
            let at = rows.len();
            let mut row = Vec::with_capacity(table.width());
            row.extend(key);
            row.extend(table.columns.iter().map(|column| column.kind.null()));
            rows.push(row);
            if is_new {
                born.resize(at, false);
                born.push(true);
            }
            index.insert_unique(hash, at, |&at| {
                let key: Option<&[Value; KEY]> = rows.get(at).and_then(|row| row.first_chunk());
                key.map_or(0, |key| hasher.hash_one(key))
            });
            at
        });
        rows.get_mut(at).map_or(&mut [], Vec::as_mut_slice)
    }
}

impl RowPatch<'_> {
    /// Sets a column. NULL leaves it as it is: what is to go away needs a value that says so.
    #[must_use = "`set` is to be chained or ended with `done`"]
    pub fn set(self, column: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        let Some(table) = self.table else { return self };
        let at = table.columns.iter().position(|known| known.name == column);
        let cell = at.and_then(|at| self.row.get_mut(table.key.len() + at));
        match cell.filter(|cell| cell.is_like(&value)) {
            Some(cell) if !value.is_null() => *cell = value,
            Some(_) => {}
            None => {
                self.misuse.get_or_insert(column);
            }
        }
        self
    }

    /// Ends the chain.
    pub fn done(self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::int;

    const fn notes(rows: Rows) -> Table {
        Table {
            name: "notes",
            key: const { &[int("topic"), int("position")] },
            columns: &[],
            indices: &[],
            rows,
        }
    }

    static NOTES: [Table; 1] = [notes(Rows::Lasting)];
    static BLOCKS: [Table; 1] = [notes(Rows::Along("position"))];

    fn key(topic: u64, position: u64) -> [Value; 2] {
        [topic.into(), position.into()]
    }

    #[test]
    fn row_along_the_log_is_new_beyond_what_was_read() {
        let mut patches = Patches::new(&BLOCKS);
        for position in [64, 64, 128, 192] {
            patches.row(&BLOCKS[0], key(1000, position)).done();
        }
        let mut tables = patches.into_tables().unwrap();
        let (new, old) = tables.remove(0).split_new(Position::new(128));
        assert_eq!(new, [key(1000, 192)]);
        assert_eq!(old, [key(1000, 64), key(1000, 128)]);
    }

    #[test]
    fn changes_are_taken_out_once() {
        let mut patches = Patches::new(&NOTES);
        patches.new_row(&NOTES[0], key(1, 1)).done();
        assert_eq!(patches.take().rows(), 1);
        assert_eq!(patches.rows(), 0);
        patches.new_row(&NOTES[0], key(1, 2)).done();
        let (new, old) = patches
            .take()
            .into_tables()
            .unwrap()
            .remove(0)
            .split_new(Position::START);
        assert_eq!((new, old.len()), (vec![key(1, 2).to_vec()], 0));
    }

    #[test]
    fn row_that_lasts_is_only_ever_made() {
        let mut made = Patches::new(&NOTES);
        made.new_row(&NOTES[0], key(1, 1)).done();
        assert_eq!(made.into_tables().map(|tables| tables.len()).unwrap(), 1);

        let mut changed = Patches::new(&NOTES);
        changed.row(&NOTES[0], key(1, 1)).done();
        assert!(changed.into_tables().is_err(), "its key may not be there yet");
    }
}
