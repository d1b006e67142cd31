//! How the tree is stored: in tiles of 256 hashes, as in C2SP's tlog-tiles.
//!
//! A tile of level 0 holds the hashes of 256 leaves, one of level 1 those of 256 full tiles of level 0, and so on. Every
//! other node is computed from half a tile at most, so a proof reads two tiles for each level: eight for 2^32 events.

use super::{hash::TreeHash, shape::Block};

/// Levels of the tree between two levels of tiles.
const LEVELS: u32 = 8;
/// Hashes of a full tile.
pub const WIDTH: u64 = 1 << LEVELS;

/// Which tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// 0 holds leaves.
    pub level: u32,
    /// Its number within the level, from 0.
    pub number: u64,
}

/// Where the hashes stand that a perfect subtree is computed from: tile, first hash, how many.
#[must_use]
pub fn place(block: Block) -> (TileId, usize, usize) {
    let above = block.height % LEVELS;
    let first = block.index << above;
    let tile = TileId {
        level: block.height / LEVELS,
        number: first / WIDTH,
    };
    let start = usize::try_from(first % WIDTH).unwrap_or_default();
    (tile, start, 1 << above)
}

/// The hash above a power of two of hashes.
#[must_use]
pub fn above(hashes: &[TreeHash]) -> Option<TreeHash> {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, rest) = row.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        row = pairs.iter().map(|[left, right]| TreeHash::node(left, right)).collect();
    }
    row.first().copied()
}

/// The tiles at the right edge of a tree of `size` leaves, one for each level, that are not full. Level by level; empty
/// where a level ends with a full tile.
#[derive(Debug)]
pub struct Edge {
    size: u64,
    tiles: Vec<Vec<TreeHash>>,
    changed: Vec<(TileId, Vec<TreeHash>)>,
}

impl Edge {
    /// Which tiles a tree of `size` leaves has at its edge.
    #[must_use]
    pub fn of(size: u64) -> Vec<TileId> {
        let mut edge = Vec::new();
        let mut hashes = size;
        for level in 0.. {
            if hashes == 0 {
                break;
            }
            if !hashes.is_multiple_of(WIDTH) {
                let number = hashes / WIDTH;
                edge.push(TileId { level, number });
            }
            hashes /= WIDTH;
        }
        edge
    }

    /// Takes the tiles that [`Self::of`] named. `None` where one has not as many hashes as it should.
    #[must_use]
    pub fn new(size: u64, stored: impl Fn(TileId) -> Option<Vec<TreeHash>>) -> Option<Self> {
        let mut tiles = Vec::new();
        for id in Self::of(size) {
            let level = usize::try_from(id.level).ok()?;
            let wanted = (size >> (LEVELS * id.level)) % WIDTH;
            let mut hashes = stored(id)?;
            // A later state of the same tile has more.
            hashes.truncate(usize::try_from(wanted).ok()?);
            if u64::try_from(hashes.len()).ok()? != wanted {
                return None;
            }
            tiles.resize_with(level, Vec::new);
            tiles.push(hashes);
        }
        Some(Self {
            size,
            tiles,
            changed: Vec::new(),
        })
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        let (mut hash, mut count) = (leaf, self.size);
        self.size += 1;
        for level in 0.. {
            if self.tiles.len() <= level {
                self.tiles.resize_with(level + 1, Vec::new);
            }
            let Some(tile) = self.tiles.get_mut(level) else { return };
            tile.push(hash);
            if count % WIDTH != WIDTH - 1 {
                return;
            }
            let Some(root) = above(tile) else { return };
            let id = TileId {
                level: u32::try_from(level).unwrap_or(u32::MAX),
                number: count / WIDTH,
            };
            self.changed.push((id, std::mem::take(tile)));
            (hash, count) = (root, count / WIDTH);
        }
    }

    /// The new size, and every tile that is not as it was stored, or may not be.
    #[must_use]
    pub fn finish(mut self) -> (u64, Vec<(TileId, Vec<TreeHash>)>) {
        for (level, tile) in (0..).zip(self.tiles) {
            if !tile.is_empty() {
                let number = (self.size >> (LEVELS * level)) / WIDTH;
                self.changed.push((TileId { level, number }, tile));
            }
        }
        (self.size, self.changed)
    }
}
