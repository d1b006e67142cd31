//! Throttling: what is counted, atomically and before anything costly is done, so that nobody guesses passwords or floods
//! mailboxes (NIST SP 800-63B-4 §3.2.2, OWASP ASVS 6.3.1).
//!
//! A counter is one row in SQL, taken by one statement: of any number of parallel attempts, on any number of nodes, as many
//! get through as the rule allows. An attempt is taken from all its counters or, when one refuses, from none. Keys of
//! counters are keyed hashes. `docs/throttling.md` is the table of what is counted and how much is let through.
//!
//! * [`Scope`] names what is counted, `rule` says how much, `network` what a network is.
//! * `database` and `pool` are the table on SQLite and on PostgreSQL.
//! * `refused` remembers what is refused right now, so that a flood costs no SQL. The decision stays with SQL.
//! * [`Devices`] is the cookie of browsers that their owners have used: no lock of an account shuts them out (OWASP: Slow
//!   Down Online Guessing Attacks with Device Cookies).

mod database;
mod device;
mod network;
mod pool;
mod refused;
mod rule;
mod scope;
#[cfg(test)]
mod tests;

use std::{net::IpAddr, sync::Arc, time::Duration};

use doorbook_domain::{id::UserId, seal::ClaimId, time::Timestamp};
use doorbook_openapi::app::Refusal;
use doorbook_projections::fault::Fault;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use tokio::time::interval;
use tokio_util::sync::CancellationToken;

use self::{
    database::{Database, Key, Said, Settle, Take},
    refused::Refused,
    rule::Rule,
};
pub use self::{
    device::{Device, Devices},
    scope::Scope,
};
use crate::{clock::Clock, config, keys::keyed_hmac};

/// How often rows that mean nothing any more are removed.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// Of a ceiling for all, a wide network has one of so many parts: nobody who holds one reaches the ceiling for the others.
const WIDE_PARTS: u32 = 10;
/// Sweeps between two log lines about refusals.
const SWEEPS_PER_LINE: u32 = 6;

/// Changes of one user's name and address: more than anybody needs, and few enough for a log that keeps them for ever.
const CHANGES: config::Rate = config::Rate {
    limit: 30,
    window: Duration::from_hours(1),
};

/// The counters. Cheap to clone.
#[derive(Clone)]
pub struct Throttle(Option<Arc<Inner>>);

struct Inner {
    database: Database,
    refused: Refused,
    keyed: Hmac<Sha256>,
    config: config::Throttle,
    clock: Clock,
}

