//! Loads that are under way: one for each id, shared by everybody who waits for it.

use std::{collections::HashMap, hash::Hash};

use doorbook_projections::fault::Fault;
use parking_lot::Mutex;
use tokio::sync::watch;

/// The loads of one kind of id.
pub(super) struct Loads<K> {
    open: Mutex<HashMap<K, Load>>,
}

/// The placeholder of a load: what happened to its id since it began.
struct Load {
    /// Highest sequence that the tail or a command brought meanwhile.
    heard: u64,
    /// Turns true when the load fails; closes when it is over.
    failed: watch::Sender<bool>,
}

/// Whose turn it is to load.
pub(super) enum Turn<'a, K: Copy + Eq + Hash> {
    /// The caller's.
    Own(Lead<'a, K>),
    /// Somebody else is at it.
    Others(watch::Receiver<bool>),
}

impl<K: Copy + Eq + Hash> Loads<K> {
    pub(super) fn new() -> Self {
        Self {
            open: Mutex::new(HashMap::new()),
        }
    }

    /// Begins a load, or joins the one under way.
    pub(super) fn enter(&self, key: K) -> Turn<'_, K> {
        let mut open = self.open.lock();
        if let Some(load) = open.get(&key) {
            return Turn::Others(load.failed.subscribe());
        }
        let load = Load {
            heard: 0,
            failed: watch::Sender::new(false),
        };
        open.insert(key, load);
        Turn::Own(Lead { loads: self, key })
    }

    /// Marks the load of this id, where there is one: it has to reach this sequence.
    pub(super) fn hear(&self, key: K, sequence: u64) {
        if let Some(load) = self.open.lock().get_mut(&key) {
            load.heard = load.heard.max(sequence);
        }
    }

    /// Whether this id is being loaded.
    pub(super) fn knows(&self, key: K) -> bool {
        self.open.lock().contains_key(&key)
    }
}

/// The right and duty to load one id. Dropping it ends the load, also that of a request that went away.
pub(super) struct Lead<'a, K: Copy + Eq + Hash> {
    loads: &'a Loads<K>,
    key: K,
}

impl<K: Copy + Eq + Hash> Lead<'_, K> {
    /// Highest sequence that was heard of since the load began.
    pub(super) fn heard(&self) -> u64 {
        self.loads.open.lock().get(&self.key).map_or(0, |load| load.heard)
    }

    /// Ends the load, and with it those who wait, in failure.
    pub(super) fn fail(self) {
        if let Some(load) = self.loads.open.lock().get(&self.key) {
            load.failed.send_replace(true);
        }
    }
}

impl<K: Copy + Eq + Hash> Drop for Lead<'_, K> {
    fn drop(&mut self) {
        self.loads.open.lock().remove(&self.key);
    }
}

/// Waits until somebody else's load is over.
///
/// # Errors
///
/// [`Fault`] when it failed.
pub(super) async fn join(mut failed: watch::Receiver<bool>) -> Result<(), Fault> {
    while failed.changed().await.is_ok() {}
    if *failed.borrow() {
        return Err(Fault::plain("the shared reading of a stream failed"));
    }
    Ok(())
}
