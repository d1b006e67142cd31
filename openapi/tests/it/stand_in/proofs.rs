//! A log of ten events, signed once.

use super::*;
use doorbook_openapi::proofs::*;

const HASH: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn checkpoint() -> CheckpointEntry {
    CheckpointEntry {
        origin: "doorbook/log".into(),
        size: 10,
        root: HASH.into(),
        at: NOW,
        note: "doorbook/log\n10\n…\n".into(),
    }
}

/// Says no where the tree does not reach.
fn reached(size: Option<u64>) -> Result<u64, Refusal> {
    let size = size.unwrap_or(10);
    if size > 10 { Err(Refusal::NotFound) } else { Ok(size) }
}

#[async_trait]
impl Proofs for StandIn {
    async fn proof_key(&self) -> Result<ProofKey, Refusal> {
        Ok(ProofKey {
            key: format!("doorbook/log+00000000+{HASH}"),
            public_key: HASH.into(),
        })
    }

    async fn checkpoints(&self, _: PageRequest) -> Result<Page<CheckpointEntry>, Refusal> {
        Ok(Page {
            items: vec![checkpoint()],
            next_cursor: Some("1".into()),
        })
    }

    async fn latest_checkpoint(&self) -> Result<CheckpointEntry, Refusal> {
        Ok(checkpoint())
    }

    async fn prove_inclusion(
        &self,
        _: &LiveSession,
        position: u64,
        size: Option<u64>,
        _: &Origin,
    ) -> Result<InclusionProof, Refusal> {
        Ok(InclusionProof {
            position,
            size: reached(size)?,
            event_id: Uuid::nil(),
            stream: "user-1".into(),
            sequence: 1,
            event_type: "user.registered".into(),
            leaf: HASH.into(),
            root: HASH.into(),
            path: vec![HASH.into()],
        })
    }

    async fn prove_consistency(&self, from: u64, to: Option<u64>) -> Result<ConsistencyProof, Refusal> {
        Ok(ConsistencyProof {
            from,
            to: reached(to)?,
            from_root: HASH.into(),
            to_root: HASH.into(),
            path: Vec::new(),
        })
    }
}
