//! Who asks the pool.

use std::{
    net::IpAddr,
    sync::{atomic::Ordering, mpsc::TrySendError},
};

use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{Done, HashFailure, Job, PasswordHasher, Task, Verdict};
use crate::hashing::rules;

/// For whom a password is hashed.
#[derive(Clone, Copy)]
pub(super) enum Whom {
    /// For what nobody outside can cause at will.
    Itself,
    /// For a client, whose network has a share of the queue and no more.
    Client(Option<IpAddr>),
}

/// The pool as somebody sees it who asks.
#[derive(Clone, Copy)]
pub struct Asker<'a> {
    pub(super) pool: &'a PasswordHasher,
    pub(super) whom: Whom,
}

impl Asker<'_> {
    /// Refuses at once when the queue is full, or the network has its share of it, so that nothing is looked up for a caller
    /// who would be sent away anyway: in a storm of logins that is most of the work. A place is not kept: [`Self::verify`]
    /// may refuse all the same.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`].
    pub fn must_have_room(&self) -> Result<(), HashFailure> {
        let pool = self.pool;
        let has_share = match self.whom {
            Whom::Itself => true,
            Whom::Client(ip) => pool.shares.has_room(ip),
        };
        if has_share && pool.counters.waiting.load(Ordering::Relaxed) < pool.room {
            return Ok(());
        }
        Err(pool.busy())
    }

    /// Hashes a new password under a fresh salt: a PHC string.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`] at once when the queue is full, or the network has its share of it.
    pub async fn hash(&self, password: &[u8]) -> Result<String, HashFailure> {
        match self.submit(password, Task::Make).await? {
            Done::Made(hash) => Ok(hash),
            Done::Verified(_) | Done::Failed => Err(HashFailure::Broken),
        }
    }

    /// Whether the password is the one that was hashed. One that is longer than any password may be is none, whatever is
    /// stored, and costs what others cost: some foreign hashes take time that grows with it.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`] at once when the queue is full, or the network has its share of it.
    pub async fn verify(&self, password: &[u8], stored: &str) -> Result<Verdict, HashFailure> {
        if password.len() > rules::MAX_BYTES {
            return self.verify_nothing(&[]).await;
        }
        self.verdict(password, Task::Verify(stored.into())).await
    }

    /// Costs what verifying a hash of today costs, and is always a mismatch: for accounts that do not exist or have no
    /// password, so that nobody can tell by the time.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`] at once when the queue is full, or the network has its share of it.
    pub async fn verify_nothing(&self, password: &[u8]) -> Result<Verdict, HashFailure> {
        self.verdict(password, Task::VerifyNothing).await
    }

    pub(super) async fn verdict(&self, password: &[u8], task: Task) -> Result<Verdict, HashFailure> {
        match self.submit(password, task).await? {
            Done::Verified(verdict) => Ok(verdict),
            Done::Made(_) | Done::Failed => Err(HashFailure::Broken),
        }
    }

    async fn submit(&self, password: &[u8], task: Task) -> Result<Done, HashFailure> {
        let pool = self.pool;
        let place = match self.whom {
            Whom::Itself => None,
            Whom::Client(ip) => Some(pool.shares.take(ip).ok_or_else(|| pool.busy())?),
        };
        let (reply, done) = oneshot::channel();
        let job = Job {
            password: Zeroizing::new(password.to_vec()),
            task,
            reply,
            _place: place,
        };
        let queue = pool.queue.as_ref().ok_or(HashFailure::Broken)?;
        pool.counters.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(full) = queue.try_send(job) {
            pool.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            let busy = pool.busy();
            return Err(match full {
                TrySendError::Full(_) => busy,
                TrySendError::Disconnected(_) => HashFailure::Broken,
            });
        }
        done.await.map_err(|_| HashFailure::Broken)
    }
}
