//! Unwrapped keys in memory, bounded.

use hashbrown::HashMap;
use parking_lot::Mutex;

use super::secret::Secret;

/// A key as the database has it.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// The key.
    Key(Secret),
    /// Its tombstone.
    Destroyed,
}

/// The keys that were used last. Half of them are given up at a time: what was not asked for since the last time.
pub(super) struct Cache {
    halves: Mutex<Halves>,
    half: usize,
}

#[derive(Default)]
struct Halves {
    recent: HashMap<Box<str>, Held>,
    older: HashMap<Box<str>, Held>,
    /// Rises with each forgotten key, so that a reading that began before it is not kept.
    forgotten: u64,
}

/// When a reading of the database began.
#[derive(Clone, Copy)]
pub(super) struct Began(u64);

impl Cache {
    /// Holds at most `entries` keys.
    pub(super) fn new(entries: usize) -> Self {
        Self {
            halves: Mutex::default(),
            half: (entries / 2).max(1),
        }
    }

    pub(super) fn find(&self, name: &str) -> Result<Held, Began> {
        let mut halves = self.halves.lock();
        if let Some(held) = halves.recent.get(name) {
            return Ok(held.clone());
        }
        let Some((name, held)) = halves.older.remove_entry(name) else {
            return Err(Began(halves.forgotten));
        };
        self.put(&mut halves, name, held.clone());
        Ok(held)
    }

    /// Before a write to the database whose outcome will be kept.
    pub(super) fn begin(&self) -> Began {
        Began(self.halves.lock().forgotten)
    }

    /// Keeps what was read, unless a key was forgotten meanwhile: it might be this one.
    pub(super) fn keep(&self, began: Began, name: &str, held: Held) {
        let mut halves = self.halves.lock();
        if halves.forgotten == began.0 {
            self.put(&mut halves, name.into(), held);
        }
    }

    pub(super) fn forget(&self, name: &str) {
        let mut halves = self.halves.lock();
        halves.forgotten += 1;
        halves.recent.remove(name);
        halves.older.remove(name);
    }

    fn put(&self, halves: &mut Halves, name: Box<str>, held: Held) {
        if halves.recent.len() >= self.half {
            halves.older = std::mem::take(&mut halves.recent);
        }
        halves.recent.insert(name, held);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        let halves = self.halves.lock();
        halves.recent.len() + halves.older.len()
    }
}
