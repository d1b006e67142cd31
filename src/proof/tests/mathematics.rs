//! Frontier, shapes and checks against the definition.

use std::ops::Range;

use proptest::prelude::*;

use super::naive;
use crate::proof::{
    TreeHash, check,
    frontier::Frontier,
    shape::{self, Block},
};

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

/// The hash above a perfect subtree.
fn above(block: Block, leaves: &[TreeHash]) -> TreeHash {
    let width = 1 << block.height;
    let start = usize::try_from(block.index).unwrap() * width;
    naive::root(&leaves[start..start + width])
}

fn joined(span: Range<u64>, leaves: &[TreeHash]) -> TreeHash {
    let hashes: Vec<_> = shape::blocks(span)
        .into_iter()
        .map(|block| above(block, leaves))
        .collect();
    shape::join(hashes.into_iter()).unwrap()
}

#[test]
fn every_proof_of_every_small_tree_is_that_of_the_definition_and_holds() {
    let leaves = naive::leaves(70);
    for size in 1..=leaves.len() {
        let (tree, root) = (&leaves[..size], naive::root(&leaves[..size]));
        for (index, leaf) in tree.iter().enumerate() {
            let spans = shape::inclusion(number(index), number(size));
            let path: Vec<_> = spans.into_iter().map(|span| joined(span, tree)).collect();
            assert_eq!(path, naive::path(index, tree), "{index} of {size}");
            assert!(check::inclusion(number(index), number(size), *leaf, &path, &root));
            let other = TreeHash::leaf(b"another");
            assert!(!check::inclusion(number(index), number(size), other, &path, &root));
            assert!(!check::inclusion(number(size), number(size), *leaf, &path, &root));
        }
        for old in 1..=size {
            let spans = shape::consistency(number(old), number(size));
            let proof: Vec<_> = spans.into_iter().map(|span| joined(span, tree)).collect();
            assert_eq!(proof, naive::proof(old, tree), "{old} to {size}");
            let before = naive::root(&leaves[..old]);
            assert!(check::consistency(
                (number(old), &before),
                (number(size), &root),
                &proof
            ));
            let wrong = TreeHash::leaf(b"another");
            assert!(!check::consistency(
                (number(old), &wrong),
                (number(size), &root),
                &proof
            ));
            assert!(!check::consistency(
                (number(old), &before),
                (number(size), &wrong),
                &proof
            ));
            let longer = [proof, vec![wrong]].concat();
            assert!(!check::consistency(
                (number(old), &before),
                (number(size), &root),
                &longer
            ));
        }
    }
}

#[test]
fn empty_tree_is_the_beginning_of_every_tree() {
    let root = naive::root(&naive::leaves(5));
    assert!(check::consistency((0, &TreeHash::of_nothing()), (5, &root), &[]));
    assert!(!check::consistency((0, &root), (5, &root), &[]));
    assert!(!check::consistency((6, &root), (5, &root), &[]));
}

#[test]
fn subtree_that_does_not_follow_is_not_taken_in() {
    let mut frontier = Frontier::default();
    frontier.push(TreeHash::leaf(b"a"));
    let hash = TreeHash::leaf(b"b");
    assert!(!frontier.push_block(Block { height: 1, index: 1 }, hash));
    assert!(!frontier.push_block(Block { height: 64, index: 1 }, hash));
    assert!(frontier.push_block(Block { height: 0, index: 1 }, hash));
    assert_eq!(frontier.size(), 2);
}

proptest! {
    #[test]
    fn tree_that_grows_by_leaves_and_by_subtrees_has_the_root_of_the_definition(size in 0_u64..3000, cut in 0_u64..3000) {
        let (leaves, cut) = (naive::leaves(size), cut.min(size));
        let mut frontier = Frontier::default();
        for leaf in &leaves[..usize::try_from(cut).unwrap()] {
            frontier.push(*leaf);
        }
        for block in shape::blocks(cut..size) {
            prop_assert!(frontier.push_block(block, above(block, &leaves)));
        }
        prop_assert_eq!(frontier.root(), naive::root(&leaves));
    }
}
