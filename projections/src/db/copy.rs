use super::{Tx, Value};
use crate::{fault::Fault, log::Position, patch::Changes};

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What COPY's binary format begins with: a signature, no flags, and no extension (PostgreSQL 15, "COPY", "File Formats").
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The length of a NULL.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();

impl Tx {
    /// Upserts many rows on `PostgreSQL`: new ones by COPY, others by COPY into a table of this connection and one merge.
    /// Measured several times as fast as statements with parameters. The log was read up to `from` before.
    pub(crate) async fn merge(&mut self, name: &str, changes: Changes, from: Position) -> Result<(), Fault> {
        let table = changes.table;
        let names = table.names();
        let (new, old) = changes.split_new(from);
        if !new.is_empty() {
            self.copy(name, &names, new).await?;
        }
        if old.is_empty() {
            return Ok(());
        }
        let stage = format!("stage_{}", table.name);
        let create = format!("create temp table if not exists {stage} (like {name}) on commit delete rows");
        self.execute(&create, Vec::new()).await?;
        self.copy(&format!("pg_temp.{stage}"), &names, old).await?;
        let on_conflict = table.on_conflict(name);
        let merge = format!("insert into {name} ({names}) select {names} from pg_temp.{stage}{on_conflict}");
        self.execute(&merge, Vec::new()).await.map(drop)
    }

    async fn copy(&mut self, into: &str, names: &str, rows: Vec<Vec<Value>>) -> Result<(), Fault> {
        let Self::Postgres(tx) = self else {
            return Err(Fault::plain("only PostgreSQL has COPY"));
        };
        let sql = format!("copy {into} ({names}) from stdin (format binary)");
        let mut copy = tx.copy_in_raw(&sql).await?;
        let mut bytes = Vec::with_capacity(CHUNK_BYTES + 4096);
        bytes.extend_from_slice(HEADER);
        for row in rows {
            tuple(&row, &mut bytes)?;
            if bytes.len() >= CHUNK_BYTES {
                copy.send(bytes.as_slice()).await?;
                bytes.clear();
            }
        }
        bytes.extend_from_slice(&TRAILER);
        copy.send(bytes.as_slice()).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// A row in COPY's binary format, whose values are those of the wire protocol: the server need not parse them.
///
/// # Errors
///
/// [`Fault`] of a row or a value that is larger than the format allows.
fn tuple(row: &[Value], bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let fields = i16::try_from(row.len()).map_err(Fault::because("a row has too many columns"))?;
    bytes.extend_from_slice(&fields.to_be_bytes());
    for value in row {
        match value {
            Value::Id(Some(id)) => field(id.as_bytes(), bytes)?,
            Value::Text(Some(text)) => field(text.as_bytes(), bytes)?,
            Value::Int(Some(int)) => field(&int.to_be_bytes(), bytes)?,
            Value::Blob(Some(blob)) => field(blob, bytes)?,
            Value::Id(None) | Value::Text(None) | Value::Int(None) | Value::Blob(None) => {
                bytes.extend_from_slice(&NULL);
            }
        }
    }
    Ok(())
}

fn field(value: &[u8], bytes: &mut Vec<u8>) -> Result<(), Fault> {
    let length = i32::try_from(value.len()).map_err(Fault::because("a value is too large"))?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// The example of PostgreSQL's "File Formats": a count of fields, and of each its length and its bytes; -1 is a NULL.
    #[test]
    fn tuple_has_lengths_and_bytes() {
        let row = [
            Value::from("t\tä"),
            Value::from(""),
            Value::Text(None),
            Value::from(i64::MIN),
            Value::Blob(Some([0, 255].into())),
            Value::from(Uuid::from_u128(7)),
        ];
        let mut bytes = Vec::new();
        tuple(&row, &mut bytes).unwrap();
        let expected: [&[u8]; 7] = [
            &[0, 6],
            &[0, 0, 0, 4, b't', b'\t', 0xc3, 0xa4],
            &[0, 0, 0, 0],
            &[255, 255, 255, 255],
            &[0, 0, 0, 8, 128, 0, 0, 0, 0, 0, 0, 0],
            &[0, 0, 0, 2, 0, 255],
            &[0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn header_is_a_signature_and_two_numbers() {
        assert_eq!(HEADER.len(), 11 + 4 + 4);
    }
}
