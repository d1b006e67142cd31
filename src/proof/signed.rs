//! The table of signed checkpoints: for lists, and for the way elsewhere.

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;

use super::{
    checkpoint::Checkpoint,
    hash::TreeHash,
    tree::{Tree, signed, unsigned},
};
use crate::sql::{on_pool, on_tx};

/// A checkpoint that was signed here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// Its number, from 1.
    pub id: u64,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// How it says it.
    pub note: String,
    /// Whether it has left for `audit.checkpoint_url`.
    pub sent: bool,
}

/// id, origin, size, root, instant, note, sent.
type Row = (i64, String, i64, Vec<u8>, i64, String, i64);

const COLUMNS: &str = "id, origin, size, root, at, note, sent";

impl Tree {
    /// Keeps a checkpoint.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn keep(&self, checkpoint: &Checkpoint, note: &str, sent: bool) -> Result<(), Fault> {
        let query = "insert into checkpoints (id, origin, size, root, at, note, sent) \
            select coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6 from checkpoints";
        let (size, sent) = (signed(checkpoint.size)?, i64::from(sent));
        let mut tx = self.pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(&checkpoint.origin).bind(size)
            .bind(checkpoint.root.bytes().as_slice()).bind(checkpoint.at.micros()).bind(note).bind(sent)
            .execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// At most `limit` checkpoints before number `before`, newest first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn checkpoints(&self, before: u64, limit: u32) -> Result<Vec<SignedCheckpoint>, Fault> {
        let query = format!("select {COLUMNS} from checkpoints where id < $1 order by id desc limit $2");
        let (before, limit) = (i64::try_from(before).unwrap_or(i64::MAX), i64::from(limit));
        let rows: Vec<Row> = on_pool!(self.pool(), db => sqlx::query_as(&query).bind(before).bind(limit)
            .fetch_all(db).await)?;
        rows.into_iter().map(read).collect()
    }

    /// The last checkpoint.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn last_checkpoint(&self) -> Result<Option<SignedCheckpoint>, Fault> {
        Ok(self.checkpoints(u64::MAX, 1).await?.into_iter().next())
    }

    /// The oldest checkpoint that has not left.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn unsent(&self) -> Result<Option<SignedCheckpoint>, Fault> {
        let query = format!("select {COLUMNS} from checkpoints where sent = 0 order by id limit 1");
        let row: Option<Row> = on_pool!(self.pool(), db => sqlx::query_as(&query).fetch_optional(db).await)?;
        row.map(read).transpose()
    }

    /// How many have not left.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn count_unsent(&self) -> Result<u64, Fault> {
        let query = "select count(*) from checkpoints where sent = 0";
        unsigned(on_pool!(self.pool(), db => sqlx::query_scalar(query).fetch_one(db).await)?)
    }

    /// Notes that a checkpoint has left.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn mark_sent(&self, id: u64) -> Result<(), Fault> {
        let query = "update checkpoints set sent = 1 where id = $1";
        let id = signed(id)?;
        let mut tx = self.pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(id).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }
}

fn read((id, origin, size, root, at, note, sent): Row) -> Result<SignedCheckpoint, Fault> {
    let root = <[u8; TreeHash::BYTES]>::try_from(root.as_slice());
    Ok(SignedCheckpoint {
        id: unsigned(id)?,
        checkpoint: Checkpoint {
            origin,
            size: unsigned(size)?,
            root: TreeHash::new(root.map_err(Fault::because("a stored root is not 32 bytes long"))?),
            at: Timestamp::from_micros(at),
        },
        note,
        sent: sent != 0,
    })
}
