//! Numbers for an overview, from several read models.

use doorbook_domain::{id::UserId, time::Timestamp};

use crate::{
    as_of,
    db::Row,
    engine::Reads,
    fault::Fault,
    login_history, sessions,
    users::{self, State},
};

/// An hour, in microseconds.
const HOUR: i64 = 3_600_000_000;

/// Users, by whether they may log in. Those that do not own their address do not count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Those who may.
    pub active: u64,
    /// Those who may not.
    pub deactivated: u64,
    /// Those who are gone for good.
    pub erased: u64,
    /// Whether a sample was counted.
    pub approximate: bool,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// So many.
    pub many: u64,
    /// Whether a sample was counted.
    pub approximate: bool,
}

/// Logins of an hour of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HourlyLogins {
    /// Hours since 1970 when it began.
    pub hour: i64,
    /// Those that opened a session.
    pub logins: u64,
    /// Those that failed, also where they were not recorded singly.
    pub failures: u64,
}

/// Counts all users: goes through them where there are about `most` or fewer, and else, on `PostgreSQL`, through a sample of
/// about so many.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn count_users(reads: &Reads, most: u64) -> Result<UserCounts, Fault> {
    let view = reads.view(users::NAME)?;
    let sample = view.sample("users", "u", most).await?;
    let sql = format!(
        "select u.state as state, count(*) as many
         from {users} left join {claims} c on c.claim = u.claim and c.user_id = u.user_id and c.held = 1
         where c.held = 1 or u.state = $1 group by u.state",
        users = sample.from,
        claims = view.table("user_claims"),
    );
    let mut counts = UserCounts {
        approximate: sample.every > 1,
        ..UserCounts::default()
    };
    for row in view.fetch(&sql, vec![State::Erased.as_str().into()]).await? {
        let many = sample.every.saturating_mul(row.count("many")?);
        match State::read(&row.text("state")?)? {
            State::Active => counts.active = many,
            State::Deactivated => counts.deactivated = many,
            State::Erased => counts.erased = many,
        }
    }
    Ok(counts)
}

/// Counts the sessions that are alive at the instant: goes through those that started within the longest life of one,
/// however many there were before; where those are more than `most`, through a sample of all, as [`count_users`].
///
/// # Errors
///
/// As [`count_users`].
pub async fn count_sessions(reads: &Reads, now: Timestamp, most: u64) -> Result<Count, Fault> {
    let view = reads.view(sessions::NAME)?;
    let Some(earliest) = as_of::earliest_start(&view, now).await? else {
        return Ok(Count::default());
    };
    let sessions = view.table("sessions");
    // Along an index, and not to its end.
    let recent = format!("select count(*) as many from (select 1 from {sessions} where started_at > $1 limit $2) s");
    let limit = most.saturating_add(1);
    let recent = many(view.find(&recent, vec![earliest.into(), limit.into()]).await?)?;
    let most = if recent > most { most } else { u64::MAX };
    let sample = view.sample("sessions", "s", most).await?;
    let sql = format!(
        "select count(*) as many from {} where s.started_at > $2 and {}",
        sample.from,
        alive(&view.table("session_epochs"), 1)
    );
    let counted = many(view.find(&sql, vec![now.into(), earliest.into()]).await?)?;
    Ok(Count {
        many: sample.every.saturating_mul(counted),
        approximate: sample.every > 1,
    })
}

/// Counts the sessions of a user that are alive at the instant.
///
/// # Errors
///
/// As [`count_users`].
pub async fn count_sessions_of(reads: &Reads, user: UserId, now: Timestamp) -> Result<u64, Fault> {
    let view = reads.view(sessions::NAME)?;
    let sql = format!(
        "select count(*) as many from {} s where s.user_id = $1 and {}",
        view.table("sessions"),
        alive(&view.table("session_epochs"), 2)
    );
    many(view.find(&sql, vec![user.0.into(), now.into()]).await?)
}

/// What holds of a session that is alive at the instant of a parameter.
fn alive(epochs: &str, now: usize) -> String {
    format!(
        "s.until > ${now} and s.ended_at is null and s.idle_until > ${now} and s.absolute_until > ${now}
         and not exists (select 1 from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch)"
    )
}

fn many(row: Option<Row>) -> Result<u64, Fault> {
    row.map_or(Ok(0), |row| row.count("many"))
}

/// The logins of each hour of the clock from `first` on, in hours since 1970; hours without any are absent. Goes through
/// the logins of those hours only.
///
/// # Errors
///
/// As [`count_users`].
pub async fn logins_by_hour(reads: &Reads, first: i64) -> Result<Vec<HourlyLogins>, Fault> {
    const SUCCESS: &str = "session_id is not null";
    let view = reads.view(login_history::NAME)?;
    let sql = format!(
        "select at / {HOUR} as hour,
                cast(sum(case when {SUCCESS} then 1 else 0 end) as bigint) as logins,
                cast(sum(case when {SUCCESS} then 0 else coalesce(failures, 1) end) as bigint) as failures
         from {} where at >= $1 group by at / {HOUR} order by hour",
        view.table("logins")
    );
    let rows = view.fetch(&sql, vec![first.saturating_mul(HOUR).into()]).await?;
    let hour = |row: &Row| {
        Ok(HourlyLogins {
            hour: row.int("hour")?,
            logins: row.count("logins")?,
            failures: row.count("failures")?,
        })
    };
    rows.iter().map(hour).collect()
}
