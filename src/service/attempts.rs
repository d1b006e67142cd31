//! Failed logins, written in the background: nobody waits for them, and their number is bounded.
//!
//! The first ten an hour at one address are recorded singly, then one summary a minute. What a crash loses is the tail of
//! a summary; throttling does not depend on any of it.

use std::{collections::HashMap, sync::Arc, time::Duration};

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
const FAILED: &str = "login.failed";

/// A failed login.
pub(super) struct Failed {
    pub(super) claim: ClaimId,
    pub(super) user: Option<UserId>,
    /// As typed.
    pub(super) email: String,
    pub(super) reason: FailureReason,
    pub(super) origin: Origin,
    pub(super) at: Timestamp,
}

/// Takes failed logins and writes them later. Cheap to clone; the writer ends when the last clone is dropped.
#[derive(Clone)]
pub struct Attempts {
    queue: mpsc::Sender<Failed>,
}

impl Attempts {
    pub(super) fn start(parts: Arc<Parts>, seals: Seals, tasks: &TaskTracker) -> Self {
        let (queue, failures) = mpsc::channel(QUEUE);
        tasks.spawn(
            Writer {
                parts,
                seals,
                pending: HashMap::new(),
            }
            .run(failures),
        );
        Self { queue }
    }

    /// Never waits. A failure that finds the queue full is dropped: under such load it would be one of a summary.
    pub(super) fn record(&self, mut failed: Failed) {
        // What is longer is no address. Others would fill memory and log with it.
        let end = failed.email.floor_char_boundary(EmailAddress::MAX_BYTES);
        failed.email.truncate(end);
        failed.email.shrink_to_fit();
        if self.queue.try_send(failed).is_err() {
            tracing::warn!("a failed login was not recorded: too many at once");
        }
    }
}

/// Failures at one address since its last record.
struct Pending {
    user: Option<UserId>,
    count: u32,
    from: Timestamp,
    until: Timestamp,
}

struct Writer {
    parts: Arc<Parts>,
    seals: Seals,
    pending: HashMap<ClaimId, Pending>,
}

impl Writer {
    async fn run(mut self, mut failures: mpsc::Receiver<Failed>) {
        let mut minute = interval(SUMMARY_EVERY);
        loop {
            tokio::select! {
                failed = failures.recv() => match failed {
                    Some(failed) => self.record(failed).await,
                    None => break,
                },
                _ = minute.tick() => self.summarize().await,
            }
        }
        self.summarize().await;
    }

    async fn record(&mut self, failed: Failed) {
        match self.record_singly(&failed).await {
            Ok(true) => {}
            Ok(false) => self.count(failed),
            Err(fault) => {
                tracing::error!(error = fault.cause(), "a failed login was not recorded");
                self.count(failed);
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
            origin: self
                .seals
                .origin(&owner, &name, FAILED, &failed.origin, failed.at)
                .await?,
            at: failed.at,
        };
        self.append(&stream, LoginAttemptsCommand::Record(record), Some(&failed.origin))
            .await?;
        Ok(true)
    }

    fn count(&mut self, failed: Failed) {
        let room = self.pending.len() < SUMMARIES;
        if let Some(pending) = self.pending.get_mut(&failed.claim) {
            pending.count = pending.count.saturating_add(1);
            pending.until = failed.at;
        } else if room {
            let pending = Pending {
                user: failed.user,
                count: 1,
                from: failed.at,
                until: failed.at,
            };
            self.pending.insert(failed.claim, pending);
        }
    }

    async fn summarize(&mut self) {
        for (claim, pending) in std::mem::take(&mut self.pending) {
            let Pending {
                user,
                count,
                from,
                until,
            } = pending;
            let summary = attempts::Summarize {
                user_id: user,
                count,
                from,
                at: until,
            };
            let command = LoginAttemptsCommand::Summarize(summary);
            if let Err(fault) = self.append(&claim.to_string(), command, None).await {
                tracing::error!(error = fault.cause(), count, "failed logins were not summarized");
            }
        }
    }

    async fn append(&self, stream: &str, command: LoginAttemptsCommand, origin: Option<&Origin>) -> Result<(), Fault> {
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
            Ok(_) | Err(Failure::Refused(_)) => Ok(()),
            Err(Failure::Conflict) => Err(Fault::plain("the stream was changed by others again and again")),
            Err(Failure::Broken(fault)) => Err(fault),
        }
    }
}
