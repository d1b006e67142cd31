//! Failed logins, written in the background: nobody waits for them, and their number is bounded.
//!
//! The first ten an hour at one address are recorded singly, then one summary a minute. Addresses that nobody has would make
//! a key each: they are recorded singly within a budget of all. What was refused is part of summaries only, and no event
//! stands for less than a hundred of it: a flood grows the log by less than a hundredth of its size. What is summed up under
//! no address goes to the stream `attempts-elsewhere`. What a crash loses is the tail of a summary; throttling does not
//! depend on any of it.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use doorbook_domain::{
    attempts::{self, FailureReason, LoginAttempts, LoginAttemptsCommand},
    claim::Claim,
    email::EmailAddress,
    id::UserId,
    seal::ClaimId,
    time::Timestamp,
};
use doorbook_openapi::app::Origin;
use doorbook_projections::{fault::Fault, keyring::Place};
use tokio::{sync::mpsc, time::interval};
use tokio_util::task::TaskTracker;

use super::{
    Parts, metadata_of,
    seals::{Owner, Seals},
};
use crate::store::{CommandMetadata, Failure};

/// Failures that wait to be written; beyond it they are only counted.
const QUEUE: usize = 1024;
/// Addresses with a summary in the making; beyond it, failures at further addresses are not summarized.
const SUMMARIES: usize = 10_000;
/// How often summaries are written.
const SUMMARY_EVERY: Duration = Duration::from_mins(1);
/// Refused attempts that an event stands for, at least.
const REFUSED: u32 = 100;
/// Failures at addresses of nobody that are recorded singly, at once and again in an hour.
const UNKNOWN: u32 = 60;
/// In which time one of them becomes free again.
const UNKNOWN_EVERY: Duration = Duration::from_mins(1);
/// The stream of what is summed up under no address.
const ELSEWHERE: &str = "elsewhere";
const FAILED: &str = "login.failed";

/// A failed login.
pub(super) struct Failed {
    pub(super) claim: ClaimId,
    pub(super) user: Option<UserId>,
    /// As typed.
    pub(super) email: String,
    pub(super) reason: FailureReason,
    /// That it was tried by, unless it was a password.
    pub(super) provider: Option<String>,
    pub(super) origin: Origin,
    pub(super) at: Timestamp,
}

enum Note {
    Failed(Box<Failed>),
    Refused { claim: ClaimId, at: Timestamp },
}

/// Takes failed logins and writes them later. Cheap to clone; the writer ends when the last clone is dropped.
#[derive(Clone)]
pub struct Attempts {
    queue: mpsc::Sender<Note>,
    overflow: Arc<AtomicU32>,
}

impl Attempts {
    pub(super) fn start(parts: Arc<Parts>, seals: Seals, tasks: &TaskTracker) -> Self {
        let (queue, notes) = mpsc::channel(QUEUE);
        let overflow = Arc::new(AtomicU32::new(0));
        let writer = Writer {
            parts,
            seals,
            pending: HashMap::new(),
            elsewhere: HashMap::new(),
            overflow: Arc::clone(&overflow),
            unknown: Budget::default(),
        };
        tasks.spawn(writer.run(notes));
        Self { queue, overflow }
    }

    /// Never waits. A failure that finds the queue full is only counted.
    pub(super) fn record(&self, mut failed: Failed) {
        // What is longer is no address. Others would fill memory and log with it.
        let end = failed.email.floor_char_boundary(EmailAddress::MAX_BYTES);
        failed.email.truncate(end);
        failed.email.shrink_to_fit();
        self.note(Note::Failed(Box::new(failed)));
    }

    /// Counts an attempt that was refused before anything was checked. Never waits.
    pub(super) fn refused(&self, claim: ClaimId, at: Timestamp) {
        self.note(Note::Refused { claim, at });
    }

