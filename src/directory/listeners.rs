//! Who wants to know when something happens to a session or a user. Nothing is kept for those whom nobody listens to.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

/// The open ears, by what they listen to.
#[derive(Default)]
pub(super) struct Listeners {
    ears: Mutex<HashMap<Uuid, Vec<Arc<Notify>>>>,
    /// How many entries there are: the tail passes by while there are none.
    count: AtomicUsize,
}

impl Listeners {
    /// Wakes whoever listens to `id`.
    pub(super) fn wake(&self, id: Uuid) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        for ear in self.ears.lock().get(&id).into_iter().flatten() {
            ear.notify_one();
        }
    }

    /// Wakes everybody: what they know may be wrong.
    pub(super) fn wake_all(&self) {
        for ear in self.ears.lock().values().flatten() {
            ear.notify_one();
        }
    }

    fn add(&self, id: Uuid, ear: &Arc<Notify>) {
        self.count.fetch_add(1, Ordering::AcqRel);
        self.ears.lock().entry(id).or_default().push(Arc::clone(ear));
    }

    fn remove(&self, id: Uuid, ear: &Arc<Notify>) {
        let mut ears = self.ears.lock();
        if let Some(own) = ears.get_mut(&id) {
            own.retain(|other| !Arc::ptr_eq(other, ear));
            if own.is_empty() {
                ears.remove(&id);
            }
        }
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// How many ids somebody listens to.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.ears.lock().len()
    }
}

/// Hears that something may have happened to a session or its user, until it is dropped. What happened is to be asked of
/// the directory: signals are not counted, so that a slow listener costs nothing.
pub struct Ear {
    listeners: Arc<Listeners>,
    ids: [Uuid; 2],
    signal: Arc<Notify>,
}

impl Ear {
    pub(super) fn open(listeners: &Arc<Listeners>, ids: [Uuid; 2]) -> Self {
        let signal = Arc::new(Notify::new());
        for id in ids {
            listeners.add(id, &signal);
        }
        Self {
            listeners: Arc::clone(listeners),
            ids,
            signal,
        }
    }

    /// Waits for a signal; one that came since the last time counts.
    pub async fn heard(&self) {
        self.signal.notified().await;
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        for id in self.ids {
            self.listeners.remove(id, &self.signal);
        }
    }
}
