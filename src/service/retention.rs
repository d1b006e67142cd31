//! What is known for a time only: from which address of the network somebody came, and with which browser.
//!
//! Both are sealed under a key that needs its owner's and that of the calendar month in UTC (`KeyName::of_month`). When a
//! whole month is older than `audit.retention`, its key is destroyed, and with it every one of them, in the log, in read
//! models and in copies of either. The rest of each event stays: nothing is deleted from the log.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use doorbook_domain::time::Timestamp;
use doorbook_projections::fault::Fault;
use tokio_util::sync::CancellationToken;

use super::{Service, erasures::Forgotten};
use crate::keys::{KeyName, Month};

/// How often the calendar is looked at.
const EVERY: Duration = Duration::from_hours(1);
/// How soon again when that failed.
const AGAIN: Duration = Duration::from_mins(1);

/// How many months should be forgotten by now and are not.
#[derive(Debug, Default)]
pub(super) struct Overdue(AtomicU64);

impl Service {
    /// Forgets what is older than `audit.retention`, until cancelled.
    pub async fn keep_retention(self, cancel: CancellationToken) {
        self.look_at_the_calendar(EVERY, cancel).await;
    }

    /// The same, as often as is said.
    pub(super) async fn look_at_the_calendar(self, every: Duration, cancel: CancellationToken) {
        // A crash may have come between a key's end in its table and in the files around it.
        let mut again = true;
        while !cancel.is_cancelled() {
            let pause = match self.forget_months(again).await {
                Ok(months) => {
                    again = false;
                    if months > 0 {
                        tracing::info!(months, "IP addresses and user agents were forgotten: audit.retention");
                    }
                    every
                }
                Err(fault) => {
                    tracing::error!(
                        error = fault.cause(),
                        "old months were not forgotten; will be tried again"
                    );
                    AGAIN
                }
            };
            tokio::select! {
                () = cancel.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Destroys the keys of the months that are older than `audit.retention` as a whole, and with `again` those once more
    /// that are destroyed already. Says how many were not.
    pub(super) async fn forget_months(&self, again: bool) -> Result<u64, Fault> {
        let Some(retention) = self.rules.retention else {
            return Ok(0);
        };
        let first_kept = KeyName::month(self.clock.now().minus(retention)).month_begins();
        let months = self.keyring.months().await?;
        let old: Vec<Month> = months
            .into_iter()
            .filter(|month| Some(month.begins) < first_kept && (again || !month.forgotten))
            .collect();
        let new = old.iter().filter(|month| !month.forgotten).count();
        let new = u64::try_from(new).unwrap_or(u64::MAX);
        self.overdue.0.store(new, Ordering::Relaxed);
        if old.is_empty() {
            return Ok(0);
        }
        // First: what a restore of an older state has to destroy again must be known before it is destroyed.
        for month in &old {
            let month = month.key.as_str().to_owned();
            self.rules.erasures.note_month(&Forgotten { month }).await?;
        }
        let keys: Vec<KeyName> = old.into_iter().map(|month| month.key).collect();
        self.keyring.destroy_all(&keys).await?;
        self.overdue.0.store(0, Ordering::Relaxed);
        Ok(new)
    }

    /// How many months should be forgotten by now and are not.
    #[must_use]
    pub fn months_overdue(&self) -> u64 {
        self.overdue.0.load(Ordering::Relaxed)
    }

    /// The first instant of which an address of the network may still be known; `None` when none is.
    pub(super) async fn addresses_known_since(&self) -> Result<Option<Timestamp>, Fault> {
        let months = self.keyring.months().await?;
        Ok(months.iter().find(|month| !month.forgotten).map(|month| month.begins))
    }
}
