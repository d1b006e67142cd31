//! What is known without asking: sessions, their users, and ids without a session. No I/O here.
//!
//! Locks are taken in one order: a share of the sessions, then a share of the users or the open loads.

use std::{
    hash::{BuildHasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use doorbook_domain::{
    id::{SessionId, UserId},
    seal::SecretHash,
    session::SessionEvent,
    time::Timestamp,
    user::UserEvent,
};
use doorbook_openapi::app::Check;
use parking_lot::RwLock;

use super::{
    graves::Cause,
    loads::{Lead, Loads},
    session::{Effect, Session},
    shard::Shard,
    user::UserSlot,
    users::{Hold, Users},
};

/// Most shares of the sessions.
const MAX_SHARDS: usize = 64;
/// Fewest sessions that are worth a share of their own.
const MIN_SHARE: usize = 256;

/// What the log told about a session.
pub(super) enum Found<'a> {
    /// There is none.
    Nothing,
    /// It ended with the event of this number.
    Ended(u64),
    /// It goes on; its user is held.
    Open(Session, Hold<'a>),
}

impl Found<'_> {
    fn sequence(&self) -> u64 {
        match self {
            Self::Nothing => 0,
            Self::Ended(sequence) => *sequence,
            Self::Open(session, _) => session.sequence.into(),
        }
    }
}

/// The sessions and users of this node.
pub(super) struct Memory {
    shards: Box<[RwLock<Shard>]>,
    pub(super) users: Users,
    pub(super) loads: Loads<SessionId>,
    seed: RandomState,
    evictions: AtomicU64,
}

impl Memory {
    pub(super) fn new(capacity: usize) -> Self {
        let seed = RandomState::new();
        let count = (capacity / MIN_SHARE).clamp(1, MAX_SHARDS);
        let share = capacity.div_ceil(count).max(1);
        Self {
            shards: (0..count).map(|_| RwLock::new(Shard::new(share, &seed))).collect(),
            users: Users::new(u32::try_from(count).unwrap_or(1), &seed),
            loads: Loads::new(),
            seed,
            evictions: AtomicU64::new(0),
        }
    }

    /// What memory knows. Without trust it knows only that an ended session stays ended. `used` is shown a session that
    /// lives.
    pub(super) fn check(
        &self,
        id: SessionId,
        secret: &SecretHash,
        now: Timestamp,
        trusted: bool,
        used: impl FnOnce(&Session),
    ) -> Check {
        let hash = self.seed.hash_one(id.0);
        let Some(shard) = self.shards.get(shard_of(hash, self.shards.len())) else {
            return Check::Unknown;
        };
        let shard = shard.read();
        let Some(session) = shard.find_hashed(hash, id) else {
            return match shard.graves.find(id) {
                Some(Cause::Ended) => Check::Dead,
                Some(Cause::Unheard) if trusted => Check::Dead,
                Some(Cause::Unheard) | None => Check::Unknown,
            };
        };
        if !trusted {
            return Check::Unknown;
        }
        let check = self.users.with(session.user, |user| session.judge(user, secret, now));
        if matches!(check, Some(Check::Live(_))) {
            used(session);
        }
        check.unwrap_or(Check::Unknown)
    }

    /// Takes in what was read from the log. False if more has happened to the session since: to be read again.
    pub(super) fn install(&self, lead: &Lead<'_, SessionId>, id: SessionId, found: Found<'_>) -> bool {
        let Some(shard) = self.shard(id) else { return true };
        let mut shard = shard.write();
        if lead.heard() > found.sequence() {
            return false;
        }
        self.forget(&mut shard, id);
        match found {
            Found::Nothing => shard.graves.put(id, Cause::Unheard),
            Found::Ended(_) => shard.graves.put(id, Cause::Ended),
            Found::Open(mut session, hold) => {
                shard.graves.doubt(id);
                if let Some(evicted) = shard.make_room() {
                    self.users.release(evicted.user);
                    self.evictions.fetch_add(1, Ordering::Relaxed);
                }
                session.user = hold.hand_over();
                shard.insert(session);
            }
        }
        true
    }

    /// Whether an event of this session would change anything here.
    pub(super) fn knows(&self, id: SessionId) -> bool {
        self.shard(id).is_some_and(|shard| {
            let shard = shard.read();
            shard.find(id).is_some() || shard.graves.find(id).is_some() || self.loads.knows(id)
        })
    }

    /// Takes in one event of a session; `None` for one that cannot be read, which closes the entry.
    pub(super) fn hear(&self, id: SessionId, sequence: u64, event: Option<&SessionEvent>) {
        let Some(shard) = self.shard(id) else { return };
        let mut shard = shard.write();
        self.loads.hear(id, sequence);
        shard.graves.doubt(id);
        let Some(session) = shard.find_mut(id) else { return };
        let known = u64::from(session.sequence);
        if sequence <= known {
            return;
        }
        let effect = match event {
            Some(event) if sequence == known + 1 => session.apply(event),
            Some(_) | None => Effect::Misfit,
        };
        match effect {
            Effect::Goes => {}
            Effect::Misfit => self.forget(&mut shard, id),
            Effect::Ends => {
                self.forget(&mut shard, id);
                shard.graves.put(id, Cause::Ended);
            }
        }
    }

    /// Takes in one event of a user; `None` for one that cannot be read, which makes its record stale.
    pub(super) fn hear_user(&self, id: UserId, sequence: u64, event: Option<&UserEvent>) {
        self.users.hear(id, u32::try_from(sequence).unwrap_or(u32::MAX), event);
    }

    fn forget(&self, shard: &mut Shard, id: SessionId) {
        if let Some(session) = shard.remove(id) {
            self.users.release(session.user);
        }
    }

    /// Whether a user is known as it was when its epoch was raised to `epoch`, or later.
    pub(super) fn is_fresh(&self, user: UserSlot, epoch: u32) -> bool {
        let fresh = self.users.with(user, |user| user.fresh && user.epoch >= epoch);
        fresh.unwrap_or(false)
    }

    pub(super) fn counts(&self, fills: u64) -> super::Counts {
        let mut counts = super::Counts {
            users: self.users.len(),
            bytes: self.users.bytes(),
            evictions: self.evictions.load(Ordering::Relaxed),
            fills,
            ..super::Counts::default()
        };
        for shard in &self.shards {
            let shard = shard.read();
            counts.sessions += shard.len();
            counts.without_session += shard.graves.len();
            counts.bytes += shard.bytes();
        }
        counts
    }

    fn shard(&self, id: SessionId) -> Option<&RwLock<Shard>> {
        let hash = self.seed.hash_one(id.0);
        self.shards.get(shard_of(hash, self.shards.len()))
    }
}

/// Which share a hash belongs to. Its low and its topmost bits choose a place within the share.
pub(super) fn shard_of(hash: u64, shards: usize) -> usize {
    let middle = usize::try_from(hash >> 40 & 0xffff).unwrap_or(0);
    middle % shards.max(1)
}
