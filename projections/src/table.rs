//! The tables of a projection, and the SQL that follows from their form.

use std::fmt::Write as _;

use crate::db::Value;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A UUID, compared byte by byte.
    Id,
    /// UTF-8, compared byte by byte.
    Text,
    /// 64 bits; instants are microseconds since 1970.
    Int,
    /// Bytes.
    Blob,
}

impl Kind {
    /// The NULL of this type.
    #[must_use]
    pub const fn null(self) -> Value {
        match self {
            Self::Id => Value::Id(None),
            Self::Text => Value::Text(None),
            Self::Int => Value::Int(None),
            Self::Blob => Value::Blob(None),
        }
    }
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
}

/// A column of ids.
#[must_use]
pub const fn id(name: &'static str) -> Column {
    Column { name, kind: Kind::Id }
}

/// A column of text.
#[must_use]
pub const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

/// A column of numbers or instants.
#[must_use]
pub const fn int(name: &'static str) -> Column {
    Column { name, kind: Kind::Int }
}

/// A column of bytes.
#[must_use]
pub const fn blob(name: &'static str) -> Column {
    Column { name, kind: Kind::Blob }
}

/// An index, made after a bulk load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Index {
    /// What follows the table's name in the index's own.
    pub name: &'static str,
    /// The columns with their directions; behind ` where `, which rows it has: `user_id, at desc where user_id is not null`.
    pub on: &'static str,
}

impl Index {
    /// The statement that makes it on `table`, whose bare name is `bare`.
    pub(crate) fn create(&self, bare: &str, table: &str) -> String {
        let (columns, only) = self.on.split_once(" where ").unwrap_or((self.on, ""));
        let only = if only.is_empty() {
            String::new()
        } else {
            format!(" where {only}")
        };
        format!("create index {bare}_{} on {table} ({columns}){only}", self.name)
    }
}

/// A table: the columns of its key, which are never NULL, and the others, which begin as NULL.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name, without its generation.
    pub name: &'static str,
    /// What identifies a row.
    pub key: &'static [Column],
    /// What else is known of it.
    pub columns: &'static [Column],
    /// What its queries need.
    pub indices: &'static [Index],
    /// How its rows come about.
    pub rows: Rows,
}

/// How the rows of a table come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Several events write to a row, or may.
    Changing,
    /// One event makes a row (`Patches::new_row`), and nothing changes it. `PostgreSQL` sorts the key of such a table once,
    /// after a bulk load.
    Lasting,
    /// As those that last; they lie apart on `PostgreSQL` by the month of this instant of the key: for a table that grows for
    /// ever and is read by time. Indices have about the same size whatever its age.
    ByMonth(&'static str),
    /// Several events write the same row, and nothing changes it. This number of the key is a position in the log, at most
    /// that of the events: a row beyond what was read before is new.
    Along(&'static str),
}

impl Rows {
    /// Whether one event makes a row.
    pub(crate) const fn lasts(self) -> bool {
        match self {
            Self::Lasting | Self::ByMonth(_) => true,
            Self::Changing | Self::Along(_) => false,
        }
    }
}

/// How a database names things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    const fn kind(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::Postgres, Kind::Id) => "uuid",
            (Self::Sqlite, Kind::Text) => "text",
            (Self::Postgres, Kind::Text) => "text collate \"C\"",
            (_, Kind::Int) => "bigint",
            (Self::Sqlite, Kind::Id | Kind::Blob) => "blob",
            (Self::Postgres, Kind::Blob) => "bytea",
        }
    }

    /// The rows of `select` for each of the values, which it writes where it needs it. `PostgreSQL` plans such a walk once,
    /// however many values there are: that takes a while where a table has many partitions.
    pub(crate) fn for_each(self, values: &[String], select: &dyn Fn(&str) -> String) -> String {
        match self {
            Self::Sqlite => {
                let selects: Vec<String> = values
                    .iter()
                    .map(|value| format!("select * from ({}) w", select(value)))
                    .collect();
                selects.join(" union all ")
            }
            Self::Postgres => format!(
                "select w.* from (values ({})) v (value) cross join lateral ({}) w",
                values.join("), ("),
                select("v.value")
            ),
        }
    }

    /// `SQLite` finds the name of a named parameter by a linear search: generated statements, which have hundreds, do
    /// without names there.
    fn parameter(self, number: usize, sql: &mut String) {
        match self {
            Self::Sqlite => sql.push('?'),
            Self::Postgres => write!(sql, "${number}").unwrap_or_default(),
        }
    }
}

