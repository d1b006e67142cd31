//! What the sequencer asks of the database, on one connection that holds its lock.

use std::collections::HashSet;

use sqlx::{PgConnection, Result};

use super::gaps::Holder;

/// Advisory locks are per database.
const LOCK: i64 = i64::from_be_bytes(*b"doorbook");

/// Appends what is new, in the order of the ids, at consecutive positions. $1: the highest id seen; $2: limit; $3 and
/// $4: the ranges below it that were not there yet. `offset 0` makes each range one look-up.
const BATCH: &str = "
    with candidate as (
        select id from events where id > $1
        union all
        select found.id from unnest($3::bigint[], $4::bigint[]) gap (first, last)
        cross join lateral (select id from events where id between gap.first and gap.last offset 0) found
        order by id limit $2
    ), numbered as (
        select id, row_number() over (order by id) as n from candidate
    ), appended as (
        insert into log (position, event_id)
        select (select coalesce(max(position), 0) from log) + n, id from numbered order by n
        returning event_id
    )
    select coalesce(array_agg(event_id order by event_id), '{}') from appended";

/// Who may still fill a gap.
const HOLDERS: &str = "
    select virtualtransaction from pg_locks
    where locktype = 'relation' and mode = 'RowExclusiveLock' and relation = 'events'::regclass
      and database = (select oid from pg_database where datname = current_database())";

/// The ranges above $1 that are not in the log, below the highest id that is.
const MISSING: &str = "
    select before + 1, event_id - 1
    from (select event_id, lag(event_id, 1, $1) over (order by event_id) as before from log where event_id > $1) step
    where event_id > before + 1";

/// Settled events that are in no position. There must be none.
const SKIPPED: &str = "
    select id from events e
    where id > $1 and id <= $2 and not exists (select from log where event_id = e.id) order by id limit 1000";

/// Ends the wish to lead: whether the lock is ours now, and the last position.
pub(super) async fn try_lead(connection: &mut PgConnection) -> Result<(bool, i64)> {
    let query = "select pg_try_advisory_lock($1), (select coalesce(max(position), 0) from log)";
    sqlx::query_as(query).bind(LOCK).fetch_one(connection).await
}

/// Up to which id everything was settled.
pub(super) async fn low(connection: &mut PgConnection) -> Result<i64> {
    sqlx::query_scalar("select low from sequencer")
        .fetch_one(connection)
        .await
}

pub(super) async fn save_low(connection: &mut PgConnection, low: i64) -> Result<()> {
    let query = sqlx::query("update sequencer set low = $1 where low < $1").bind(low);
    query.execute(connection).await.map(drop)
}

/// The highest id in the log, and the ranges above `low` that are missing below it.
pub(super) async fn resume(connection: &mut PgConnection, low: i64) -> Result<(i64, Vec<(i64, i64)>)> {
    let highest = "select coalesce(max(event_id), 0) from log";
    let high: i64 = sqlx::query_scalar(highest).fetch_one(&mut *connection).await?;
    let missing = sqlx::query_as(MISSING).bind(low).fetch_all(connection).await?;
    Ok((high.max(low), missing))
}

/// The ids that were appended, in order.
pub(super) async fn append(
    connection: &mut PgConnection,
    high: i64,
    limit: i64,
    (firsts, lasts): (Vec<i64>, Vec<i64>),
) -> Result<Vec<i64>> {
    let query = sqlx::query_scalar(BATCH)
        .bind(high)
        .bind(limit)
        .bind(firsts)
        .bind(lasts);
    query.fetch_one(connection).await
}

pub(super) async fn holders(connection: &mut PgConnection) -> Result<HashSet<Holder>> {
    let listed: Vec<Holder> = sqlx::query_scalar(HOLDERS).fetch_all(connection).await?;
    Ok(listed.into_iter().collect())
}

pub(super) async fn skipped(connection: &mut PgConnection, after: i64, until: i64) -> Result<Vec<i64>> {
    sqlx::query_scalar(SKIPPED)
        .bind(after)
        .bind(until)
        .fetch_all(connection)
        .await
}