    fn note(&self, note: Note) {
        if self.queue.try_send(note).is_err() {
            self.overflow.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Failures since the last record, at one address or at many.
#[derive(Clone, Copy)]
struct Pending {
    user: Option<UserId>,
    failed: u32,
    refused: u32,
    from: Timestamp,
    until: Timestamp,
}

impl Pending {
    const fn none(at: Timestamp) -> Self {
        Self {
            user: None,
            failed: 0,
            refused: 0,
            from: at,
            until: at,
        }
    }

    const fn count(&self) -> u32 {
        self.failed.saturating_add(self.refused)
    }

    fn add(&mut self, other: &Self) {
        self.user = self.user.or(other.user);
        self.failed = self.failed.saturating_add(other.failed);
        self.refused = self.refused.saturating_add(other.refused);
        self.from = self.from.min(other.from);
        self.until = self.until.max(other.until);
    }
}

/// How much may still be recorded singly at addresses of nobody.
#[derive(Default)]
struct Budget {
    /// When all of it is there again.
    full_at: Timestamp,
}

impl Budget {
    fn take(&mut self, now: Timestamp) -> bool {
        let next = self.full_at.max(now).plus(UNKNOWN_EVERY);
        let fits = next <= now.plus(UNKNOWN_EVERY * UNKNOWN);
        if fits {
            self.full_at = next;
        }
        fits
    }
}

struct Writer {
    parts: Arc<Parts>,
    seals: Seals,
    /// By address, and by identity provider where it was one.
    pending: HashMap<(ClaimId, Option<String>), Pending>,
    elsewhere: HashMap<Option<String>, Pending>,
    overflow: Arc<AtomicU32>,
    unknown: Budget,
}

impl Writer {
    async fn run(mut self, mut notes: mpsc::Receiver<Note>) {
        let mut minute = interval(SUMMARY_EVERY);
        loop {
            tokio::select! {
                note = notes.recv() => match note {
                    Some(Note::Failed(failed)) => self.record(*failed).await,
                    Some(Note::Refused { claim, at }) => {
                        self.count(claim, None, &Pending { refused: 1, ..Pending::none(at) });
                    }
                    None => break,
                },
                _ = minute.tick() => self.summarize().await,
            }
        }
        self.summarize().await;
    }

    async fn record(&mut self, failed: Failed) {
        let several = Pending {
            user: failed.user,
            failed: 1,
            ..Pending::none(failed.at)
        };
        if failed.user.is_none() && !self.unknown.take(failed.at) {
            return self.count_elsewhere(failed.provider, &several);
        }
        match self.record_singly(&failed).await {
            Ok(true) => {}
            Ok(false) => self.count(failed.claim, failed.provider, &several),
            Err(fault) => {
                tracing::error!(error = fault.cause(), "a failed login was not recorded");
                self.count(failed.claim, failed.provider, &several);
            }
        }
    }

    async fn record_singly(&self, failed: &Failed) -> Result<bool, Fault> {
        let stream = failed.claim.to_string();
        let history = self.parts.store.load::<LoginAttempts>(&stream).await?.aggregate;
        if !history.records_singly(failed.at) {
            return Ok(false);
        }
        let owner = match failed.user {
            Some(user) => Owner::User(user),
            None => Owner::Attempts(
                failed.claim.clone(),
                self.parts.store.load::<Claim>(&stream).await?.sequence,
            ),
        };
        if failed.user.is_none() {
            self.parts.keyring.create(&owner.key()).await?;
        }
        let name = format!("attempts-{stream}");
        let place = Place {
            stream: &name,
            event_type: FAILED,
            field: "email",
        };
        let record = attempts::Record {
            user_id: failed.user,
            email: self.seals.text(&owner.key(), &place, &failed.email).await?,
            reason: failed.reason,
            provider: failed.provider.as_deref().map(Into::into),
            origin: self
                .seals
                .origin(&owner, &name, FAILED, &failed.origin, failed.at)
                .await?,
            ip_bucket: failed.origin.ip.map(|ip| self.parts.keyring.ip_bucket(ip)),
            at: failed.at,
        };
        self.append(&stream, LoginAttemptsCommand::Record(record), Some(&failed.origin))
            .await?;
        Ok(true)
    }

    fn count(&mut self, claim: ClaimId, provider: Option<String>, more: &Pending) {
        let room = self.pending.len() < SUMMARIES;
        match self.pending.entry((claim, provider)) {
            Entry::Occupied(mut pending) => pending.get_mut().add(more),
            Entry::Vacant(place) if room => {
                place.insert(*more);
            }
            Entry::Vacant(place) => {
                let (_, provider) = place.into_key();
                self.count_elsewhere(provider, more);
            }
        }
    }

    fn count_elsewhere(&mut self, provider: Option<String>, more: &Pending) {
        let more = Pending { user: None, ..*more };
        let elsewhere = self.elsewhere.entry(provider);
        elsewhere.and_modify(|pending| pending.add(&more)).or_insert(more);
    }

    async fn summarize(&mut self) {
        for ((claim, provider), pending) in std::mem::take(&mut self.pending) {
            // An address where nothing but a few refusals happened is not worth an event.
            if pending.failed == 0 && pending.refused < REFUSED {
                self.count_elsewhere(provider, &pending);
            } else if !self
                .append_summary(&claim.to_string(), provider.as_deref(), &pending)
                .await
            {
                self.count(claim, provider, &pending);
            }
        }
        let overflow = Pending {
            refused: self.overflow.swap(0, Ordering::Relaxed),
            ..Pending::none(self.parts.clock.now())
        };
        if overflow.refused > 0 {
            self.count_elsewhere(None, &overflow);
        }
        for (provider, pending) in std::mem::take(&mut self.elsewhere) {
            let enough = pending.count() >= REFUSED;
            if !enough || !self.append_summary(ELSEWHERE, provider.as_deref(), &pending).await {
                self.count_elsewhere(provider, &pending);
            }
        }
    }

    /// Whether it was appended, or cannot be: one that comes too early is part of the next.
    async fn append_summary(&self, stream: &str, provider: Option<&str>, pending: &Pending) -> bool {
        let summary = attempts::Summarize {
            user_id: pending.user,
            provider: provider.map(Into::into),
            count: pending.count(),
            from: pending.from,
            at: pending.until,
        };
        let command = LoginAttemptsCommand::Summarize(summary);
        match self.append(stream, command, None).await {
            Ok(appended) => appended,
            Err(fault) => {
                let count = pending.count();
                tracing::error!(error = fault.cause(), count, "failed logins were not summarized");
                true
            }
        }
    }

    /// Whether the rules let it be appended.
    async fn append(
        &self,
        stream: &str,
        command: LoginAttemptsCommand,
        origin: Option<&Origin>,
    ) -> Result<bool, Fault> {
        let now = self.parts.clock.now();
        let metadata = CommandMetadata {
            request_id: origin.map(|origin| origin.request_id.to_string()),
            ..metadata_of("system", now)
        };
        match self
            .parts
            .store
            .execute::<LoginAttempts>(stream, command, &metadata)
            .await
        {
            Ok(_) => Ok(true),
            Err(Failure::Refused(_)) => Ok(false),
            Err(Failure::Conflict) => Err(Fault::plain("the stream was changed by others again and again")),
            Err(Failure::Broken(fault)) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests;
