//! The counters behind the attempts: which there are for a network and for all, and how one attempt is taken from several.

use std::{net::IpAddr, time::Duration};

use doorbook_domain::{seal::ClaimId, time::Timestamp};
use doorbook_openapi::app::Refusal;
use doorbook_projections::fault::Fault;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::{
    Scope,
    database::{Database, Key, Said, Take},
    network,
    refused::Refused,
    rule::Rule,
};
use crate::{clock::Clock, config};

/// Of a ceiling for all, a wide network has one of so many parts: nobody who holds one reaches the ceiling for the others.
const WIDE_PARTS: u32 = 10;

/// The counters, and what is needed to take from them.
pub(super) struct Counters {
    pub(super) database: Database,
    pub(super) refused: Refused,
    pub(super) keyed: Hmac<Sha256>,
    pub(super) config: config::Throttle,
    pub(super) clock: Clock,
}

/// An attempt that was let through and counted.
#[must_use = "an attempt that turned out well is not to count against its owner"]
#[derive(Debug, Default)]
pub struct Counted(pub(super) Vec<(Take, i64)>);

/// One of the counters that an attempt is taken from.
pub(super) struct Counter {
    scope: Scope,
    take: Take,
}

impl Counters {
    /// Takes an attempt from all of them or, when one refuses, from none.
    pub(super) async fn take(&self, counters: &[Counter]) -> Result<Counted, Refusal> {
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

    /// Removes rows that mean nothing any more.
    pub(super) async fn sweep(&self) -> Result<i64, Fault> {
        let most = i64::try_from(self.config.capacity).unwrap_or(i64::MAX);
        self.database.sweep(most, self.clock.now().micros()).await
    }

    /// Those of a mail that somebody asks for.
    pub(super) fn mails(&self, address: &ClaimId, ip: Option<IpAddr>) -> Vec<Counter> {
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

    /// Those of the networks around an address.
    pub(super) fn networks(&self, scope: Scope, ip: Option<IpAddr>, rate: config::Rate) -> Vec<Counter> {
        network::of(ip)
            .into_iter()
            .map(|(network, factor)| self.rate(scope, &network, rate, factor))
            .collect()
    }

    /// The ceiling for all.
    pub(super) fn global(&self, scope: Scope, rate: config::Rate) -> Counter {
        self.rate(scope, &[], rate, 1)
    }

    /// One that lets through so many in a window, times `factor`.
    pub(super) fn rate(&self, scope: Scope, what: &[u8], rate: config::Rate, factor: u32) -> Counter {
        self.counter(scope, what, Rule::rate(rate, factor))
    }

    /// One of failures in a row.
    pub(super) fn row(&self, scope: Scope, what: &[u8], limit: u32) -> Counter {
        self.counter(scope, what, Rule::row(&self.config, limit))
    }

    fn counter(&self, scope: Scope, what: &[u8], rule: Rule) -> Counter {
        let key = self.key(scope, what);
        Counter {
            scope,
            take: Take { key, rule },
        }
    }

    /// What a counter is called in the table.
    pub(super) fn key(&self, scope: Scope, what: &[u8]) -> Key {
        let mut keyed = self.keyed.clone();
        keyed.update(scope.name().as_bytes());
        keyed.update(&[0]);
        keyed.update(what);
        let whole: [u8; 32] = keyed.finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }
}