impl Table {
    /// Key and columns.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Column> {
        self.key.iter().chain(self.columns)
    }

    /// How many columns there are, those of the key included.
    pub(crate) const fn width(&self) -> usize {
        self.key.len() + self.columns.len()
    }

    /// The names of the columns, those of the key first.
    pub(crate) fn names(&self) -> String {
        list(self.all())
    }

    /// The names of the columns of the key.
    pub(crate) fn key_names(&self) -> String {
        list(self.key.iter())
    }

    pub(crate) fn create(&self, table: &str, dialect: Dialect) -> String {
        let mut sql = format!("create table {table} (");
        for column in self.key {
            write!(sql, "{} {} not null, ", column.name, dialect.kind(column.kind)).unwrap_or_default();
        }
        for column in self.columns {
            write!(sql, "{} {}, ", column.name, dialect.kind(column.kind)).unwrap_or_default();
        }
        if self.late_key(table, dialect).is_some() {
            sql.truncate(sql.trim_end_matches(", ").len());
        } else {
            write!(sql, "primary key ({})", self.key_names()).unwrap_or_default();
        }
        sql.push(')');
        match (dialect, self.rows) {
            (Dialect::Sqlite, _) => sql.push_str(" without rowid"),
            // Room on the page keeps an update away from the indices.
            (Dialect::Postgres, Rows::Changing) => sql.push_str(" with (fillfactor = 70)"),
            (Dialect::Postgres, Rows::Lasting | Rows::Along(_)) => {}
            (Dialect::Postgres, Rows::ByMonth(column)) => {
                write!(sql, " partition by range ({column})").unwrap_or_default();
            }
        }
        sql
    }

    /// The statement that makes the key of `table` after a bulk load, where [`Self::create`] has not made it.
    pub(crate) fn late_key(&self, table: &str, dialect: Dialect) -> Option<String> {
        let late = dialect == Dialect::Postgres && self.rows.lasts();
        late.then(|| format!("alter table {table} add primary key ({})", self.key_names()))
    }

    /// The statement that leaves of several loaded rows with one key one: the one that lies last, which is the latest, since a
    /// load on `PostgreSQL` appends, unless a vacuum came in between.
    pub(crate) fn keep_last(&self, table: &str) -> String {
        let same: Vec<_> = self
            .key
            .iter()
            .map(|Column { name, .. }| format!("a.{name} = b.{name}"))
            .collect();
        format!(
            "delete from {table} a using {table} b where {} and a.ctid < b.ctid",
            same.join(" and ")
        )
    }

    /// An upsert of `rows` rows: the last value that is not NULL wins.
    pub(crate) fn upsert(&self, table: &str, rows: usize, dialect: Dialect) -> String {
        let mut sql = format!("insert into {table} ({}) values ", self.names());
        let mut number = 0;
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.width() {
                if column > 0 {
                    sql.push_str(", ");
                }
                number += 1;
                dialect.parameter(number, &mut sql);
            }
            sql.push(')');
        }
        sql.push_str(&self.on_conflict(table));
        sql
    }

    /// What an upsert does with a row that is there already.
    pub(crate) fn on_conflict(&self, table: &str) -> String {
        let bare = table.rsplit('.').next().unwrap_or(table);
        let set: Vec<String> = self
            .columns
            .iter()
            .map(|Column { name, .. }| format!("{name} = coalesce(excluded.{name}, {bare}.{name})"))
            .collect();
        let action = if set.is_empty() {
            "nothing".to_owned()
        } else {
            format!("update set {}", set.join(", "))
        };
        format!(" on conflict ({}) do {action}", self.key_names())
    }
}

fn list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    let names: Vec<&str> = columns.map(|column| column.name).collect();
    names.join(", ")
}
