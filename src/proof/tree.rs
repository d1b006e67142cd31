//! The stored tree: tiles, how far they go, and what is computed from them.

use std::{collections::BTreeMap, ops::Range};

use doorbook_projections::fault::Fault;
use sqlx::migrate::Migrator;
use uuid::Uuid;

use super::{
    hash::TreeHash,
    shape::{self, Block},
    tile::{self, Edge, TileId, WIDTH},
};
use crate::{
    config,
    sql::{Pool, Shape, Tx, on_pool, on_tx},
};

static SQLITE: Migrator = sqlx::migrate!("migrations/proof_sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/proof_postgres");
/// What a crash loses of the tree is made anew from the log.
const SHAPE: Shape = Shape {
    schema: "doorbook_proof",
    durable: false,
    zeroes: false,
    connections: 4,
    readers: 4,
};

/// The tree that is stored.
pub struct Tree {
    pool: Pool,
}

/// Which tree it is, and how far it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The log that it is of.
    pub log: Uuid,
    /// Names the tree in checkpoints.
    pub origin: String,
    /// How many events it holds: the position of the last one.
    pub size: u64,
}

/// Tiles in memory.
pub(super) type Tiles = BTreeMap<TileId, Vec<TreeHash>>;

impl Tree {
    /// Opens the database of the tree and brings its tables to this program's version.
    ///
    /// # Errors
    ///
    /// [`Fault`] when it cannot be opened.
    pub async fn open(database: &config::Database) -> Result<Self, Fault> {
        let pool = Pool::connect(database, &SHAPE).await?;
        pool.migrate(&SQLITE, &POSTGRES)
            .await
            .map_err(Fault::because("the tables of the tree cannot be made"))?;
        Ok(Self { pool })
    }

    /// Which tree it is; `None` while none was begun.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn state(&self) -> Result<Option<State>, Fault> {
        let query = "select log, origin, size from tree where single = 1";
        let row: Option<(String, String, i64)> =
            on_pool!(&self.pool, db => sqlx::query_as(query).fetch_optional(db).await)?;
        let Some((log, origin, size)) = row else {
            return Ok(None);
        };
        Ok(Some(State {
            log: Uuid::parse_str(&log).map_err(Fault::because("the tree names no log"))?,
            origin,
            size: unsigned(size)?,
        }))
    }

    /// Begins a tree without leaves, unless there is one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn begin(&self, log: Uuid, origin: &str) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        begin(&mut tx, log, origin).await?;
        Ok(tx.commit().await?)
    }

    /// Forgets the tree and begins another of its own name: the log is an earlier one than it was made of. Checkpoints stay.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn begin_anew(&self, log: Uuid, origin: &str) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        for query in ["delete from tiles", "delete from tree"] {
            on_tx!(&mut tx, db => sqlx::query(query).execute(db).await.map(drop))?;
        }
        begin(&mut tx, log, origin).await?;
        Ok(tx.commit().await?)
    }

    /// Adds leaves to the tree as it stands at `size`, and says how many it has then. `None` when another process was faster:
    /// nothing is added then.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails, or lacks a tile.
    pub async fn append(&self, size: u64, leaves: &[TreeHash]) -> Result<Option<u64>, Fault> {
        let stored = self.tiles(Edge::of(size)).await?;
        let edge = Edge::new(size, |id| stored.get(&id).cloned());
        let mut edge = edge.ok_or(Fault::plain(INCOMPLETE))?;
        for leaf in leaves {
            edge.push(*leaf);
        }
        let (after, changed) = edge.finish();
        let mut tx = self.pool.begin().await?;
        let query = "update tree set size = $1 where single = 1 and size = $2";
        let (old, new) = (signed(size)?, signed(after)?);
        let moved = on_tx!(&mut tx, db => sqlx::query(query).bind(new).bind(old).execute(db).await
            .map(|done| done.rows_affected()))?;
        if moved == 0 {
            return Ok(None);
        }
        for (id, hashes) in &changed {
            put(&mut tx, *id, hashes).await?;
        }
        tx.commit().await?;
        Ok(Some(after))
    }

    /// The root of the first `size` leaves, which must be there.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails, or lacks a tile.
    pub async fn root(&self, size: u64) -> Result<TreeHash, Fault> {
        if size == 0 {
            return Ok(TreeHash::of_nothing());
        }
        let spans = self.spans(std::iter::once(0..size).collect()).await?;
        spans.first().copied().ok_or(Fault::plain(INCOMPLETE))
    }

    /// The proof that leaf `index` is in the tree of `size` leaves, from the leaf's sibling up.
    ///
    /// # Errors
    ///
    /// As of [`Self::root`].
    pub async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<TreeHash>, Fault> {
        self.spans(shape::inclusion(index, size)).await
    }

    /// The proof that the tree of `old` leaves is the beginning of that of `new`.
    ///
    /// # Errors
    ///
    /// As of [`Self::root`].
    pub async fn consistency(&self, old: u64, new: u64) -> Result<Vec<TreeHash>, Fault> {
        self.spans(shape::consistency(old, new)).await
    }

    /// The perfect subtrees that leaves `span` are made of, from left to right.
    ///
    /// # Errors
    ///
    /// As of [`Self::root`].
    pub async fn blocks(&self, span: Range<u64>) -> Result<Vec<(Block, TreeHash)>, Fault> {
        let blocks = shape::blocks(span);
        let tiles = self.tiles(places(&blocks)).await?;
        let hash = |block: Block| Ok((block, of_block(&tiles, block)?));
        blocks.into_iter().map(hash).collect()
    }

    /// Leaves `from..`, at most those of 64 tiles; those before the first one that is missing.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn leaves(&self, from: u64) -> Result<Vec<TreeHash>, Fault> {
        let first = from / WIDTH;
        let query = "select number, hashes from tiles where level = 0 and number >= $1 order by number limit 64";
        let first_stored = signed(first)?;
        let rows: Vec<(i64, Vec<u8>)> =
            on_pool!(&self.pool, db => sqlx::query_as(query).bind(first_stored).fetch_all(db).await)?;
        let mut leaves = Vec::new();
        for (expected, (number, hashes)) in (first..).zip(rows) {
            // A tile that is not full ends the tree.
            let before = (expected - first) * WIDTH;
            let whole = u64::try_from(leaves.len()).is_ok_and(|count| count == before);
            let Ok(hashes) = TreeHash::many(&hashes) else { break };
            if !whole || signed(expected)? != number {
                break;
            }
            leaves.extend(hashes);
        }
        let skip = usize::try_from(from % WIDTH).unwrap_or_default();
        Ok(leaves.into_iter().skip(skip).collect())
    }

    /// For statements of the checkpoints, which have a file of their own.
    pub(super) const fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Ends the connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn spans(&self, spans: Vec<Range<u64>>) -> Result<Vec<TreeHash>, Fault> {
        let spans: Vec<Vec<Block>> = spans.into_iter().map(shape::blocks).collect();
        let needed = spans.iter().flat_map(|blocks| places(blocks)).collect();
        let tiles = self.tiles(needed).await?;
        let root = |blocks: &Vec<Block>| {
            let hashes = blocks.iter().map(|block| of_block(&tiles, *block));
            let hashes = hashes.collect::<Result<Vec<_>, Fault>>()?;
            shape::join(hashes.into_iter()).ok_or(Fault::plain(INCOMPLETE))
        };
        spans.iter().map(root).collect()
    }

    async fn tiles(&self, ids: Vec<TileId>) -> Result<Tiles, Fault> {
        let query = "select hashes from tiles where level = $1 and number = $2";
        let mut tiles = Tiles::new();
        for id in ids {
            if tiles.contains_key(&id) {
                continue;
            }
            let (level, number) = (i64::from(id.level), signed(id.number)?);
            let hashes: Option<Vec<u8>> = on_pool!(&self.pool, db => sqlx::query_scalar(query).bind(level).bind(number)
                .fetch_optional(db).await)?;
            if let Some(hashes) = hashes {
                tiles.insert(id, TreeHash::many(&hashes)?);
            }
        }
        Ok(tiles)
    }
}

