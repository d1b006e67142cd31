//! What proves that the log was not altered, for auditors.

use async_trait::async_trait;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    proofs::{CheckpointEntry, ConsistencyProof, InclusionProof, ProofKey, Proofs},
};
use doorbook_projections::log::Position;

use super::{Service, signup::field};
use crate::proof::{SignedCheckpoint, TreeHash, leaf};

impl Service {
    /// How many events the tree holds, or as many as were asked for, where it holds them.
    async fn tree_size(&self, wanted: Option<u64>) -> Result<u64, Refusal> {
        let held = self.notary.tree().state().await?.map_or(0, |state| state.size);
        match wanted {
            None => Ok(held),
            Some(wanted) if wanted <= held => Ok(wanted),
            Some(_) => Err(Refusal::NotFound),
        }
    }
}

#[async_trait]
impl Proofs for Service {
    async fn proof_key(&self) -> Result<ProofKey, Refusal> {
        let key = self.notary.key();
        Ok(ProofKey {
            key: key.to_string(),
            public_key: BASE64_STANDARD.encode(key.bytes()),
        })
    }

    async fn checkpoints(&self, page: PageRequest) -> Result<Page<CheckpointEntry>, Refusal> {
        let before = match page.cursor.as_deref().map(str::parse) {
            None => u64::MAX,
            Some(Ok(before)) => before,
            Some(Err(_)) => return Err(not_a_cursor()),
        };
        let wanted = usize::from(page.limit);
        let found = self
            .notary
            .tree()
            .checkpoints(before, u32::from(page.limit) + 1)
            .await?;
        let more = found.len() > wanted;
        let next_cursor = found.get(wanted.saturating_sub(1)).filter(|_| more);
        Ok(Page {
            next_cursor: next_cursor.map(|last| last.id.to_string()),
            items: found.into_iter().take(wanted).map(entry).collect(),
        })
    }

    async fn latest_checkpoint(&self) -> Result<CheckpointEntry, Refusal> {
        let last = self.notary.tree().last_checkpoint().await?;
        last.map(entry).ok_or(Refusal::NotFound)
    }

    async fn prove_inclusion(
        &self,
        reader: &LiveSession,
        position: u64,
        size: Option<u64>,
        origin: &Origin,
    ) -> Result<InclusionProof, Refusal> {
        if size.is_some_and(|size| position > size) {
            return Err(beyond("position", "this must not be larger than `size`"));
        }
        let (tree, size) = (self.notary.tree(), self.tree_size(size).await?);
        if position == 0 || position > size {
            return Err(Refusal::NotFound);
        }
        self.note_proof(reader, position, size, origin).await?;
        let read = self.notary.log().read(Position::new(position - 1), 1).await?;
        let event = read.first().filter(|event| event.position.number() == position);
        let event = event.ok_or(Refusal::NotFound)?;
        Ok(InclusionProof {
            position,
            size,
            event_id: event.event_id(),
            stream: format!("{}-{}", event.aggregate, event.stream_id),
            sequence: event.sequence,
            event_type: event.event_type.to_string(),
            leaf: leaf::of(event).to_string(),
            root: tree.root(size).await?.to_string(),
            path: texts(&tree.inclusion(position - 1, size).await?),
        })
    }

    async fn prove_consistency(&self, from: u64, to: Option<u64>) -> Result<ConsistencyProof, Refusal> {
        if to.is_some_and(|to| from > to) {
            return Err(beyond("from", "this must not be larger than `to`"));
        }
        let (tree, to) = (self.notary.tree(), self.tree_size(to).await?);
        if from > to {
            return Err(Refusal::NotFound);
        }
        Ok(ConsistencyProof {
            from,
            to,
            from_root: tree.root(from).await?.to_string(),
            to_root: tree.root(to).await?.to_string(),
            path: texts(&tree.consistency(from, to).await?),
        })
    }
}

fn texts(hashes: &[TreeHash]) -> Vec<String> {
    hashes.iter().map(ToString::to_string).collect()
}

fn entry(signed: SignedCheckpoint) -> CheckpointEntry {
    CheckpointEntry {
        origin: signed.checkpoint.origin,
        size: signed.checkpoint.size,
        root: signed.checkpoint.root.to_string(),
        at: signed.checkpoint.at,
        note: signed.note,
    }
}

fn beyond(name: &'static str, message: &'static str) -> Refusal {
    Refusal::Invalid(vec![field(name, "out_of_range", message)])
}

fn not_a_cursor() -> Refusal {
    let message = "take `next_cursor` of the page before, unchanged";
    Refusal::Invalid(vec![field("cursor", "not_a_cursor", message)])
}
