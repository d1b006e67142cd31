//! The hashes of the tree: RFC 6962, section 2.1, with SHA-256.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorbook_projections::fault::Fault;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(super) const CUT_OFF: &str = "a stored part of the tree is cut off";
/// What stands before the data of a leaf, so that no leaf looks like a node.
const LEAF: [u8; 1] = [0];
/// What stands before the two hashes of a node.
const NODE: [u8; 1] = [1];

/// A leaf, a node or a root. Text is base64 with padding, as in checkpoints.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TreeHash([u8; 32]);

impl TreeHash {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Takes 32 bytes that are a hash.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The root of a tree without leaves.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest([]).into())
    }

    /// The hash of a leaf.
    #[must_use]
    pub fn leaf(data: &[u8]) -> Self {
        Self(Sha256::new_with_prefix(LEAF).chain_update(data).finalize().into())
    }

    /// The hash of the node above two.
    #[must_use]
    pub fn node(left: &Self, right: &Self) -> Self {
        let hasher = Sha256::new_with_prefix(NODE).chain_update(left.0).chain_update(right.0);
        Self(hasher.finalize().into())
    }

    /// Hashes that stand one after the other.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the bytes are no whole number of hashes.
    pub fn many(bytes: &[u8]) -> Result<Vec<Self>, Fault> {
        let (hashes, rest) = bytes.as_chunks::<{ Self::BYTES }>();
        if rest.is_empty() {
            Ok(hashes.iter().copied().map(Self).collect())
        } else {
            Err(Fault::plain(CUT_OFF))
        }
    }
}

/// The text is no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hash is 32 bytes in base64 with padding")]
pub struct InvalidHash;

impl FromStr for TreeHash {
    type Err = InvalidHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| InvalidHash)?;
        bytes.try_into().map(Self).map_err(|_| InvalidHash)
    }
}

impl TryFrom<String> for TreeHash {
    type Error = InvalidHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<TreeHash> for String {
    fn from(hash: TreeHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeHash({self})")
    }
}
