//! The one that numbers the events.

use std::time::{Duration, Instant};

use sqlx::{PgConnection, Result};
use tracing::error;

use super::{
    gaps::{Gaps, between},
    session,
};

/// Most events of one batch.
const LIMIT: i64 = 10_000;
/// Listing locks visits every session of the server.
const LIST_EVERY: Duration = Duration::from_millis(10);
/// A lower `low` after a crash costs nothing but a longer start.
const SAVE_EVERY: Duration = Duration::from_secs(1);
/// The audit goes through the settled ids again and again, this many (some milliseconds) at a time.
const AUDIT_IDS: i64 = 20_000;
const AUDIT_EVERY: Duration = Duration::from_secs(5);

/// What a leader remembers. All of it can be found again from the tables.
pub(super) struct Leader {
    connection: PgConnection,
    high: i64,
    gaps: Gaps,
    saved: i64,
    audited: i64,
    listed_at: Option<Instant>,
    saved_at: Instant,
    audited_at: Instant,
}

/// What a batch did.
pub(super) struct Batch {
    /// How many events it numbered.
    pub(super) events: usize,
    /// There may be more.
    pub(super) full: bool,
    /// Ids are missing that may still appear.
    pub(super) gaps: bool,
}

impl Leader {
    /// The connection holds the lock.
    pub(super) async fn begin(mut connection: PgConnection) -> Result<Self> {
        let low = session::low(&mut connection).await?;
        let (high, missing) = session::resume(&mut connection, low).await?;
        let mut gaps = Gaps::default();
        gaps.add(missing);
        let now = Instant::now();
        Ok(Self {
            connection,
            high,
            gaps,
            saved: low,
            audited: 0,
            listed_at: None,
            saved_at: now,
            audited_at: now,
        })
    }

    /// Numbers what is new.
    pub(super) async fn batch(&mut self) -> Result<Batch> {
        self.list().await?;
        let ids = session::append(&mut self.connection, self.high, LIMIT, self.gaps.asked()).await?;
        let filled = ids.partition_point(|&id| id <= self.high);
        let (late, new) = ids.split_at(filled);
        for &id in late {
            self.gaps.found(id);
        }
        let full = ids.len() >= usize::try_from(LIMIT).unwrap_or(usize::MAX);
        if !full {
            self.gaps.settle();
        }
        self.gaps.add(between(self.high, new));
        self.high = new.last().copied().unwrap_or(self.high);
        self.keep_house().await?;
        Ok(Batch {
            events: ids.len(),
            full,
            gaps: !self.gaps.is_empty(),
        })
    }

    /// Lists who may still fill the gaps, before the batch that asks for them once more.
    async fn list(&mut self) -> Result<()> {
        let recently = self.listed_at.is_some_and(|at| at.elapsed() < LIST_EVERY);
        if self.gaps.is_empty() || recently {
            return Ok(());
        }
        let holders = session::holders(&mut self.connection).await?;
        self.gaps.listed(&holders);
        self.listed_at = Some(Instant::now());
        Ok(())
    }

    async fn keep_house(&mut self) -> Result<()> {
        if self.saved_at.elapsed() >= SAVE_EVERY {
            self.save().await?;
        }
        if self.audited_at.elapsed() >= AUDIT_EVERY {
            self.audit().await?;
        }
        Ok(())
    }

    /// Remembers how far everything is settled.
    pub(super) async fn save(&mut self) -> Result<()> {
        let low = self.gaps.low(self.high);
        if low > self.saved {
            session::save_low(&mut self.connection, low).await?;
            self.saved = low;
        }
        self.saved_at = Instant::now();
        Ok(())
    }

    /// Looks for settled events without a position. They would be a defect; they are reported and numbered late.
    async fn audit(&mut self) -> Result<()> {
        let low = self.gaps.low(self.high);
        let after = if self.audited < low { self.audited } else { 0 };
        let until = low.min(after + AUDIT_IDS);
        let skipped = session::skipped(&mut self.connection, after, until).await?;
        if let (Some(first), Some(last)) = (skipped.first(), skipped.last()) {
            error!(
                count = skipped.len(),
                first, last, "events had no position in the log; they get one now"
            );
            self.gaps.add(skipped.iter().map(|&id| (id, id)));
        }
        self.audited = until;
        self.audited_at = Instant::now();
        Ok(())
    }
}
