//! A tree that only grows: as much of it as its root and its next leaf need.

use super::{
    hash::TreeHash,
    shape::{self, Block},
};

/// The perfect subtrees that a growing tree is made of, from left to right: one hash for each bit of its size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<(u32, TreeHash)>,
}

impl Frontier {
    /// How many leaves it has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf at the right.
    pub fn push(&mut self, leaf: TreeHash) {
        self.join(0, leaf);
    }

    /// Adds a perfect subtree at the right. `false`, and nothing is added, where it does not fit there.
    #[must_use]
    pub fn push_block(&mut self, block: Block, hash: TreeHash) -> bool {
        let width = 1_u64.checked_shl(block.height);
        let fits = width.is_some_and(|width| block.index.checked_mul(width) == Some(self.size));
        if fits {
            self.join(block.height, hash);
        }
        fits
    }

    fn join(&mut self, mut height: u32, mut hash: TreeHash) {
        self.size += 1 << height;
        while let Some((_, left)) = self.peaks.pop_if(|(other, _)| *other == height) {
            hash = TreeHash::node(&left, &hash);
            height += 1;
        }
        self.peaks.push((height, hash));
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> TreeHash {
        let peaks = self.peaks.iter().map(|(_, hash)| *hash);
        shape::join(peaks).unwrap_or_else(TreeHash::of_nothing)
    }
}
