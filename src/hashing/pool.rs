use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::{
    rules,
    stored::{self, Argon2Hash, Stored},
};
use crate::ids;

/// Jobs that wait, for each thread: with a hash of 15 ms the last one waits a quarter of a second.
const QUEUE_PER_THREAD: usize = 16;
/// When a refused caller may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// How far the threads stand back behind those that answer requests.
const NICENESS: i32 = 10;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What a hash costs: OWASP's minimum by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl From<crate::config::Argon2> for Argon2Cost {
    fn from(configured: crate::config::Argon2) -> Self {
        let crate::config::Argon2 {
            memory_kib,
            iterations,
            parallelism,
        } = configured;
        Self {
            memory_kib,
            iterations,
            parallelism,
        }
    }
}

/// Whether a password is the stored one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Match {
        /// Whether the stored hash is of another kind or cost than a new one would be.
        needs_upgrade: bool,
    },
    /// It is not, or the stored hash cannot be read.
    Mismatch,
}

/// Why nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashFailure {
    /// The queue is full.
    #[error("too many passwords are being hashed")]
    Busy {
        /// When to come back.
        retry_after: Duration,
    },
    /// The cost is none that Argon2 knows.
    #[error("the cost of a password hash is out of range")]
    Cost,
    /// A thread of the pool could not be started, or is gone.
    #[error("the pool that hashes passwords does not work")]
    Broken,
}

/// What the pool has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HasherCounts {
    /// Hashes made and verified.
    pub hashed: u64,
    /// Callers sent away.
    pub refused: u64,
    /// Jobs that wait now.
    pub waiting: usize,
}

enum Task {
    Make,
    Verify(Box<str>),
    VerifyNothing,
    #[cfg(test)]
    Panic,
}

enum Done {
    Made(String),
    Verified(Verdict),
    Failed,
}

struct Job {
    password: Zeroizing<Vec<u8>>,
    task: Task,
    reply: oneshot::Sender<Done>,
}

#[derive(Default)]
struct Counters {
    hashed: AtomicU64,
    refused: AtomicU64,
    waiting: AtomicUsize,
}

/// A pool of threads that hash passwords, as wide as the cores.
pub struct PasswordHasher {
    queue: Option<SyncSender<Job>>,
    /// Most jobs that wait.
    room: usize,
    threads: Vec<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl PasswordHasher {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Cost`] when Argon2 knows no such cost, [`HashFailure::Broken`] when no thread can be started.
    pub fn new(cost: Argon2Cost) -> Result<Self, HashFailure> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, Some(HASH_BYTES));
        let argon2 = Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            params.map_err(|_| HashFailure::Cost)?,
        );
        let width = thread::available_parallelism().map_or(1, usize::from);
        let room = width * QUEUE_PER_THREAD;
        let (queue, jobs) = sync_channel(room);
        let (jobs, counters) = (Arc::new(Mutex::new(jobs)), Arc::new(Counters::default()));
        let threads = (0..width).map(|number| {
            let worker = Worker {
                jobs: Arc::clone(&jobs),
                counters: Arc::clone(&counters),
                argon2: argon2.clone(),
            };
            thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || worker.run())
        });
        let threads = threads.collect::<Result<_, _>>().map_err(|_| HashFailure::Broken)?;
        Ok(Self {
            queue: Some(queue),
            room,
            threads,
            counters,
        })
    }

    /// Refuses at once when the queue is full, so that nothing is looked up for a caller who would be sent away anyway: in
    /// a storm of logins that is most of the work. A place is not kept: [`Self::verify`] may refuse all the same.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`].
    pub fn must_have_room(&self) -> Result<(), HashFailure> {
        if self.counters.waiting.load(Ordering::Relaxed) < self.room {
            return Ok(());
        }
        self.counters.refused.fetch_add(1, Ordering::Relaxed);
        Err(HashFailure::Busy {
            retry_after: RETRY_AFTER,
        })
    }

    /// Hashes a new password under a fresh salt: a PHC string.
    ///
    /// # Errors
    ///
    /// [`HashFailure::Busy`] at once when the queue is full.
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
    /// [`HashFailure::Busy`] at once when the queue is full.
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
    /// [`HashFailure::Busy`] at once when the queue is full.
    pub async fn verify_nothing(&self, password: &[u8]) -> Result<Verdict, HashFailure> {
        self.verdict(password, Task::VerifyNothing).await
    }

    /// What the pool has done.
    #[must_use]
    pub fn counts(&self) -> HasherCounts {
        HasherCounts {
            hashed: self.counters.hashed.load(Ordering::Relaxed),
            refused: self.counters.refused.load(Ordering::Relaxed),
            waiting: self.counters.waiting.load(Ordering::Relaxed),
        }
    }