const INCOMPLETE: &str = "a part of the stored tree is missing: `doorbook audit rebuild` makes it anew from the log";

/// Whether the fault says that what is stored of the tree is not whole.
#[must_use]
pub fn is_incomplete(fault: &Fault) -> bool {
    [INCOMPLETE, super::hash::CUT_OFF].contains(&fault.to_string().as_str())
}

async fn begin(tx: &mut Tx, log: Uuid, origin: &str) -> Result<(), Fault> {
    let query = "insert into tree (single, log, origin, size) values (1, $1, $2, 0) on conflict (single) do nothing";
    on_tx!(tx, db => sqlx::query(query).bind(log.to_string()).bind(origin).execute(db).await.map(drop))?;
    Ok(())
}

async fn put(tx: &mut Tx, id: TileId, hashes: &[TreeHash]) -> Result<(), Fault> {
    let query = "insert into tiles (level, number, hashes) values ($1, $2, $3) \
        on conflict (level, number) do update set hashes = excluded.hashes";
    let (level, number) = (i64::from(id.level), signed(id.number)?);
    let bytes: Vec<u8> = hashes.iter().flat_map(TreeHash::bytes).copied().collect();
    on_tx!(tx, db => sqlx::query(query).bind(level).bind(number).bind(bytes).execute(db).await.map(drop))?;
    Ok(())
}

fn places(blocks: &[Block]) -> Vec<TileId> {
    blocks.iter().map(|block| tile::place(*block).0).collect()
}

fn of_block(tiles: &Tiles, block: Block) -> Result<TreeHash, Fault> {
    let (id, start, count) = tile::place(block);
    let hashes = tiles.get(&id).and_then(|tile| tile.get(start..start + count));
    hashes.and_then(tile::above).ok_or(Fault::plain(INCOMPLETE))
}

pub(super) fn signed(number: u64) -> Result<i64, Fault> {
    i64::try_from(number).map_err(Fault::because("a position is beyond 2^63"))
}

pub(super) fn unsigned(number: i64) -> Result<u64, Fault> {
    u64::try_from(number).map_err(Fault::because("a number of the tree is negative"))
}