/// Who tries to log in.
#[derive(Debug, Clone, Copy)]
pub enum Guesser<'a> {
    /// A browser that the owner of this address has not used.
    Stranger(&'a ClaimId),
    /// A browser that this user has used.
    Known(&'a Device, UserId),
}

/// An attempt that was let through and counted.
#[must_use = "an attempt that turned out well is not to count against its owner"]
#[derive(Debug, Default)]
pub struct Counted(Vec<(Take, i64)>);

struct Counter {
    scope: Scope,
    take: Take,
}

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
        Ok(Self(Some(Arc::new(Inner {
            database: Database::open(database).await?,
            refused: Refused::default(),
            keyed: keyed_hmac(key),
            config: config.clone(),
            clock,
        }))))
    }

    /// Counts an attempt to log in. A known browser counts by itself alone, so that neither a locked account nor a flooded
    /// network shuts it out.
    ///
    /// # Errors
    ///
    /// [`Refusal::Throttled`], or [`Refusal::Fault`] when the counters cannot be read: nobody guesses uncounted.
    pub async fn log_in(&self, guesser: Guesser<'_>, ip: Option<IpAddr>) -> Result<Counted, Refusal> {
        self.take(|throttle| {
            let config = &throttle.config;
            match guesser {
                Guesser::Known(device, user) => {
                    let what = [device.id().as_slice(), user.0.as_bytes()].concat();
                    vec![throttle.row(Scope::LoginDevice, &what, config.login_device)]
                }
                Guesser::Stranger(claim) => {
                    let mut counters =
                        vec![throttle.row(Scope::LoginAccount, claim.0.as_bytes(), config.login_account)];
                    counters.extend(throttle.networks(Scope::LoginNetwork, ip, config.login_network));
                    counters.push(throttle.global(Scope::LoginGlobal, config.login_global));
                    counters
                }
            }
        })
        .await
    }

    /// Counts a password that is given as proof in a live session.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn proof(&self, user: UserId) -> Result<Counted, Refusal> {
        self.take(|throttle| vec![throttle.row(Scope::Proof, user.0.as_bytes(), throttle.config.proof)])
            .await
    }

    /// Counts a mail that somebody asks for: to the address whose claim this is, known or not.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn mail(&self, address: &ClaimId, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| throttle.mails(address, ip)).await.map(drop)
    }

    /// Counts a sign-up, which is a mail too.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn sign_up(&self, address: &ClaimId, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let mut counters = throttle.mails(address, ip);
            counters.extend(throttle.networks(Scope::SignupNetwork, ip, throttle.config.signup_network));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts the redemption of a mailed link, whatever its token looks like.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn redemption(&self, token: &str, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let config = &throttle.config;
            let mut counters = vec![throttle.rate(Scope::RedeemToken, token.as_bytes(), config.redeem_token, 1)];
            counters.extend(throttle.networks(Scope::RedeemNetwork, ip, config.redeem_network));
            counters.push(throttle.global(Scope::WorkGlobal, config.work_global));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts a new password whose strength is to be judged.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn judging(&self, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| {
            let mut counters = throttle.networks(Scope::JudgeNetwork, ip, throttle.config.judge_network);
            counters.push(throttle.global(Scope::WorkGlobal, throttle.config.work_global));
            counters
        })
        .await
        .map(drop)
    }

    /// Counts the beginning of a sign-in at an identity provider: each is kept until it is over, and too many would push
    /// out those of others.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn flow(&self, ip: Option<IpAddr>) -> Result<(), Refusal> {
        self.take(|throttle| throttle.networks(Scope::FlowNetwork, ip, throttle.config.flow_network))
            .await
            .map(drop)
    }

    /// Counts a change of a user's name, or a wish for another address: the log keeps each for ever.
    ///
    /// # Errors
    ///
    /// As [`Self::log_in`].
    pub async fn change(&self, user: UserId) -> Result<(), Refusal> {
        self.take(|throttle| vec![throttle.rate(Scope::Change, user.0.as_bytes(), CHANGES, 1)])
            .await
            .map(drop)
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

    async fn take(&self, counters: impl FnOnce(&Inner) -> Vec<Counter> + Send) -> Result<Counted, Refusal> {
        match &self.0 {
            Some(throttle) => throttle.take(&counters(throttle)).await,
            None => Ok(Counted::default()),
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

impl Inner {
    async fn take(&self, counters: &[Counter]) -> Result<Counted, Refusal> {
        let now = self.clock.now().micros();
        let keys = counters.iter().map(|counter| counter.take.key);
        if let Some((scope, free_at)) = self.refused.find(keys, now) {
            return Err(self.refuse(scope, free_at));
        }
        let takes: Vec<Take> = counters.iter().map(|counter| counter.take).collect();
        let said = self.database.take(&takes, now).await?;
        let mut counted = Vec::with_capacity(takes.len());
        let mut longest: Option<(Scope, i64)> = None;
        for (counter, said) in counters.iter().zip(said) {
            match said {
                Said::Yes(free_at) => counted.push((counter.take, free_at)),
                Said::No(free_at) => {
                    self.refused.remember(counter.take.key, counter.scope, free_at, now);
                    if longest.is_none_or(|(_, other)| other < free_at) {
                        longest = Some((counter.scope, free_at));
                    }
                }
            }
        }
        match longest {
            None => Ok(Counted(counted)),
            Some((scope, free_at)) => Err(self.refuse(scope, free_at)),
        }
    }

    /// The wait begins now: the counter may have been waited for.
    fn refuse(&self, scope: Scope, free_at: i64) -> Refusal {
        self.refused.count(scope);
        let wait = Timestamp::from_micros(free_at).since(self.clock.now());
        Refusal::Throttled(wait.max(Duration::from_micros(1)))
    }

    async fn sweep(&self) -> Result<i64, Fault> {
        let most = i64::try_from(self.config.capacity).unwrap_or(i64::MAX);
        self.database.sweep(most, self.clock.now().micros()).await
    }

    fn mails(&self, address: &ClaimId, ip: Option<IpAddr>) -> Vec<Counter> {
        let config = &self.config;
        let mut counters = vec![self.rate(Scope::MailAddress, address.0.as_bytes(), config.mail_address, 1)];
        counters.extend(self.networks(Scope::MailNetwork, ip, config.mail_network));
        let part = config::Rate {
            limit: config.mail_global.limit / WIDE_PARTS,
            ..config.mail_global
        };
        let wide = network::wide(ip).into_iter();
        counters.extend(wide.map(|(network, parts)| self.rate(Scope::MailWide, &network, part, parts)));
        counters.push(self.global(Scope::MailGlobal, config.mail_global));
        counters
    }

    fn networks(&self, scope: Scope, ip: Option<IpAddr>, rate: config::Rate) -> Vec<Counter> {
        network::of(ip)
            .into_iter()
            .map(|(network, factor)| self.rate(scope, &network, rate, factor))
            .collect()
    }

    fn global(&self, scope: Scope, rate: config::Rate) -> Counter {
        self.rate(scope, &[], rate, 1)
    }

    fn rate(&self, scope: Scope, what: &[u8], rate: config::Rate, factor: u32) -> Counter {
        self.counter(scope, what, Rule::rate(rate, factor))
    }

    fn row(&self, scope: Scope, what: &[u8], limit: u32) -> Counter {
        self.counter(scope, what, Rule::row(&self.config, limit))
    }

    fn counter(&self, scope: Scope, what: &[u8], rule: Rule) -> Counter {
        let key = self.key(scope, what);
        Counter {
            scope,
            take: Take { key, rule },
        }
    }

    fn key(&self, scope: Scope, what: &[u8]) -> Key {
        let mut keyed = self.keyed.clone();
        keyed.update(scope.name().as_bytes());
        keyed.update(&[0]);
        keyed.update(what);
        let whole: [u8; 32] = keyed.finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }
}
