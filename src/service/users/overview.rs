//! The service at a glance: what is cheap to know is asked, what takes a while is remembered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_domain::time::Timestamp;
use doorbook_openapi::{
    app::Refusal,
    overview::{Glance, HOURS, Hour, Lag, Overview, Totals},
};
use doorbook_projections::{
    engine::Status,
    fault::Fault,
    figures::{self, HourlyLogins},
    log::Position,
    login_history, sessions, users,
};
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::service::Service;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;
/// Shortest time between two counts of everything.
const COUNT_EVERY: Duration = Duration::from_mins(1);
/// Counting takes at most a hundredth of the time.
const COUNT_SHARE: u32 = 100;
/// Of so many users, or recent sessions, each is counted. Of more, where the database can tell how many there are, about so many
/// are looked at.
const COUNT_MOST: u64 = 500_000;
/// How long an answer waits for a count. A small service is counted within.
const COUNT_PATIENCE: Duration = Duration::from_secs(1);
/// An hour is over so long after its end: failures are written in the background.
const SETTLED: Duration = Duration::from_mins(5);
/// Events over which their rate is taken.
const RATE_OVER: u64 = 1000;

/// What was counted before.
#[derive(Clone, Default)]
pub(in crate::service) struct Counting {
    totals: Arc<Mutex<Known>>,
    /// Held by whoever counts.
    alone: Arc<tokio::sync::Mutex<()>>,
    /// Hours that are over, by their number since 1970.
    hours: Arc<Mutex<BTreeMap<i64, HourlyLogins>>>,
}

#[derive(Clone, Copy, Default)]
struct Known {
    totals: Option<Totals>,
    /// How long it took.
    took: Duration,
}

impl Known {
    fn is_due(&self, now: Timestamp) -> bool {
        let pause = COUNT_EVERY.max(self.took.saturating_mul(COUNT_SHARE));
        self.totals.is_none_or(|totals| now.since(totals.counted_at) >= pause)
    }
}

#[async_trait]
impl Glance for Service {
    async fn overview(&self) -> Result<Overview, Refusal> {
        let now = self.clock.now();
        let statuses = self.engine.status().await?;
        let (position, events_per_second) = self.event_rate(now).await?;
        let totals = self.totals(now).await;
        Ok(Overview {
            hours: self.hours(now, &statuses).await?,
            totals,
            at: self.clock.now(),
            position: position.to_string(),
            events_per_second,
            lag: statuses.iter().map(lag).collect(),
        })
    }
}

fn lag(status: &Status) -> Lag {
    Lag {
        projection: status.name.to_owned(),
        events: status.lag_events,
        age: status.lag,
        parked: u64::try_from(status.parked.len()).unwrap_or(u64::MAX),
    }
}

impl Service {
    /// The latest count, which is begun anew where it is due. One runs at a time, in the background.
    async fn totals(&self, now: Timestamp) -> Option<Totals> {
        let known = *self.counting.totals.lock();
        if known.is_due(now)
            && let Ok(alone) = Arc::clone(&self.counting.alone).try_lock_owned()
        {
            let service = self.clone();
            let count = self.commands.spawn(async move {
                if let Err(fault) = service.count_all().await {
                    tracing::warn!(error = fault.cause(), "users and sessions cannot be counted");
                }
                drop(alone);
            });
            // Whoever does not wait for it finds it next time.
            let _ = timeout(COUNT_PATIENCE, count).await;
        }
        self.counting.totals.lock().totals
    }

    async fn count_all(&self) -> Result<(), Fault> {
        let reads = self.engine.reads();
        for name in [users::NAME, sessions::NAME] {
            // One that is far behind is counted as it is.
            let _ = self.caught_up(name).await;
            if !reads.serves(name) {
                return Ok(());
            }
        }
        let began = self.clock.now();
        let users = figures::count_users(&reads, COUNT_MOST).await?;
        let sessions = figures::count_sessions(&reads, began, COUNT_MOST).await?;
        let totals = Totals {
            counted_at: began,
            approximate: users.approximate || sessions.approximate,
            live_sessions: sessions.many,
            active: users.active,
            deactivated: users.deactivated,
            erased: users.erased,
        };
        *self.counting.totals.lock() = Known {
            totals: Some(totals),
            took: self.clock.now().since(began),
        };
        Ok(())
    }

    /// Logins by hour; none where the history is not built yet. Hours that are over are counted once, so that an answer costs
    /// no more than the current hour.
    async fn hours(&self, now: Timestamp, statuses: &[Status]) -> Result<Vec<Hour>, Fault> {
        let reads = self.engine.reads();
        if !reads.serves(login_history::NAME) {
            return Ok(Vec::new());
        }
        let current = now.micros().div_euclid(HOUR);
        let first = current.saturating_sub(i64::try_from(HOURS).unwrap_or_default() - 1);
        let mut known = self.counting.hours.lock().split_off(&first);
        let missing = (first..=current)
            .find(|hour| !known.contains_key(hour))
            .unwrap_or(current);
        for hour in missing..=current {
            known.insert(hour, none(hour));
        }
        for counted in figures::logins_by_hour(&reads, missing).await? {
            known.insert(counted.hour, counted);
        }
        let behind = statuses.iter().find(|status| status.name == login_history::NAME);
        let settled = behind.map_or(Timestamp::default(), |status| now.minus(SETTLED).minus(status.lag));
        let over = |hour: i64| (hour + 1).saturating_mul(HOUR) <= settled.micros();
        let kept = known.iter().filter(|&(&hour, _)| over(hour));
        *self.counting.hours.lock() = kept.map(|(&hour, &counted)| (hour, counted)).collect();
        let shown = known.range(first..=current).map(|(_, counted)| Hour {
            from: Timestamp::from_micros(counted.hour.saturating_mul(HOUR)),
            logins: counted.logins,
            failures: counted.failures,
        });
        Ok(shown.collect())
    }

    /// The last position, and events a second since the event a thousand before it.
    async fn event_rate(&self, now: Timestamp) -> Result<(Position, f64), Fault> {
        let log = self.store.log();
        let head = log.head().await?;
        let before = head.number().saturating_sub(RATE_OVER);
        let first = log.read(Position::new(before), 1).await?;
        let Some(first) = first.first() else {
            return Ok((head, 0.0));
        };
        let span = now.since(first.recorded_at).max(Duration::from_millis(1));
        let events = u32::try_from(head.number() - before).unwrap_or(u32::MAX);
        Ok((head, f64::from(events) / span.as_secs_f64()))
    }
}

const fn none(hour: i64) -> HourlyLogins {
    HourlyLogins {
        hour,
        logins: 0,
        failures: 0,
    }
}
