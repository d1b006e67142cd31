use doorbook_domain::time::Timestamp;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _, postgres::PgRow, sqlite::SqliteRow};
use uuid::Uuid;

use super::Value;
use crate::{fault::Fault, table::Kind};

/// A row of an answer; its columns go by their names.
pub enum Row {
    /// From `SQLite`.
    Sqlite(SqliteRow),
    /// From `PostgreSQL`.
    Postgres(PgRow),
}

fn absent() -> Fault {
    Fault::plain("a column that must have a value is null")
}

impl Row {
    /// A text, where there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the answer has no such column or it holds something else.
    pub fn find_text(&self, column: &str) -> Result<Option<String>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A number, where there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the answer has no such column or it holds something else.
    pub fn find_int(&self, column: &str) -> Result<Option<i64>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// An instant, where there is one.
    ///
    /// # Errors
    ///
    /// As [`Row::find_int`].
    pub fn find_at(&self, column: &str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.find_int(column)?.map(Timestamp::from_micros))
    }

    /// An id, where there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the answer has no such column or it holds something else.
    pub fn find_id(&self, column: &str) -> Result<Option<Uuid>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A text.
    ///
    /// # Errors
    ///
    /// As [`Row::find_text`]; also when there is none.
    pub fn text(&self, column: &str) -> Result<String, Fault> {
        self.find_text(column)?.ok_or_else(absent)
    }

    /// A number.
    ///
    /// # Errors
    ///
    /// As [`Row::find_int`]; also when there is none.
    pub fn int(&self, column: &str) -> Result<i64, Fault> {
        self.find_int(column)?.ok_or_else(absent)
    }

    /// A number that is not negative.
    ///
    /// # Errors
    ///
    /// As [`Row::int`]; also when it is negative or too large.
    pub fn count<N: TryFrom<i64>>(&self, column: &str) -> Result<N, Fault> {
        N::try_from(self.int(column)?).map_err(|_| Fault::plain("a read model holds a number out of range"))
    }

    /// An instant.
    ///
    /// # Errors
    ///
    /// As [`Row::int`].
    pub fn at(&self, column: &str) -> Result<Timestamp, Fault> {
        Ok(Timestamp::from_micros(self.int(column)?))
    }

    /// An id.
    ///
    /// # Errors
    ///
    /// As [`Row::find_id`]; also when there is none.
    pub fn id(&self, column: &str) -> Result<Uuid, Fault> {
        self.find_id(column)?.ok_or_else(absent)
    }

    /// An id that stands as text, in a table that is no read model.
    ///
    /// # Errors
    ///
    /// As [`Row::text`]; also when the text is no id.
    pub fn id_in_text(&self, column: &str) -> Result<Uuid, Fault> {
        Uuid::parse_str(&self.text(column)?).map_err(Fault::because("a table holds a broken id"))
    }

    /// The value of a column of a known type.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the answer has no such column or it holds something else.
    pub fn value(&self, column: &str, kind: Kind) -> Result<Value, Fault> {
        Ok(match kind {
            Kind::Id => self.id_or_bytes(column)?,
            Kind::Text => Value::Text(self.find_text(column)?.map(Into::into)),
            Kind::Int => Value::Int(self.find_int(column)?),
            Kind::Blob => Value::Blob(self.find_blob(column)?.map(Into::into)),
        })
    }

    /// `SQLite` takes bytes and text for an id that are none: a verification names their row. sqlx takes the bytes of a text
    /// for an id, which no query would find.
    fn id_or_bytes(&self, column: &str) -> Result<Value, Fault> {
        if let Self::Sqlite(row) = self
            && row.try_get_raw(column)?.type_info().name() == "TEXT"
        {
            let text = self.find_blob(column)?;
            return Ok(Value::Text(text.map(|text| String::from_utf8_lossy(&text).into())));
        }
        self.find_id(column).map(Value::Id).or_else(|fault| {
            let bytes = self.find_blob(column).map_err(|_| fault)?;
            Ok(Value::Blob(bytes.map(Into::into)))
        })
    }

    fn find_blob(&self, column: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
