use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashMap};

use crate::{fault::Fault, log::Recorded};

/// Streams that are remembered, at least; twice as many at most.
const STREAMS: usize = 50_000;

/// Checks that each stream comes in its order, without a gap. Remembers the streams that were read last.
pub(super) struct Order {
    hashers: [DefaultHashBuilder; 2],
    /// Read in the batch that is not committed yet.
    batch: HashMap<u128, u64>,
    young: HashMap<u128, u64>,
    old: HashMap<u128, u64>,
}

impl Order {
    pub(super) fn new() -> Self {
        Self {
            hashers: [DefaultHashBuilder::default(), DefaultHashBuilder::default()],
            batch: HashMap::new(),
            young: HashMap::new(),
            old: HashMap::new(),
        }
    }

    fn key(&self, recorded: &Recorded) -> u128 {
        let stream = (&recorded.aggregate, &recorded.stream_id);
        self.hashers
            .iter()
            .fold(0, |key, hasher| key << 64 | u128::from(hasher.hash_one(stream)))
    }

    /// # Errors
    ///
    /// [`Fault`] when an event of its stream is missing before it, or it comes twice.
    pub(super) fn check(&mut self, recorded: &Recorded) -> Result<(), Fault> {
        let key = self.key(recorded);
        let last = [&self.batch, &self.young, &self.old]
            .into_iter()
            .find_map(|known| known.get(&key));
        if last.is_some_and(|last| last + 1 != recorded.sequence) {
            return Err(Fault::new(
                "the log has a gap",
                format!(
                    "event {} of stream {}-{} at position {} does not follow event {} of the stream",
                    recorded.sequence,
                    recorded.aggregate,
                    recorded.stream_id,
                    recorded.position,
                    last.copied().unwrap_or_default(),
                ),
            ));
        }
        self.batch.insert(key, recorded.sequence);
        Ok(())
    }

    /// The batch took effect.
    pub(super) fn keep(&mut self) {
        self.young.extend(self.batch.drain());
        if self.young.len() >= STREAMS {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// The batch did not take effect and will be read again.
    pub(super) fn undo(&mut self) {
        self.batch.clear();
    }

    /// Events may have been skipped, since somebody else folded them.
    pub(super) fn forget(&mut self) {
        self.batch.clear();
        self.young.clear();
        self.old.clear();
    }
}
