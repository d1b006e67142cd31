use poem_openapi::{Object, OpenApi};

use super::Tag;
use crate::{
    caller::Supervisor,
    overview::{Hour, Lag, Overview, Totals},
    refused::{ROLE, Refused},
    reply::Reply,
    scalar::Instant,
};

/// Counts that take a while. They are made in the background, at most once a minute.
#[derive(Object)]
struct StatsTotals {
    /// They were true then.
    counted_at: Instant,
    /// Whether these are estimates: of very many, a sample is counted.
    approximate: bool,
    /// Sessions that nothing had ended.
    live_sessions: u64,
    /// Users who may log in.
    active_users: u64,
    /// Users who may not until they are reactivated.
    deactivated_users: u64,
    /// Users who are gone for good.
    erased_users: u64,
}

impl From<Totals> for StatsTotals {
    fn from(totals: Totals) -> Self {
        Self {
            counted_at: Instant(totals.counted_at),
            approximate: totals.approximate,
            live_sessions: totals.live_sessions,
            active_users: totals.active,
            deactivated_users: totals.deactivated,
            erased_users: totals.erased,
        }
    }
}

/// Logins of one hour.
#[derive(Object)]
struct StatsHour {
    /// When it began.
    from: Instant,
    /// Logins that opened a session.
    logins: u64,
    /// Logins that failed.
    failures: u64,
}

impl From<Hour> for StatsHour {
    fn from(hour: Hour) -> Self {
        Self {
            from: Instant(hour.from),
            logins: hour.logins,
            failures: hour.failures,
        }
    }
}

/// How far a projection is behind the log.
#[derive(Object)]
struct StatsLag {
    /// Its name.
    projection: String,
    /// Events that it does not show yet.
    events: u64,
    /// For how long the first of them has waited.
    seconds: f64,
    /// Streams that it leaves out from an event on that could not be read.
    parked: u64,
}

impl From<Lag> for StatsLag {
    fn from(lag: Lag) -> Self {
        Self {
            projection: lag.projection,
            events: lag.events,
            seconds: lag.age.as_secs_f64(),
            parked: lag.parked,
        }
    }
}

/// The service at a glance.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Stats {
    /// Now.
    at: Instant,
    /// Absent while they are counted for the first time.
    totals: Option<StatsTotals>,
    /// The latest 24 hours of the clock, oldest first; in the last one it is now. Empty while the login history is built.
    hours: Vec<StatsHour>,
    /// Position of the last event of the log.
    position: String,
    /// Events a second, over the latest thousand: approximate.
    events_per_second: f64,
    /// Of every projection.
    lag: Vec<StatsLag>,
}

impl From<Overview> for Stats {
    fn from(overview: Overview) -> Self {
        Self {
            at: Instant(overview.at),
            totals: overview.totals.map(StatsTotals::from),
            hours: overview.hours.into_iter().map(StatsHour::from).collect(),
            position: overview.position,
            events_per_second: overview.events_per_second,
            lag: overview.lag.into_iter().map(StatsLag::from).collect(),
        }
    }
}

pub(crate) struct OverviewApi;

#[OpenApi(prefix_path = "/api/admin", tag = "Tag::Overview")]
impl OverviewApi {
    /// Show the service at a glance
    ///
    /// Who is signed in, what was logged in and failed in each of the last 24 hours, and how far projections are behind.
    #[oai(path = "/stats", method = "get", operation_id = "getStats")]
    async fn stats(&self, supervisor: Supervisor) -> Result<Reply<Stats>, Refused<ROLE>> {
        let overview = supervisor.call.gate().app.overview().await?;
        Ok(Reply::json(&Stats::from(overview)))
    }
}