    #[cfg(test)]
    pub(super) async fn panic(&self) -> Result<Verdict, HashFailure> {
        self.verdict(b"", Task::Panic).await
    }

    async fn verdict(&self, password: &[u8], task: Task) -> Result<Verdict, HashFailure> {
        match self.submit(password, task).await? {
            Done::Verified(verdict) => Ok(verdict),
            Done::Made(_) | Done::Failed => Err(HashFailure::Broken),
        }
    }

    async fn submit(&self, password: &[u8], task: Task) -> Result<Done, HashFailure> {
        let (reply, done) = oneshot::channel();
        let job = Job {
            password: Zeroizing::new(password.to_vec()),
            task,
            reply,
        };
        let queue = self.queue.as_ref().ok_or(HashFailure::Broken)?;
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(full) = queue.try_send(job) {
            self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            return Err(match full {
                TrySendError::Full(_) => HashFailure::Busy {
                    retry_after: RETRY_AFTER,
                },
                TrySendError::Disconnected(_) => HashFailure::Broken,
            });
        }
        done.await.map_err(|_| HashFailure::Broken)
    }
}

/// Lets the threads finish what waits, and waits for them.
impl Drop for PasswordHasher {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to wait for.
            let _ = thread.join();
        }
    }
}

struct Worker {
    jobs: Arc<Mutex<Receiver<Job>>>,
    counters: Arc<Counters>,
    argon2: Argon2<'static>,
}

impl Worker {
    fn run(self) {
        // Where the system does not allow it, hashing competes like any other thread.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
        let mut memory = Vec::new();
        loop {
            let job = self.jobs.lock().recv();
            let Ok(job) = job else { return };
            self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
            // A caller that went away needs no hash.
            if job.reply.is_closed() {
                continue;
            }
            // One hash that fails must not cost the pool a thread. What it left in memory is overwritten by the next.
            let done = catch_unwind(AssertUnwindSafe(|| self.work(&job, &mut memory))).unwrap_or(Done::Failed);
            self.give_back(&mut memory);
            self.counters.hashed.fetch_add(1, Ordering::Relaxed);
            // The caller may have gone away meanwhile.
            let _ = job.reply.send(done);
        }
    }

    /// A foreign hash may have asked for far more memory than ours: it is not kept.
    fn give_back(&self, memory: &mut Vec<Block>) {
        let own = self.argon2.params().block_count();
        if memory.len() > own {
            memory.truncate(own);
            memory.shrink_to_fit();
        }
    }

    fn work(&self, job: &Job, memory: &mut Vec<Block>) -> Done {
        match &job.task {
            Task::Make => self.make(&job.password, memory),
            Task::Verify(stored) => Done::Verified(match stored::read(stored) {
                Ok(stored) => self.verify(&stored, &job.password, memory),
                Err(_) => self.verify_nothing(&job.password, memory),
            }),
            Task::VerifyNothing => Done::Verified(self.verify_nothing(&job.password, memory)),
            #[cfg(test)]
            Task::Panic => panic!("a test asked for it"),
        }
    }

    /// A hash that is cheaper than ours costs ours beside it: its speed would tell that the account exists, and how it is kept.
    fn verify(&self, stored: &Stored, password: &[u8], memory: &mut Vec<Block>) -> Verdict {
        let params = self.argon2.params();
        if stored.is_cheap(params) {
            self.verify_nothing(password, memory);
        }
        if stored.verify(password, memory) {
            Verdict::Match {
                needs_upgrade: !stored.is_current(params),
            }
        } else {
            Verdict::Mismatch
        }
    }

    fn verify_nothing(&self, password: &[u8], memory: &mut Vec<Block>) -> Verdict {
        let nobody = Argon2Hash {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params: self.argon2.params().clone(),
            salt: vec![0; SALT_BYTES],
            hash: vec![0; HASH_BYTES],
        };
        nobody.verify(password, memory);
        Verdict::Mismatch
    }

    fn make(&self, password: &[u8], memory: &mut Vec<Block>) -> Done {
        let salt: [u8; SALT_BYTES] = ids::random();
        let mut hash = [0; HASH_BYTES];
        if !stored::fill(&self.argon2, password, &salt, &mut hash, memory) {
            return Done::Failed;
        }
        let params = self.argon2.params();
        Done::Made(format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            params.m_cost(),
            params.t_cost(),
            params.p_cost(),
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(hash),
        ))
    }
}
