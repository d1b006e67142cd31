//! The counters. One set of SQL for both databases; each counter is taken by one statement, which decides and writes.

use doorbook_projections::fault::Fault;
use sqlx::migrate::Migrator;

use super::rule::{Row, Rule};
use crate::{
    config,
    sql::{Pool, Shape, Tx, on_pool, on_tx},
};

static SQLITE: Migrator = sqlx::migrate!("migrations/throttle_sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/throttle_postgres");
/// A counter that a crash loses is not worth waiting for.
const SHAPE: Shape = Shape {
    schema: "doorbook_throttle",
    durable: false,
    zeroes: false,
    connections: 8,
    readers: 0,
};
/// `deadlock_detected`.
const DEADLOCK: &str = "40P01";

/// Names a counter: a keyed hash.
pub(super) type Key = [u8; 16];

/// Times that a transaction is tried which others were in the way of.
const TRIES: u32 = 5;
/// Rows that one statement removes, so that nobody waits for it.
const BATCH: i64 = 500;

/// A counter that one attempt is to be taken from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Take {
    pub(super) key: Key,
    pub(super) rule: Rule,
}

/// What a counter said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    /// Let through. From then on it lets another through.
    Yes(i64),
    /// Not before then.
    No(i64),
}

/// What becomes of an attempt that was counted.
#[derive(Debug, Clone, Copy)]
pub(super) enum Settle {
    /// The row of failures is over.
    Forget(Key),
    /// It does not count; the counter had said so.
    GiveBack(Take, i64),
}

/// The table of the counters.
pub(super) struct Database {
    pool: Pool,
}

/// Takes one from a window. `$1` key, `$2` free at for the first of a window, `$3` now, `$4` step, `$5` from free to idle.
const TAKE_RATE: &str = "
    insert into counters (key, used, free_at, until) values ($1, 1, $2, $2 + $5)
    on conflict (key) do update set
        used = counters.used + 1,
        free_at = case when counters.free_at + $4 > $2 then counters.free_at + $4 else $2 end,
        until = $5 + case when counters.free_at + $4 > $2 then counters.free_at + $4 else $2 end
    where counters.free_at <= $3
    returning free_at";

/// Takes one from a row. `$1` key, `$2` free at after the first, `$3` forgotten at, `$4` now, `$5` limit, `$6` most, `$7`
/// first wait, `$8` free at after the longest wait.
const TAKE_ROW: &str = "
    insert into counters (key, used, free_at, until) values ($1, 1, $2, $3)
    on conflict (key) do update set
        used = case when counters.until <= $4 then 1 else counters.used + 1 end,
        free_at = case
            when counters.until <= $4 then $2
            when counters.used + 1 >= $6 then $3
            when counters.used + 1 < $5 then $4
            when counters.used + 1 >= $5 + 20 then $8
            when $4 + $7 * (cast(1 as bigint) << cast(counters.used + 1 - $5 as integer)) > $8 then $8
            else $4 + $7 * (cast(1 as bigint) << cast(counters.used + 1 - $5 as integer))
        end,
        until = $3
    where counters.free_at <= $4 or counters.until <= $4
    returning free_at";

impl Database {
    pub(super) async fn open(database: &config::Database) -> Result<Self, Fault> {
        let pool = Pool::connect(database, &SHAPE).await?;
        pool.migrate(&SQLITE, &POSTGRES)
            .await
            .map_err(Fault::because("the table of the counters cannot be made"))?;
        Ok(Self { pool })
    }

    /// Takes one attempt from each counter, or, when one of them refuses, from none. The order of the counters must be the
    /// same for everybody, so that nobody waits in a circle.
    pub(super) async fn take(&self, takes: &[Take], now: i64) -> Result<Vec<Said>, Fault> {
        let mut tries = 1;
        loop {
            match self.try_take(takes, now).await {
                Err(error) if is_deadlock(&error) && tries < TRIES => tries += 1,
                other => return Ok(other?),
            }
        }
    }

    async fn try_take(&self, takes: &[Take], now: i64) -> Result<Vec<Said>, sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let mut said = Vec::with_capacity(takes.len());
        for take in takes {
            said.push(take_one(&mut tx, take, now).await?);
        }
        if said.iter().all(|said| matches!(said, Said::Yes(_))) {
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(said)
    }

    /// What becomes of attempts that were counted.
    pub(super) async fn settle(&self, settles: &[Settle], now: i64) -> Result<(), Fault> {
        let mut tries = 1;
        loop {
            match self.try_settle(settles, now).await {
                Err(error) if is_deadlock(&error) && tries < TRIES => tries += 1,
                other => return Ok(other?),
            }
        }
    }

