//! The session directory: what a session cookie is worth, without asking the log.
//!
//! Memory is filled lazily: a check that it cannot answer folds the session's own stream and its user's. From then on
//! it is kept by what the commands of this node report in the same request, and by the log's tail, whichever comes
//! first. Three rules keep it from ever being behind:
//!
//! * **A fill that races an event never wins.** It leaves a placeholder before it reads; an event that arrives
//!   meanwhile marks it, and a marked fill reads again.
//! * **Each stream is folded without a gap.** A sequence that is known is ignored; one that skips, and an event that
//!   cannot be read, close the entry, so that the next check leads to the log.
//! * **Memory is believed only while the tail is read** and the node's lease lasts. Otherwise every check reads the log;
//!   if that fails too, the answer is a fault, never a live session.
//!
//! [`listeners`] wakes the pages that follow a session; they ask again, so that a signal cannot lie.
//! [`memory`] holds sessions, users and ids without a session, each in a bounded table; [`load`] reads streams; [`tail`]
//! follows the log; [`loads`] lets those who ask for the same id at the same time share one reading.

mod graves;
mod listeners;
mod load;
mod loads;
mod memory;
mod session;
mod shard;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod trust;
mod user;
mod users;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use doorbook_domain::{
    id::{SessionId, UserId},
    seal::SecretHash,
    session::SessionEvent,
    time::Timestamp,
    user::UserEvent,
};
use doorbook_openapi::app::{Check, LiveSession};
use doorbook_projections::{
    fault::Fault,
    keyring::Keyring,
    log::{EventLog, Position},
};

pub use self::listeners::Ear;
use self::{
    listeners::Listeners,
    load::{Read, Reader},
    loads::{Lead, Loads, Turn, join},
    memory::{Found, Memory},
    session::Session,
    trust::Trust,
    users::Hold,
};

/// Most sessions of one directory.
const MAX_CAPACITY: usize = 1 << 30;
/// How often a reading is repeated because more happened meanwhile, before the log is read past memory.
const ROUNDS: usize = 4;

/// The sessions that this node knows.
pub struct Directory {
    memory: Memory,
    user_loads: Loads<UserId>,
    reader: Reader,
    trust: Trust,
    fills: AtomicU64,
    listeners: Arc<Listeners>,
}

/// A session that is about to begin.
pub struct Expected<'a> {
    lead: Lead<'a, SessionId>,
    id: SessionId,
}

/// How much a directory holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sessions that have not ended.
    pub sessions: usize,
    /// Users of these sessions.
    pub users: usize,
    /// Ids that stand for no session: ended ones, and ones that never were.
    pub without_session: usize,
    /// Sessions read from the log since the start.
    pub fills: u64,
    /// Sessions that gave way to others since the start.
    pub evictions: u64,
    /// Heap that all of it takes, in bytes. Estimated: the allocator's own waste is not in it.
    pub bytes: usize,
}

impl Directory {
    /// An empty directory for at most `capacity` sessions (each share of them is bounded singly). It trusts itself only
    /// while [`Directory::follow`] runs.
    #[must_use]
    pub fn new(log: Arc<dyn EventLog>, keyring: Arc<dyn Keyring>, capacity: usize) -> Self {
        Self {
            memory: Memory::new(capacity.min(MAX_CAPACITY)),
            user_loads: Loads::new(),
            reader: Reader::new(log, keyring),
            trust: Trust::new(),
            fills: AtomicU64::new(0),
            listeners: Arc::default(),
        }
    }

    /// What memory knows of session `id` for whoever holds `secret`. No I/O, no allocation.
    #[must_use]
    pub fn check(&self, id: SessionId, secret: &SecretHash, now: Timestamp) -> Check {
        self.memory
            .check(id, secret, now, self.trust.holds(now), Session::touch)
    }

    /// What the log knows of it; `None` if it is dead or forged. Fills memory, as long as memory is trusted.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the log or the keys cannot be read, or an event of the session or its user cannot.
    pub async fn resolve(
        &self,
        id: SessionId,
        secret: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, Fault> {
        for _ in 0..ROUNDS {
            let trusted = self.trust.holds(now);
            // The check that led here counts as the use. A session that is used but once gives way first.
            match self.memory.check(id, secret, now, trusted, |_| ()) {
                Check::Live(session) => return Ok(Some(session)),
                Check::Dead => return Ok(None),
                Check::Unknown if !trusted => break,
                Check::Unknown => {}
            }
            match self.memory.loads.enter(id) {
                Turn::Others(load) => join(load).await?,
                Turn::Own(lead) => match self.fill(&lead, id).await {
                    Ok(()) => {}
                    Err(fault) => {
                        lead.fail();
                        return Err(fault);
                    }
                },
            }
        }
        self.read_through(id, secret, now).await
    }

    /// Before a command of this node begins session `id`: what is heard of it from now on is known to [`Directory::admit`].
    /// `None` when somebody is reading it already.
    pub fn expect(&self, id: SessionId) -> Option<Expected<'_>> {
        match self.memory.loads.enter(id) {
            Turn::Own(lead) => Some(Expected { lead, id }),
            Turn::Others(_) => None,
        }
    }

