use std::fmt::Write as _;

use super::{Tx, Value};
use crate::{fault::Fault, patch::Changes};

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 256 * 1024;

impl Tx {
    /// Upserts many rows on `PostgreSQL`: new ones by COPY, others by COPY into a table of this connection and one merge.
    /// Measured several times as fast as statements with parameters.
    pub(crate) async fn merge(&mut self, name: &str, changes: Changes) -> Result<(), Fault> {
        let Changes { table, rows, born, .. } = changes;
        let born = born.into_iter().chain(std::iter::repeat(false));
        let (new, old): (Vec<_>, Vec<_>) = rows.into_iter().zip(born).partition(|&(_, born)| born);
        let names = table.names();
        if !new.is_empty() {
            self.copy(&format!("copy {name} ({names}) from stdin"), new).await?;
        }
        if old.is_empty() {
            return Ok(());
        }
        let stage = format!("stage_{}", table.name);
        let create = format!("create temp table if not exists {stage} (like {name}) on commit delete rows");
        self.execute(&create, Vec::new()).await?;
        self.copy(&format!("copy pg_temp.{stage} ({names}) from stdin"), old)
            .await?;
        let on_conflict = table.on_conflict(name);
        let merge = format!("insert into {name} ({names}) select {names} from pg_temp.{stage}{on_conflict}");
        self.execute(&merge, Vec::new()).await.map(drop)
    }

    async fn copy(&mut self, sql: &str, rows: Vec<(Vec<Value>, bool)>) -> Result<(), Fault> {
        let Self::Postgres(tx) = self else {
            return Err(Fault::plain("only PostgreSQL has COPY"));
        };
        let mut copy = tx.copy_in_raw(sql).await?;
        let mut text = String::with_capacity(CHUNK_BYTES + 4096);
        for (row, _) in rows {
            line(&row, &mut text);
            if text.len() >= CHUNK_BYTES {
                copy.send(text.as_bytes()).await?;
                text.clear();
            }
        }
        copy.send(text.as_bytes()).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// A row in the text format of COPY.
fn line(row: &[Value], text: &mut String) {
    for (at, value) in row.iter().enumerate() {
        if at > 0 {
            text.push('\t');
        }
        match value {
            Value::Text(None) | Value::Int(None) | Value::Blob(None) => text.push_str("\\N"),
            Value::Text(Some(value)) => escape(value, text),
            Value::Int(Some(value)) => write!(text, "{value}").unwrap_or_default(),
            Value::Blob(Some(value)) => {
                text.push_str("\\\\x");
                text.extend(value.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex));
            }
        }
    }
    text.push('\n');
}

/// A digit of 16.
fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0')
}

fn escape(value: &str, text: &mut String) {
    let mut rest = value;
    while let Some((plain, tail)) = rest.find(['\\', '\t', '\n', '\r']).map(|at| rest.split_at(at)) {
        text.push_str(plain);
        let mut tail = tail.chars();
        text.push_str(match tail.next() {
            Some('\t') => "\\t",
            Some('\n') => "\\n",
            Some('\r') => "\\r",
            _ => "\\\\",
        });
        rest = tail.as_str();
    }
    text.push_str(rest);
}
