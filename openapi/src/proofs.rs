//! What the HTTP layer asks of the service about the proof that the log was not altered.

use async_trait::async_trait;
use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use crate::app::{LiveSession, Origin, Page, PageRequest, Refusal};

/// The public half of the key that signs checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofKey {
    /// As verifiers of signed notes take it: `<name>+<id>+<key>`.
    pub key: String,
    /// The 32 bytes of the key, in base64.
    pub public_key: String,
}

/// A signed head of the tree over the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckpointEntry {
    /// Names the tree.
    pub origin: String,
    /// How many events it holds.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// When it was signed.
    pub at: Timestamp,
    /// The signed note.
    pub note: String,
}

/// That an event is in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// Its place in the log; the leaf's index is one less.
    pub position: u64,
    /// How many events the tree holds.
    pub size: u64,
    /// The event.
    pub event_id: Uuid,
    /// Its stream: `<kind>-<id>`.
    pub stream: String,
    /// Its number within the stream.
    pub sequence: u64,
    /// Its type.
    pub event_type: String,
    /// The hash of the event as it is now, in base64.
    pub leaf: String,
    /// The root of the tree, in base64.
    pub root: String,
    /// The hashes of RFC 6962, 2.1.1, in base64.
    pub path: Vec<String>,
}

/// That one tree is the beginning of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// How many events the first holds.
    pub from: u64,
    /// How many events the second holds.
    pub to: u64,
    /// The first root, in base64.
    pub from_root: String,
    /// The second root, in base64.
    pub to_root: String,
    /// The hashes of RFC 6962, 2.1.2, in base64.
    pub path: Vec<String>,
}

/// The part of the service that keeps the tree over the log.
#[async_trait]
pub trait Proofs: Send + Sync {
    /// What checkpoints are checked with.
    async fn proof_key(&self) -> Result<ProofKey, Refusal>;
    /// Every checkpoint, newest first.
    async fn checkpoints(&self, page: PageRequest) -> Result<Page<CheckpointEntry>, Refusal>;
    /// The newest; [`Refusal::NotFound`] while there is none.
    async fn latest_checkpoint(&self) -> Result<CheckpointEntry, Refusal>;
    /// That the event at `position` is in the tree of `size` events; of all events where that is not said. It tells what
    /// happened, so it is an event before it is answered.
    async fn prove_inclusion(
        &self,
        reader: &LiveSession,
        position: u64,
        size: Option<u64>,
        origin: &Origin,
    ) -> Result<InclusionProof, Refusal>;
    /// That the tree of `from` events is the beginning of that of `to`; of all events where that is not said.
    async fn prove_consistency(&self, from: u64, to: Option<u64>) -> Result<ConsistencyProof, Refusal>;
}