    /// Takes in the session that `event` has begun: nothing of it need be read. If more has happened to it since, it is read
    /// when it is asked for.
    ///
    /// # Errors
    ///
    /// [`Fault`] when its user cannot be read.
    pub async fn admit(&self, expected: Expected<'_>, event: &SessionEvent) -> Result<(), Fault> {
        let Expected { lead, id } = expected;
        let Some((user, session)) = Session::start(id, event) else {
            return Ok(());
        };
        match self.hold(user, session.epoch).await {
            Ok(hold) => {
                self.memory.install(&lead, id, Found::Open(session, hold));
                Ok(())
            }
            Err(fault) => {
                lead.fail();
                Err(fault)
            }
        }
    }

    /// Takes in what a command of this node has just committed to a session's stream, with the sequences it got. The
    /// tail brings the same events again.
    pub fn nudge_session(&self, id: SessionId, events: &[(u64, SessionEvent)]) {
        for (sequence, event) in events {
            self.memory.hear(id, *sequence, Some(event));
        }
        self.listeners.wake(id.0);
    }

    /// The same for a user's stream.
    pub fn nudge_user(&self, id: UserId, events: &[(u64, UserEvent)]) {
        for (sequence, event) in events {
            self.memory.hear_user(id, *sequence, Some(event));
        }
        self.listeners.wake(id.0);
    }

    /// Listens to a session and its user: to what commands of this node report, to the log's tail, and to the loss of
    /// trust. Memory need not know them.
    #[must_use]
    pub fn listen(&self, session: SessionId, user: UserId) -> Ear {
        Ear::open(&self.listeners, [session.0, user.0])
    }

    /// How far the tail has been taken in: every event up to here has taken effect.
    #[must_use]
    pub fn read_position(&self) -> Position {
        self.trust.position()
    }

    /// Lets memory be believed before `until` only: the end of this node's lease. Without a call there is no limit, as
    /// is right for a single node.
    pub fn trust_until(&self, until: Timestamp) {
        self.trust.set_until(until);
        self.listeners.wake_all();
    }

    /// Whether checks at `now` are answered from memory.
    #[must_use]
    pub fn is_trusted(&self, now: Timestamp) -> bool {
        self.trust.holds(now)
    }

    /// How much it holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.memory.counts(self.fills.load(Ordering::Relaxed))
    }

    /// Reads a session into memory, again as long as more happens to it meanwhile.
    async fn fill(&self, lead: &Lead<'_, SessionId>, id: SessionId) -> Result<(), Fault> {
        for _ in 0..ROUNDS {
            self.fills.fetch_add(1, Ordering::Relaxed);
            let found = match self.reader.session(id).await? {
                Read::Nothing => Found::Nothing,
                Read::Ended(sequence) => Found::Ended(sequence),
                Read::Open(user, session) => {
                    let hold = self.hold(user, session.epoch).await?;
                    Found::Open(session, hold)
                }
            };
            if self.memory.install(lead, id, found) {
                break;
            }
        }
        Ok(())
    }

    /// Holds on to a user that is known as it was at `epoch` or later, reading it if need be.
    async fn hold(&self, id: UserId, epoch: u32) -> Result<Hold<'_>, Fault> {
        let hold = self.memory.users.hold(id);
        for _ in 0..ROUNDS {
            if self.memory.is_fresh(hold.slot(), epoch) {
                break;
            }
            match self.user_loads.enter(id) {
                Turn::Others(load) => join(load).await?,
                Turn::Own(lead) => match self.reader.user(id).await {
                    Ok(user) => self.memory.users.replace(hold.slot(), user),
                    Err(fault) => {
                        lead.fail();
                        return Err(fault);
                    }
                },
            }
        }
        Ok(hold)
    }

    /// Judges by the log alone and leaves memory as it is.
    async fn read_through(
        &self,
        id: SessionId,
        secret: &SecretHash,
        now: Timestamp,
    ) -> Result<Option<LiveSession>, Fault> {
        let Read::Open(user, session) = self.reader.session(id).await? else {
            return Ok(None);
        };
        let user = self.reader.user(user).await?;
        match session.judge(&user, secret, now) {
            Check::Live(session) => Ok(Some(session)),
            Check::Dead | Check::Unknown => Ok(None),
        }
    }
}
