//! What is refused right now: a memory that spares the database a flood, and numbers for those who watch.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;

use super::{database::Key, scope::Scope};

/// Refusing counters in memory, about 64 bytes each.
const REMEMBERED: usize = 50_000;
/// How long a refusal is believed, in microseconds: another node may have lifted it.
const BELIEVED: i64 = 10_000_000;

#[derive(Clone, Copy)]
struct Held {
    scope: Scope,
    free_at: i64,
    believed_until: i64,
}

/// Refusals of this node.
#[derive(Default)]
pub(super) struct Refused {
    held: Mutex<HashMap<Key, Held>>,
    counts: [AtomicU64; Scope::ALL.len()],
}

impl Refused {
    /// The longest refusal that is known of any of these counters.
    pub(super) fn find(&self, keys: impl Iterator<Item = Key>, now: i64) -> Option<(Scope, i64)> {
        let held = self.held.lock();
        let refusing = |held: &&Held| now < held.free_at.min(held.believed_until);
        keys.filter_map(|key| held.get(&key))
            .filter(refusing)
            .map(|held| (held.scope, held.free_at))
            .max_by_key(|(_, free_at)| *free_at)
    }

    pub(super) fn remember(&self, key: Key, scope: Scope, free_at: i64, now: i64) {
        let mut held = self.held.lock();
        if held.len() >= REMEMBERED {
            held.retain(|_, held| now < held.free_at.min(held.believed_until));
        }
        // Without room the database is asked each time, which is slower and just as right.
        if held.len() < REMEMBERED {
            let believed_until = now.saturating_add(BELIEVED);
            held.insert(
                key,
                Held {
                    scope,
                    free_at,
                    believed_until,
                },
            );
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        self.held.lock().remove(key);
    }

    pub(super) fn count(&self, scope: Scope) {
        if let Some((_, count)) = self.pairs().find(|(known, _)| *known == scope) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Attempts refused since the start.
    pub(super) fn counts(&self) -> Vec<(Scope, u64)> {
        self.pairs()
            .map(|(scope, count)| (scope, count.load(Ordering::Relaxed)))
            .collect()
    }

    fn pairs(&self) -> impl Iterator<Item = (Scope, &AtomicU64)> {
        Scope::ALL.into_iter().zip(&self.counts)
    }
}

/// What was refused between two counts: `login_account 7, login_network 1200`. `None` when nothing was.
pub(super) fn difference(before: &[(Scope, u64)], now: &[(Scope, u64)]) -> Option<String> {
    let mut text = String::new();
    for ((scope, now), (_, before)) in now.iter().zip(before) {
        let more = now.saturating_sub(*before);
        if more > 0 {
            let separator = if text.is_empty() { "" } else { ", " };
            // Writing to a `String` cannot fail.
            let _ = write!(text, "{separator}{} {more}", scope.name());
        }
    }
    (!text.is_empty()).then_some(text)
}
