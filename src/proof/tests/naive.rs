//! The tree as RFC 6962, 2.1 defines it, word for word.

use crate::proof::TreeHash;

/// The largest power of two that is smaller.
fn split(count: usize) -> usize {
    let mut half = 1;
    while half * 2 < count {
        half *= 2;
    }
    half
}

pub(super) fn root(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => TreeHash::of_nothing(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            TreeHash::node(&root(left), &root(right))
        }
    }
}

/// `PATH(m, D[n])`
pub(super) fn path(index: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let half = split(leaves.len());
    let (left, right) = leaves.split_at(half);
    let (mut path, sibling) = if index < half {
        (self::path(index, left), root(right))
    } else {
        (self::path(index - half, right), root(left))
    };
    path.push(sibling);
    path
}

/// `PROOF(m, D[n])`
pub(super) fn proof(old: usize, leaves: &[TreeHash]) -> Vec<TreeHash> {
    subproof(old, leaves, true)
}

fn subproof(old: usize, leaves: &[TreeHash], whole: bool) -> Vec<TreeHash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let half = split(leaves.len());
    let (left, right) = leaves.split_at(half);
    let (mut proof, other) = if old <= half {
        (subproof(old, left, whole), root(right))
    } else {
        (subproof(old - half, right, false), root(left))
    };
    proof.push(other);
    proof
}

/// Leaves that all differ.
pub(super) fn leaves(count: u64) -> Vec<TreeHash> {
    (0..count).map(|number| TreeHash::leaf(&number.to_be_bytes())).collect()
}
