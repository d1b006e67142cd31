//! The vectors of the Certificate Transparency project (`merkle_tree_test.cc`), by which every implementation is known.

use doorbook_domain::seal::hex;

use super::naive;
use crate::proof::{TreeHash, check, frontier::Frontier};

const LEAVES: [&[u8]; 8] = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    b"\x50\x51\x52\x53\x54\x55\x56\x57",
    b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
];
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const A: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const E: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const F: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";

fn leaves() -> Vec<TreeHash> {
    LEAVES.map(TreeHash::leaf).to_vec()
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

fn shown(hashes: &[TreeHash]) -> Vec<String> {
    hashes.iter().map(|hash| hex(hash.bytes())).collect()
}

#[test]
fn published_roots_come_out() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(shown(&[TreeHash::of_nothing()]), [empty]);
    let mut frontier = Frontier::default();
    for (leaf, root) in leaves().iter().zip(ROOTS) {
        frontier.push(*leaf);
        assert_eq!(shown(&[frontier.root()]), [root]);
    }
}

#[test]
fn published_proofs_come_out_and_hold() {
    let leaves = leaves();
    let paths: [(usize, usize, &[&str]); 5] = [
        (0, 1, &[]),
        (0, 8, &[A, B, C]),
        (5, 8, &[F, E, ROOTS[3]]),
        (2, 3, &[ROOTS[1]]),
        (1, 5, &[ROOTS[0], B, F]),
    ];
    for (index, size, expected) in paths {
        let path = naive::path(index, &leaves[..size]);
        assert_eq!(shown(&path), expected, "{index} of {size}");
        let root = naive::root(&leaves[..size]);
        assert!(check::inclusion(
            number(index),
            number(size),
            leaves[index],
            &path,
            &root
        ));
    }
    let proofs: [(usize, usize, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[A, B, C]),
        (6, 8, &[D, E, ROOTS[3]]),
        (2, 5, &[B, F]),
    ];
    for (old, new, expected) in proofs {
        let proof = naive::proof(old, &leaves[..new]);
        assert_eq!(shown(&proof), expected, "{old} to {new}");
        let (before, after) = (naive::root(&leaves[..old]), naive::root(&leaves[..new]));
        assert!(check::consistency(
            (number(old), &before),
            (number(new), &after),
            &proof
        ));
    }
}
