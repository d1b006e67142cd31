use sqlx::{Postgres, Sqlite, postgres::PgArguments, query, query::Query, sqlite::SqliteArguments};

use super::Value;

/// A statement for `SQLite`.
pub(super) fn sqlite(sql: &str, values: Vec<Value>) -> Query<'_, Sqlite, SqliteArguments<'_>> {
    values.into_iter().fold(query(sql), |query, value| match value {
        Value::Id(id) => query.bind(id),
        Value::Text(text) => query.bind(text.map(String::from)),
        Value::Int(int) => query.bind(int),
        Value::Blob(blob) => query.bind(blob.map(Vec::from)),
    })
}

/// A statement for `PostgreSQL`.
pub(super) fn postgres(sql: &str, values: Vec<Value>) -> Query<'_, Postgres, PgArguments> {
    values.into_iter().fold(query(sql), |query, value| match value {
        Value::Id(id) => query.bind(id),
        Value::Text(text) => query.bind(text.map(String::from)),
        Value::Int(int) => query.bind(int),
        Value::Blob(blob) => query.bind(blob.map(Vec::from)),
    })
}
