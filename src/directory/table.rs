//! Records in chunks, found by their id. Growing copies the index, never a record.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use uuid::Uuid;

/// Records a chunk has room for.
const CHUNK: usize = 128;

/// A record with an id of its own.
pub(super) trait Keyed {
    /// The id it is found by.
    fn key(&self) -> Uuid;
}

/// Records of one kind. A record keeps its slot as long as it is there.
pub(super) struct Table<R> {
    chunks: Vec<Vec<Option<R>>>,
    free: Vec<u32>,
    slots: u32,
    index: HashTable<u32>,
    seed: RandomState,
}

impl<R: Keyed> Table<R> {
    pub(super) fn new(seed: RandomState) -> Self {
        Self {
            chunks: Vec::new(),
            free: Vec::new(),
            slots: 0,
            index: HashTable::new(),
            seed,
        }
    }

    /// Records that are there.
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// Slots that were ever in use: every slot is below.
    pub(super) const fn slots(&self) -> u32 {
        self.slots
    }

    pub(super) fn find(&self, key: Uuid) -> Option<u32> {
        self.find_hashed(self.seed.hash_one(key), key)
    }

    /// The same for a key whose hash under the table's seed is known.
    pub(super) fn find_hashed(&self, hash: u64, key: Uuid) -> Option<u32> {
        let same = |slot: &u32| self.get(*slot).is_some_and(|record| record.key() == key);
        self.index.find(hash, same).copied()
    }

    pub(super) fn get(&self, slot: u32) -> Option<&R> {
        let (chunk, place) = locate(slot);
        self.chunks.get(chunk)?.get(place)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut R> {
        let (chunk, place) = locate(slot);
        self.chunks.get_mut(chunk)?.get_mut(place)?.as_mut()
    }

    /// Adds a record whose id is not there yet.
    pub(super) fn insert(&mut self, record: R) -> u32 {
        let hash = self.seed.hash_one(record.key());
        let slot = self.put(record);
        let Self {
            index, chunks, seed, ..
        } = self;
        index.insert_unique(hash, slot, |&slot| {
            let (chunk, place) = locate(slot);
            let record = chunks.get(chunk).and_then(|chunk| chunk.get(place)?.as_ref());
            record.map_or(0, |record| seed.hash_one(record.key()))
        });
        slot
    }

    fn put(&mut self, record: R) -> u32 {
        if let Some(slot) = self.free.pop() {
            let (chunk, place) = locate(slot);
            if let Some(room) = self.chunks.get_mut(chunk).and_then(|chunk| chunk.get_mut(place)) {
                *room = Some(record);
            }
            return slot;
        }
        let slot = self.slots;
        self.slots += 1;
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(Some(record));
        }
        slot
    }

    pub(super) fn remove(&mut self, slot: u32) -> Option<R> {
        let (chunk, place) = locate(slot);
        let record = self.chunks.get_mut(chunk)?.get_mut(place)?.take()?;
        let hash = self.seed.hash_one(record.key());
        if let Ok(entry) = self.index.find_entry(hash, |&found| found == slot) {
            entry.remove();
        }
        self.free.push(slot);
        Some(record)
    }

    /// Bytes of heap that the records, the index and the free slots take.
    pub(super) fn bytes(&self) -> usize {
        let records = self.chunks.len() * CHUNK * size_of::<Option<R>>();
        let lists = self.chunks.capacity() * size_of::<Vec<R>>() + self.free.capacity() * size_of::<u32>();
        records + lists + self.index.allocation_size()
    }
}

fn locate(slot: u32) -> (usize, usize) {
    let slot = usize::try_from(slot).unwrap_or(usize::MAX);
    (slot / CHUNK, slot % CHUNK)
}
