//! Which hashes a root or a proof is made of: arithmetic on numbers of leaves, which the hashes themselves do not enter.

use std::ops::Range;

use super::hash::TreeHash;

/// A perfect subtree: the `index`-th, from 0, of those with `2^height` leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// How many levels it has above its leaves.
    pub height: u32,
    /// Its number among those of its height.
    pub index: u64,
}

/// The largest power of two that is smaller than `leaves`, which are at least two.
const fn half(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The perfect subtrees that leaves `span` are made of, from left to right.
#[must_use]
pub fn blocks(span: Range<u64>) -> Vec<Block> {
    let (mut at, mut blocks) = (span.start, Vec::new());
    while at < span.end {
        let fits = (span.end - at).ilog2();
        let height = fits.min(at.trailing_zeros());
        blocks.push(Block {
            height,
            index: at >> height,
        });
        at += 1 << height;
    }
    blocks
}

/// The hash above subtrees that shrink from left to right, which is how RFC 6962 joins them.
#[must_use]
pub fn join(hashes: impl DoubleEndedIterator<Item = TreeHash>) -> Option<TreeHash> {
    hashes.rev().reduce(|right, left| TreeHash::node(&left, &right))
}

/// The leaves below each hash of the proof that leaf `index` is in the tree of `size` leaves (RFC 6962, 2.1.1). The leaf
/// must be in it.
#[must_use]
pub fn inclusion(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut start, mut end, mut siblings) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + half(end - start);
        if index < middle {
            siblings.push(middle..end);
            end = middle;
        } else {
            siblings.push(start..middle);
            start = middle;
        }
    }
    siblings.reverse();
    siblings
}

/// The leaves below each hash of the proof that the tree of `old` leaves is the beginning of that of `new` (RFC 6962,
/// 2.1.2). `old` must not be the larger.
#[must_use]
pub fn consistency(old: u64, new: u64) -> Vec<Range<u64>> {
    let (mut start, mut end, mut known, mut parts) = (0, new, true, Vec::new());
    if old == 0 {
        return parts;
    }
    while old < end {
        let middle = start + half(end - start);
        if old <= middle {
            parts.push(middle..end);
            end = middle;
        } else {
            parts.push(start..middle);
            start = middle;
            known = false;
        }
    }
    if !known {
        parts.push(start..end);
    }
    parts.reverse();
    parts
}