    async fn try_settle(&self, settles: &[Settle], now: i64) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        for settle in settles {
            match settle {
                Settle::Forget(key) => {
                    let query = "delete from counters where key = $1";
                    on_tx!(&mut tx, db => sqlx::query(query).bind(key.as_slice()).execute(db).await.map(drop))?;
                }
                Settle::GiveBack(take, said) => give_back(&mut tx, take, *said, now).await?,
            }
        }
        tx.commit().await
    }

    /// When a counter that lets nothing through lets something through again.
    pub(super) async fn free_at(&self, key: &Key, now: i64) -> Result<Option<i64>, Fault> {
        let query = "select free_at from counters where key = $1 and free_at > $2 and until > $2";
        Ok(on_pool!(&self.pool, db => {
            sqlx::query_scalar(query).bind(key.as_slice()).bind(now).fetch_optional(db).await
        })?)
    }

    /// Removes the rows that mean nothing any more, and the oldest of those that are more than `most`. Says how many are left.
    pub(super) async fn sweep(&self, most: i64, now: i64) -> Result<i64, Fault> {
        let expired = "delete from counters where key in (select key from counters where until <= $1 limit $2)";
        while self.remove(expired, now, BATCH).await? == BATCH.unsigned_abs() {}
        let count = "select count(*) from counters";
        let mut rows: i64 = on_pool!(&self.pool, db => sqlx::query_scalar(count).fetch_one(db).await)?;
        // The first parameter is not needed here, but both statements are given the same.
        let oldest = "delete from counters where key in \
            (select key from counters where until > $1 order by until limit $2)";
        while rows > most {
            let removed = self.remove(oldest, now, BATCH.min(rows - most)).await?;
            if removed == 0 {
                break;
            }
            rows -= i64::try_from(removed).unwrap_or(rows);
        }
        Ok(rows)
    }

    async fn remove(&self, query: &str, now: i64, limit: i64) -> Result<u64, Fault> {
        let removed = on_pool!(&self.pool, db => {
            sqlx::query(query).bind(now).bind(limit).execute(db).await.map(|done| done.rows_affected())
        });
        match removed {
            // Somebody counts what is removed here: it goes at the next time.
            Err(error) if is_deadlock(&error) => Ok(0),
            other => Ok(other?),
        }
    }

    /// Whether the table can be read.
    pub(super) async fn check(&self) -> Result<(), Fault> {
        let query = "select key from counters limit 1";
        Ok(on_pool!(&self.pool, db => sqlx::query(query).fetch_optional(db).await.map(drop))?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

async fn take_one(tx: &mut Tx, take: &Take, now: i64) -> Result<Said, sqlx::Error> {
    let key = take.key.as_slice();
    let taken: Option<i64> = match take.rule {
        Rule::Rate { step, window } => {
            let first = now + 2 * step - window;
            on_tx!(&mut *tx, db => {
                let query = sqlx::query_scalar(TAKE_RATE).bind(key);
                query.bind(first).bind(now).bind(step).bind(window - step).fetch_optional(db).await
            })?
        }
        Rule::Row(row) => {
            let Row {
                limit,
                most,
                first_wait,
                longest_wait,
                memory,
            } = row;
            let first = if limit <= 1 { now + first_wait } else { now };
            on_tx!(&mut *tx, db => {
                let query = sqlx::query_scalar(TAKE_ROW).bind(key).bind(first).bind(now + memory).bind(now);
                query.bind(limit).bind(most).bind(first_wait).bind(now + longest_wait).fetch_optional(db).await
            })?
        }
    };
    if let Some(free_at) = taken {
        return Ok(Said::Yes(free_at));
    }
    let query = "select free_at from counters where key = $1";
    let free_at: Option<i64> = on_tx!(&mut *tx, db => sqlx::query_scalar(query).bind(key).fetch_optional(db).await)?;
    // It may have been forgotten in between: the next attempt will do.
    Ok(Said::No(free_at.unwrap_or(now).max(now + 1)))
}

async fn give_back(tx: &mut Tx, take: &Take, said: i64, now: i64) -> Result<(), sqlx::Error> {
    let key = take.key.as_slice();
    match take.rule {
        Rule::Rate { step, .. } => {
            let query =
                "update counters set used = used - 1, free_at = free_at - $2, until = until - $2 where key = $1";
            on_tx!(&mut *tx, db => sqlx::query(query).bind(key).bind(step).execute(db).await.map(drop))
        }
        Rule::Row(_) => {
            let query = "update counters set used = used - 1, free_at = case when free_at = $2 then $3 else free_at end \
                where key = $1 and used > 0";
            on_tx!(&mut *tx, db => sqlx::query(query).bind(key).bind(said).bind(now).execute(db).await.map(drop))
        }
    }
}

/// Whether the transaction only has to be tried again.
fn is_deadlock(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|error| error.code().as_deref() == Some(DEADLOCK))
}
