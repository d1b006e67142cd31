//! What followers of the log keep beside the keys, and which log that is.

use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position},
};
use uuid::Uuid;

use super::{error::KeysError, keyring::Keyring};
use crate::sql::{Tx, on_pool, on_tx};

/// An event that a follower has gone past without having acted on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Where it stands.
    pub position: Position,
    /// Why the follower could not act on it.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// While it lives, nobody else holds one, in no process. Rules over several streams are decided under it; it must be held
/// for moments only, and nothing may be sealed or destroyed by its holder meanwhile.
pub struct Alone(#[expect(dead_code, reason = "the open transaction is the lock")] Tx);

/// The lock's name among PostgreSQL's advisory locks: "dooralon" in ASCII.
const ALONE: i64 = i64::from_be_bytes(*b"dooralon");

impl Keyring {
    /// Binds the keys to their log at its first start, and makes sure later that it is still the same, and no earlier copy
    /// of it.
    ///
    /// # Errors
    ///
    /// [`KeysError::OtherLog`] when the keys belong to another log, [`KeysError::AheadOfLog`] when their followers have read
    /// further than the log goes, [`KeysError::Failed`] when a database fails.
    pub async fn belongs_to(&self, log: &dyn EventLog) -> Result<(), KeysError> {
        let id = log.id().await?;
        if self.bound(id).await? != id {
            return Err(KeysError::OtherLog);
        }
        // Cursors first: a running service moves them on meanwhile, and never beyond the log.
        let furthest = self.furthest().await?;
        if furthest > log.head().await? {
            return Err(KeysError::AheadOfLog);
        }
        Ok(())
    }

    async fn bound(&self, log: Uuid) -> Result<Uuid, Fault> {
        let query = "insert into bound_log (id, log) values (1, $1) on conflict (id) do nothing";
        let mut tx = self.database().pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(log.to_string()).execute(db).await.map(drop))?;
        tx.commit().await?;
        let query = "select log from bound_log where id = 1";
        let bound: String = on_pool!(self.database().pool(), db => sqlx::query_scalar(query).fetch_one(db).await)?;
        Uuid::parse_str(&bound).map_err(Fault::because("the keys name no log"))
    }

    /// How far the follower that has come furthest has come.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn furthest(&self) -> Result<Position, Fault> {
        let query = "select coalesce(max(position), 0) from cursors";
        let furthest: i64 = on_pool!(self.database().pool(), db => sqlx::query_scalar(query).fetch_one(db).await)?;
        position(furthest)
    }

    /// Takes every follower back to `head` that has come further, with what it was to send: the log was restored to an
    /// earlier state.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn take_back(&self, head: Position) -> Result<(), Fault> {
        let mut tx = self.database().pool().begin().await?;
        for query in [
            "update cursors set position = $1 where position > $1",
            "delete from parked where position > $1",
            "delete from outbox where position > $1",
        ] {
            on_tx!(&mut tx, db => sqlx::query(query).bind(number(head)?).execute(db).await.map(drop))?;
        }
        Ok(tx.commit().await?)
    }

    /// Lets the follower `name` begin behind `position`, unless it began before.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn begin_at(&self, name: &str, position: Position) -> Result<(), Fault> {
        let query = "insert into cursors (name, position) values ($1, $2) on conflict (name) do nothing";
        let mut tx = self.database().pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(name).bind(number(position)?).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// The followers whose names begin so and that have begun.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn followers(&self, prefix: &str) -> Result<Vec<String>, Fault> {
        let query = "select name from cursors order by name";
        let mut names: Vec<String> =
            on_pool!(self.database().pool(), db => sqlx::query_scalar(query).fetch_all(db).await)?;
        names.retain(|name| name.starts_with(prefix));
        Ok(names)
    }

    /// Forgets the follower `name`, and what it was to send; it returns how much that was.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn forget_follower(&self, name: &str) -> Result<u64, Fault> {
        let mut tx = self.database().pool().begin().await?;
        let mut forgotten = 0;
        for query in [
            "delete from cursors where name = $1",
            "delete from outbox where queue = $1",
        ] {
            forgotten = on_tx!(&mut tx, db => sqlx::query(query).bind(name).execute(db).await.map(|done| done.rows_affected()))?;
        }
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Binds the keys to another log than before: the operator says that they belong together.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn rebind(&self, log: Uuid) -> Result<(), Fault> {
        let query = "insert into bound_log (id, log) values (1, $1) on conflict (id) do update set log = excluded.log";
        let mut tx = self.database().pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(log.to_string()).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// Notes, durably, that the follower `name` goes past an event. Again changes the reason only.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn park(&self, name: &str, parked: &Parked) -> Result<(), Fault> {
        let query = "insert into parked (name, position, reason, since) values ($1, $2, $3, $4) \
            on conflict (name, position) do update set reason = excluded.reason";
        let mut tx = self.database().pool().begin().await?;
        let number = number(parked.position)?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(name).bind(number).bind(&parked.reason)
            .bind(parked.since.micros()).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// The events that the follower `name` went past, oldest first, at most 1000.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn parked(&self, name: &str) -> Result<Vec<Parked>, Fault> {
        let query = "select position, reason, since from parked where name = $1 order by position limit 1000";
        let rows: Vec<(i64, String, i64)> =
            on_pool!(self.database().pool(), db => sqlx::query_as(query).bind(name).fetch_all(db).await)?;
        rows.into_iter()
            .map(|(at, reason, since)| {
                Ok(Parked {
                    position: position(at)?,
                    reason,
                    since: Timestamp::from_micros(since),
                })
            })
            .collect()
    }

    /// The follower `name` has acted on an event that it went past before.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn unpark(&self, name: &str, at: Position) -> Result<(), Fault> {
        let query = "delete from parked where name = $1 and position = $2";
        let mut tx = self.database().pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(name).bind(number(at)?).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// Waits until nobody else holds an [`Alone`], and holds it.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails, or the wait takes too long.
    pub async fn alone(&self) -> Result<Alone, Fault> {
        let mut tx = self.database().pool().begin().await?;
        // SQLite's writer is alone from its first statement on.
        if let Tx::Postgres(tx) = &mut tx {
            sqlx::query("select pg_advisory_xact_lock($1)")
                .bind(ALONE)
                .execute(&mut **tx)
                .await?;
        }
        Ok(Alone(tx))
    }
}

fn position(number: i64) -> Result<Position, Fault> {
    u64::try_from(number)
        .map(Position::new)
        .map_err(Fault::because("a cursor is negative"))
}

fn number(position: Position) -> Result<i64, Fault> {
    i64::try_from(position.number()).map_err(Fault::because("a position is beyond 2^63"))
}
