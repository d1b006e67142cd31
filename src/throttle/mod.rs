//! Throttling: what is counted, atomically and before anything costly is done, so that nobody guesses passwords or floods
//! mailboxes (NIST SP 800-63B-4 §3.2.2, OWASP ASVS 6.3.1).
//!
//! A counter is one row in SQL, taken by one statement: of any number of parallel attempts, on any number of nodes, as many
//! get through as the rule allows. An attempt is taken from all its counters or, when one refuses, from none. Keys of
//! counters are keyed hashes. `docs/throttling.md` is the table of what is counted and how much is let through.
//!
//! * `attempts` says by which counters each kind of attempt is counted, and `counters` takes it from them.
//! * [`Scope`] names what is counted, `rule` says how much, `network` what a network is.
//! * `database` and `pool` are the table on SQLite and on PostgreSQL.
//! * `refused` remembers what is refused right now, so that a flood costs no SQL. The decision stays with SQL.
//! * [`Devices`] is the cookie of browsers that their owners have used: no lock of an account shuts them out (OWASP: Slow
//!   Down Online Guessing Attacks with Device Cookies).

mod attempts;
mod counters;
mod database;
mod device;
mod network;
mod pool;
mod refused;
mod rule;
mod scope;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use doorbook_domain::{id::UserId, seal::ClaimId, time::Timestamp};
use doorbook_projections::fault::Fault;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

pub use self::{
    attempts::Guesser,
    counters::Counted,
    device::{Device, Devices},
    scope::Scope,
};
use self::{
    counters::Counters,
    database::{Database, Settle, Take},
    refused::Refused,
    rule::Rule,
};
use crate::{clock::Clock, config, keys::keyed_hmac};

/// How often rows that mean nothing any more are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Sweeps between two log lines about refusals.
const SWEEPS_PER_LINE: u32 = 6;

/// The counters. Cheap to clone.
#[derive(Clone)]
pub struct Throttle(Option<Arc<Counters>>);

impl Throttle {
    /// Lets everything through: `throttle.enabled = false`.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Opens the counters; nothing is opened when they are switched off.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database cannot be opened.
    pub async fn open(
        config: &config::Throttle,
        database: &config::Database,
        key: &[u8; 32],
        clock: Clock,
    ) -> Result<Self, Fault> {
        if !config.enabled {
            return Ok(Self::off());
        }
        Ok(Self(Some(Arc::new(Counters {
            database: Database::open(database).await?,
            refused: Refused::default(),
            keyed: keyed_hmac(key),
            config: config.clone(),
            clock,
        }))))
    }

    /// The attempt was right: its row of failures is over, and it does not count against network and ceiling, whose other
    /// attempts stay.
    pub async fn passed(&self, counted: Counted) {
        let settle = |(take, said): (Take, i64)| match take.rule {
            Rule::Row(_) => Settle::Forget(take.key),
            Rule::Rate { .. } => Settle::GiveBack(take, said),
        };
        self.settle(counted.0.into_iter().map(settle).collect()).await;
    }

    /// The attempt was neither right nor wrong: it could not be judged.
    pub async fn withdraw(&self, counted: Counted) {
        let settles = counted.0.into_iter().map(|(take, said)| Settle::GiveBack(take, said));
        self.settle(settles.collect()).await;
    }

    /// Forgets the failures at an address: its owner has proven it, and set another password.
    pub async fn forgive(&self, address: &ClaimId) {
        let Some(throttle) = &self.0 else { return };
        let key = throttle.key(Scope::LoginAccount, address.0.as_bytes());
        self.settle(vec![Settle::Forget(key)]).await;
    }

    /// Forgets the failures at an address, and those of its owner in live sessions: an admin says so. What a browser that
    /// the owner has used counts by itself runs out by itself.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the counters cannot be changed.
    pub async fn unlock(&self, address: &ClaimId, owner: UserId) -> Result<(), Fault> {
        let Some(throttle) = &self.0 else { return Ok(()) };
        let keys = [
            throttle.key(Scope::LoginAccount, address.0.as_bytes()),
            throttle.key(Scope::Proof, owner.0.as_bytes()),
        ];
        let now = throttle.clock.now().micros();
        throttle.database.settle(&keys.map(Settle::Forget), now).await?;
        for key in &keys {
            throttle.refused.forget(key);
        }
        Ok(())
    }

    /// Until when failures at an address keep strangers from trying again; `None` when they do not.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the counters cannot be read.
    pub async fn locked_until(&self, address: &ClaimId) -> Result<Option<Timestamp>, Fault> {
        let Some(throttle) = &self.0 else { return Ok(None) };
        let key = throttle.key(Scope::LoginAccount, address.0.as_bytes());
        let now = throttle.clock.now().micros();
        let free_at = throttle.database.free_at(&key, now).await?;
        Ok(free_at.map(Timestamp::from_micros))
    }

    /// Attempts refused since the start.
    #[must_use]
    pub fn refusals(&self) -> Vec<(Scope, u64)> {
        self.0
            .as_ref()
            .map(|throttle| throttle.refused.counts())
            .unwrap_or_default()
    }

    /// Whether the counters can be read.
    ///
    /// # Errors
    ///
    /// [`Fault`] when they cannot.
    pub async fn check(&self) -> Result<(), Fault> {
        match &self.0 {
            Some(throttle) => throttle.database.check().await,
            None => Ok(()),
        }
    }

    /// Keeps the table small, and says once a minute what is refused, until `cancel`.
    pub async fn keep(self, cancel: CancellationToken) {
        let Some(throttle) = self.0 else { return };
        let mut pace = interval(SWEEP_EVERY);
        let (mut sweeps, mut reported) = (0_u32, throttle.refused.counts());
        while cancel.run_until_cancelled(pace.tick()).await.is_some() {
            if let Err(fault) = throttle.sweep().await {
                tracing::error!(error = fault.cause(), "the counters of attempts cannot be swept");
            }
            sweeps += 1;
            if sweeps.is_multiple_of(SWEEPS_PER_LINE) {
                let counts = throttle.refused.counts();
                if let Some(refused) = refused::difference(&reported, &counts) {
                    tracing::warn!(%refused, "attempts are refused");
                }
                reported = counts;
            }
        }
    }

    /// Ends the connections to the counters.
    pub async fn close(&self) {
        if let Some(throttle) = &self.0 {
            throttle.database.close().await;
        }
    }

    async fn settle(&self, settles: Vec<Settle>) {
        let Some(throttle) = &self.0 else { return };
        for settle in &settles {
            let (Settle::Forget(key) | Settle::GiveBack(Take { key, .. }, _)) = settle;
            throttle.refused.forget(key);
        }
        let now = throttle.clock.now().micros();
        if !settles.is_empty()
            && let Err(fault) = throttle.database.settle(&settles, now).await
        {
            tracing::warn!(error = fault.cause(), "an attempt that was right still counts");
        }
    }
}
