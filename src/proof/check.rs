//! Whether a proof proves what it is said to: the algorithms of RFC 9162, for whoever holds a root and trusts nobody else.

use super::hash::TreeHash;

/// Whether `path` proves that leaf `index` is `leaf` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
#[must_use]
pub fn inclusion(index: u64, size: u64, leaf: TreeHash, path: &[TreeHash], root: &TreeHash) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            hash = TreeHash::node(sibling, &hash);
            while at.is_multiple_of(2) && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            hash = TreeHash::node(&hash, sibling);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && hash == *root
}

/// Whether `path` proves that the tree of the first size and root is the beginning of the second (RFC 9162, 2.1.4.2).
#[must_use]
pub fn consistency((old, old_root): (u64, &TreeHash), (new, new_root): (u64, &TreeHash), path: &[TreeHash]) -> bool {
    if old > new {
        return false;
    }
    if old == new || old == 0 {
        let empty = old != 0 || *old_root == TreeHash::of_nothing();
        return path.is_empty() && empty && (old != new || old_root == new_root);
    }
    let mut rest = path.iter();
    let first = if old.is_power_of_two() {
        Some(old_root)
    } else {
        rest.next()
    };
    let Some(&first) = first else { return false };
    let skipped = (old - 1).trailing_ones();
    let (mut at, mut last) = ((old - 1) >> skipped, (new - 1) >> skipped);
    let (mut before, mut after) = (first, first);
    for part in rest {
        if last == 0 {
            return false;
        }
        if at % 2 == 1 || at == last {
            before = TreeHash::node(part, &before);
            after = TreeHash::node(part, &after);
            while at.is_multiple_of(2) && at != 0 {
                (at, last) = (at / 2, last / 2);
            }
        } else {
            after = TreeHash::node(&after, part);
        }
        (at, last) = (at / 2, last / 2);
    }
    last == 0 && before == *old_root && after == *new_root
}
