//! The proof that nobody has altered the log: a Merkle tree (RFC 6962) over its events, and signed checkpoints of it.
//!
//! Whoever holds a checkpoint can tell that the events before it are still what they were, by [`audit`]. `docs/proof.md`
//! says what that proves, and what not.
//!
//! * `hash`, `shape`, [`frontier`] and [`check`] are the tree as mathematics, [`leaf`] is what an event is in it.
//! * `tile` and [`tree`] store it, `signed` the checkpoints, in a database that can be built anew.
//! * [`note`] and [`checkpoint`] are what is signed, [`shelf`] the files that it is kept in.
//! * [`notary`] follows the log, `walk` by steps; [`courier`] takes checkpoints elsewhere.
//! * [`audit`] compares; [`export`] writes events so that they can be compared far from here.

pub mod audit;
pub mod check;
pub mod checkpoint;
pub mod courier;
pub mod export;
pub mod frontier;
mod hash;
pub mod leaf;
pub mod notary;
pub mod note;
pub mod shape;
pub mod shelf;
mod signed;
#[cfg(test)]
mod tests;
pub mod tile;
pub mod tree;
mod walk;

pub use hash::{InvalidHash, TreeHash};
pub use shape::Block;
pub use signed::SignedCheckpoint;
