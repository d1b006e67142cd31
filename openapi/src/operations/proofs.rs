use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::Tag;
use crate::{
    caller::Auditor,
    checked::{Checked, Findings, page},
    param::{Cursor, Limit, Whole},
    problem::{Kind, Problem},
    proofs::{CheckpointEntry, ConsistencyProof, InclusionProof, ProofKey},
    refused::{ROLE, Refused, kinds},
    reply::Reply,
    scalar::Instant,
};

/// The public half of the key that signs checkpoints.
#[derive(Object)]
struct CheckpointKey {
    /// As verifiers of signed notes take it: `<name>+<id>+<key>`.
    key: String,
    /// The 32 bytes of the Ed25519 key alone, in base64.
    public_key: String,
}

impl From<ProofKey> for CheckpointKey {
    fn from(key: ProofKey) -> Self {
        let ProofKey { key, public_key } = key;
        Self { key, public_key }
    }
}

/// A signed head of the tree over the log.
#[derive(Object)]
struct Checkpoint {
    /// Names the tree.
    origin: String,
    /// How many events the tree holds. A text: it may be more than 2^53.
    size: String,
    /// Its root, in base64.
    root: String,
    /// When it was signed.
    at: Instant,
    /// The checkpoint as it was signed: a note of C2SP's `signed-note` that holds a `tlog-checkpoint`.
    note: String,
}

impl From<CheckpointEntry> for Checkpoint {
    fn from(entry: CheckpointEntry) -> Self {
        Self {
            origin: entry.origin,
            size: entry.size.to_string(),
            root: entry.root,
            at: Instant(entry.at),
            note: entry.note,
        }
    }
}

/// A page of checkpoints, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CheckpointPage {
    /// Newest first.
    items: Vec<Checkpoint>,
    /// For the next page; absent on the last.
    next_cursor: Option<String>,
}

/// That an event is in a tree (RFC 6962, 2.1.1).
#[derive(Object)]
struct Inclusion {
    /// The event's place in the log; the index of its leaf is one less.
    position: String,
    /// How many events the tree holds.
    size: String,
    /// The event.
    event_id: Uuid,
    /// Its stream: `<kind>-<id>`.
    stream: String,
    /// Its number within the stream.
    sequence: String,
    /// Its type.
    event_type: String,
    /// The hash of the event as the log has it now, in base64.
    leaf: String,
    /// The root of the tree, in base64: that of the checkpoint of this size.
    root: String,
    /// From the leaf's sibling up, in base64.
    path: Vec<String>,
}

impl From<InclusionProof> for Inclusion {
    fn from(proof: InclusionProof) -> Self {
        Self {
            position: proof.position.to_string(),
            size: proof.size.to_string(),
            event_id: proof.event_id,
            stream: proof.stream,
            sequence: proof.sequence.to_string(),
            event_type: proof.event_type,
            leaf: proof.leaf,
            root: proof.root,
            path: proof.path,
        }
    }
}

/// That one tree is the beginning of another (RFC 6962, 2.1.2).
#[derive(Object)]
struct Consistency {
    /// How many events the first tree holds.
    from: String,
    /// How many events the second holds.
    to: String,
    /// The first root, in base64.
    from_root: String,
    /// The second root, in base64.
    to_root: String,
    /// In base64.
    path: Vec<String>,
}

impl From<ConsistencyProof> for Consistency {
    fn from(proof: ConsistencyProof) -> Self {
        Self {
            from: proof.from.to_string(),
            to: proof.to.to_string(),
            from_root: proof.from_root,
            to_root: proof.to_root,
            path: proof.path,
        }
    }
}

/// Both, or everything that is wrong with them.
fn sizes(first: Checked<Whole>, second: Checked<Option<Whole>>) -> Result<(u64, Option<u64>), Problem> {
    let mut findings = Findings::default();
    let first = findings.take(first).map_or(0, |first| first.0);
    let second = findings.take(second).flatten().map(|second| second.0);
    findings.settle()?;
    Ok((first, second))
}

/// What a proof can end in, beside the usual.
const PROOF: u64 = ROLE | kinds(&[Kind::Invalid, Kind::NotFound]);

pub(crate) struct ProofsApi;

#[OpenApi(prefix_path = "/api/audit", tag = "Tag::Proofs")]
impl ProofsApi {
    /// Get the key of checkpoints
    ///
    /// Keep it, and checkpoints, where nobody can change them who can change the log.
    #[oai(path = "/key", method = "get", operation_id = "getCheckpointKey")]
    async fn key(&self, auditor: Auditor) -> Result<Reply<CheckpointKey>, Refused<{ ROLE }>> {
        let key = auditor.call.gate().app.proof_key().await?;
        Ok(Reply::json(&key.into()))
    }

    /// List checkpoints
    ///
    /// Signed heads of the Merkle tree over the log, newest first.
    #[oai(path = "/checkpoints", method = "get", operation_id = "listCheckpoints")]
    async fn list(
        &self,
        auditor: Auditor,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<CheckpointPage>, Refused<{ ROLE | kinds(&[Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = auditor.call.gate().app.checkpoints(page).await?;
        Ok(Reply::json(&CheckpointPage {
            items: page.items.into_iter().map(Checkpoint::from).collect(),
            next_cursor: page.next_cursor,
        }))
    }

    /// Get the latest checkpoint
    ///
    /// 404 while nothing was signed.
    #[oai(path = "/checkpoints/latest", method = "get", operation_id = "getLatestCheckpoint")]
    async fn latest(
        &self,
        auditor: Auditor,
    ) -> Result<Reply<Checkpoint>, Refused<{ ROLE | kinds(&[Kind::NotFound]) }>> {
        let checkpoint = auditor.call.gate().app.latest_checkpoint().await?;
        Ok(Reply::json(&checkpoint.into()))
    }

    /// Prove that an event is in the log
    ///
    /// The proof fits the checkpoint of the same size. 404 where the tree does not reach that far.
    #[oai(path = "/proofs/inclusion", method = "get", operation_id = "getInclusionProof")]
    async fn inclusion(
        &self,
        auditor: Auditor,
        /// The event's place in the log.
        position: Checked<Whole>,
        /// How many events the tree holds; by default all.
        size: Checked<Option<Whole>>,
    ) -> Result<Reply<Inclusion>, Refused<{ PROOF | kinds(&[Kind::TooManyRequests]) }>> {
        let (position, size) = sizes(position, size)?;
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        let proof = app.prove_inclusion(&auditor.session, position, size, origin);
        Ok(Reply::json(&proof.await?.into()))
    }

    /// Prove that the log has only grown
    ///
    /// The proof fits the checkpoints of both sizes. 404 where the tree does not reach that far.
    #[oai(path = "/proofs/consistency", method = "get", operation_id = "getConsistencyProof")]
    async fn consistency(
        &self,
        auditor: Auditor,
        /// How many events the earlier tree holds.
        from: Checked<Whole>,
        /// How many events the later tree holds; by default all.
        to: Checked<Option<Whole>>,
    ) -> Result<Reply<Consistency>, Refused<{ PROOF }>> {
        let (from, to) = sizes(from, to)?;
        let proof = auditor.call.gate().app.prove_consistency(from, to).await?;
        Ok(Reply::json(&proof.into()))
    }
}
