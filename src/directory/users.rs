//! The users of the sessions in memory. A user is there as long as somebody holds on to it.

use std::hash::{BuildHasher, RandomState};

use doorbook_domain::{id::UserId, user::UserEvent};
use parking_lot::RwLock;

use super::{
    table::Table,
    user::{User, UserSlot},
};

/// Every user that a session in memory belongs to.
pub(super) struct Users {
    shards: Box<[RwLock<Shard>]>,
    seed: RandomState,
}

struct Shard {
    table: Table<User>,
    /// Heap behind the identities.
    text_bytes: usize,
}

impl Users {
    pub(super) fn new(shards: u32, seed: &RandomState) -> Self {
        let shard = || Shard {
            table: Table::new(seed.clone()),
            text_bytes: 0,
        };
        Self {
            shards: (0..shards).map(|_| RwLock::new(shard())).collect(),
            seed: seed.clone(),
        }
    }

    /// Holds on to a user, known or not, so that nothing that happens to it from now on is missed.
    pub(super) fn hold(&self, id: UserId) -> Hold<'_> {
        let number = super::memory::shard_of(self.seed.hash_one(id.0), self.shards.len());
        let slot = self.shards.get(number).map_or(UserSlot::NOWHERE, |shard| {
            let table = &mut shard.write().table;
            let slot = table.find(id.0).unwrap_or_else(|| table.insert(User::unread(id)));
            if let Some(user) = table.get_mut(slot) {
                user.holders += 1;
            }
            self.slot(number, slot)
        });
        Hold { users: self, slot }
    }

    /// Lets go of a user; the last one to do so forgets it.
    pub(super) fn release(&self, slot: UserSlot) {
        let Some((shard, slot)) = self.locate(slot) else { return };
        let mut shard = shard.write();
        let Some(user) = shard.table.get_mut(slot) else { return };
        user.holders = user.holders.saturating_sub(1);
        if user.holders == 0 {
            let text_bytes = text_bytes(user);
            shard.table.remove(slot);
            shard.text_bytes -= text_bytes;
        }
    }

    /// Looks at a user.
    pub(super) fn with<T>(&self, slot: UserSlot, look: impl FnOnce(&User) -> T) -> Option<T> {
        let (shard, slot) = self.locate(slot)?;
        shard.read().table.get(slot).map(look)
    }

    /// Whether an event of this user would change anything here.
    pub(super) fn knows(&self, id: UserId) -> bool {
        self.shard(id)
            .is_some_and(|shard| shard.read().table.find(id.0).is_some())
    }

    /// Takes in one event; `None` for one that cannot be read.
    pub(super) fn hear(&self, id: UserId, sequence: u32, event: Option<&UserEvent>) {
        let Some(shard) = self.shard(id) else { return };
        let mut shard = shard.write();
        let table = &mut shard.table;
        let Some(user) = table.find(id.0).and_then(|slot| table.get_mut(slot)) else {
            return;
        };
        let before = text_bytes(user);
        user.hear(sequence, event);
        let after = text_bytes(user);
        shard.text_bytes = shard.text_bytes + after - before;
    }

    /// Takes in what was read from the log.
    pub(super) fn replace(&self, slot: UserSlot, read: User) {
        let Some((shard, slot)) = self.locate(slot) else { return };
        let mut shard = shard.write();
        let Some(user) = shard.table.get_mut(slot) else { return };
        let before = text_bytes(user);
        user.replace(read);
        let after = text_bytes(user);
        shard.text_bytes = shard.text_bytes + after - before;
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().table.len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |shard: &RwLock<Shard>| {
            let shard = shard.read();
            shard.table.bytes() + shard.text_bytes
        };
        self.shards.iter().map(of).sum()
    }

    fn shard(&self, id: UserId) -> Option<&RwLock<Shard>> {
        let number = super::memory::shard_of(self.seed.hash_one(id.0), self.shards.len());
        self.shards.get(number)
    }

    fn slot(&self, shard: usize, slot: u32) -> UserSlot {
        let shards = u32::try_from(self.shards.len()).unwrap_or(1);
        UserSlot(slot * shards + u32::try_from(shard).unwrap_or(0))
    }

    fn locate(&self, slot: UserSlot) -> Option<(&RwLock<Shard>, u32)> {
        let shards = u32::try_from(self.shards.len()).ok()?;
        let shard = self.shards.get(usize::try_from(slot.0 % shards).ok()?)?;
        Some((shard, slot.0 / shards))
    }
}

/// Heap behind a user's identity: two counters and the text, in the steps of the usual allocator.
fn text_bytes(user: &User) -> usize {
    match user.identity.bytes() {
        0 => 0,
        text => (2 * size_of::<usize>() + text + size_of::<usize>()).next_multiple_of(16),
    }
}

/// Keeps a user in memory until it is dropped or a session takes over.
pub(super) struct Hold<'a> {
    users: &'a Users,
    slot: UserSlot,
}

impl Hold<'_> {
    pub(super) const fn slot(&self) -> UserSlot {
        self.slot
    }

    /// Hands the hold to a session, which is to release it.
    pub(super) fn hand_over(mut self) -> UserSlot {
        std::mem::replace(&mut self.slot, UserSlot::NOWHERE)
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.users.release(self.slot);
    }
}
