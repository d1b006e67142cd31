//! What is to be sent: a table beside the cursors, since each queue in it moves with one of them.

use std::{fmt, num::ParseIntError, str::FromStr, sync::Arc};

use doorbook_domain::time::Timestamp;
use doorbook_projections::{fault::Fault, log::Position};
use uuid::Uuid;

use super::database::Database;
use crate::sql::{on_pool, on_tx};

/// Number of a row that stands for all letters of its event, until somebody asks how many there are.
const UNASKED: i64 = -1;
const COLUMNS: &str = "position, letter, event, since, tries, due_at, parked_at, reason";

/// What one follower of the log is to send. Cheap to clone.
#[derive(Clone)]
pub struct Queue {
    database: Arc<Database>,
    name: Arc<str>,
}

/// Names a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The event.
    pub position: Position,
    /// Which of its letters, counted from zero; `None` while nobody has asked how many there are.
    pub letter: Option<u32>,
}

/// `42.0`: the event's position and the letter's number. `42` while nobody has asked for its letters, and where there are none.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.position.fmt(f)?;
        self.letter.map_or(Ok(()), |letter| write!(f, ".{letter}"))
    }
}

impl FromStr for Slot {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (position, letter) = match text.split_once('.') {
            Some((position, letter)) => (position, Some(letter.parse()?)),
            None => (text, None),
        };
        Ok(Self {
            position: position.parse()?,
            letter,
        })
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// Its name.
    pub slot: Slot,
    /// Id of the event.
    pub event: Uuid,
    /// Since when it waits.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// Since when it is not tried any more.
    pub parked_at: Option<Timestamp>,
    /// Why the last try failed.
    pub reason: Option<String>,
}

/// How many rows wait, and how many are not tried any more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// To be tried.
    pub pending: u64,
    /// Not tried any more.
    pub parked: u64,
}

/// Position, letter, event, since, tries, due, parked, reason.
type Row = (i64, i64, String, i64, i64, i64, Option<i64>, Option<String>);

impl Slot {
    fn numbers(self) -> Result<(i64, i64), Fault> {
        let position = i64::try_from(self.position.number()).map_err(Fault::because("a position is beyond 2^63"))?;
        Ok((position, self.letter.map_or(UNASKED, i64::from)))
    }
}

impl Queue {
    pub(super) fn new(database: Arc<Database>, name: Arc<str>) -> Self {
        Self { database, name }
    }

    /// Queues these events, due at once, and moves the cursor of the same name to `position`: both or neither.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn take_in(&self, events: &[(Position, Uuid)], position: Position, now: Timestamp) -> Result<(), Fault> {
        let query = "insert into outbox (queue, position, letter, event, since, tries, due_at) \
            values ($1, $2, $3, $4, $5, 0, $5) on conflict (queue, position, letter) do nothing";
        let mut tx = self.database.pool().begin().await?;
        for (position, event) in events {
            let slot = Slot {
                position: *position,
                letter: None,
            };
            let (position, letter) = slot.numbers()?;
            on_tx!(&mut tx, db => sqlx::query(query)
                .bind(&*self.name)
                .bind(position)
                .bind(letter)
                .bind(event.to_string())
                .bind(now.micros())
                .execute(db)
                .await
                .map(drop))?;
        }
        tx.set_cursor(&self.name, position).await?;
        Ok(tx.commit().await?)
    }

    /// Puts `letters` rows in place of the one that stood for all letters of an event.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn spread(&self, row: &Queued, letters: u32) -> Result<(), Fault> {
        let (position, _) = row.slot.numbers()?;
        let insert = "insert into outbox (queue, position, letter, event, since, tries, due_at) \
            values ($1, $2, $3, $4, $5, 0, $6) on conflict (queue, position, letter) do nothing";
        let mut tx = self.database.pool().begin().await?;
        let delete = "delete from outbox where queue = $1 and position = $2 and letter = $3";
        let gone = on_tx!(&mut tx, db => sqlx::query(delete).bind(&*self.name).bind(position).bind(UNASKED).execute(db).await.map(|done| done.rows_affected()))?;
        // Somebody else has asked meanwhile.
        if gone == 0 {
            return Ok(());
        }
        for letter in 0..letters {
            on_tx!(&mut tx, db => sqlx::query(insert)
                .bind(&*self.name)
                .bind(position)
                .bind(i64::from(letter))
                .bind(row.event.to_string())
                .bind(row.since.micros())
                .bind(row.due_at.micros())
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(tx.commit().await?)
    }

    /// At most `limit` rows that are due, those that wait longest first.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Queued>, Fault> {
        let query = format!(
            "select {COLUMNS} from outbox where queue = $1 and parked_at is null and due_at <= $2 \
             order by due_at, position, letter limit $3"
        );
        let rows: Vec<Row> = on_pool!(self.database.pool(), db => sqlx::query_as(&query)
            .bind(&*self.name)
            .bind(now.micros())
            .bind(i64::from(limit))
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(queued).collect()
    }

    /// Every row, in the order of the log.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn all(&self) -> Result<Vec<Queued>, Fault> {
        let query = format!("select {COLUMNS} from outbox where queue = $1 order by position, letter");
        let rows: Vec<Row> =
            on_pool!(self.database.pool(), db => sqlx::query_as(&query).bind(&*self.name).fetch_all(db).await)?;
        rows.into_iter().map(queued).collect()
    }

    /// How many rows there are.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn waiting(&self) -> Result<Waiting, Fault> {
        let query = "select count(*) - count(parked_at), count(parked_at) from outbox where queue = $1";
        let (pending, parked): (i64, i64) =
            on_pool!(self.database.pool(), db => sqlx::query_as(query).bind(&*self.name).fetch_one(db).await)?;
        Ok(Waiting {
            pending: u64::try_from(pending).unwrap_or_default(),
            parked: u64::try_from(parked).unwrap_or_default(),
        })
    }

    /// Removes a row: what it stood for was sent, or need not be any more.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn remove(&self, slot: Slot) -> Result<(), Fault> {
        let (position, letter) = slot.numbers()?;
        let query = "delete from outbox where queue = $1 and position = $2 and letter = $3";
        let mut tx = self.database.pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query).bind(&*self.name).bind(position).bind(letter).execute(db).await.map(drop))?;
        Ok(tx.commit().await?)
    }

    /// Notes a failed try, and when the next one is due.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn postpone(&self, slot: Slot, due_at: Timestamp, reason: &str) -> Result<(), Fault> {
        let query = "update outbox set tries = tries + 1, due_at = $4, reason = $5 \
            where queue = $1 and position = $2 and letter = $3";
        self.note(query, slot, due_at, reason).await
    }

    /// Notes a failed try that was the last one.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn park(&self, slot: Slot, now: Timestamp, reason: &str) -> Result<(), Fault> {
        let query = "update outbox set tries = tries + 1, parked_at = $4, reason = $5 \
            where queue = $1 and position = $2 and letter = $3";
        self.note(query, slot, now, reason).await
    }

    async fn note(&self, query: &str, slot: Slot, at: Timestamp, reason: &str) -> Result<(), Fault> {
        let (position, letter) = slot.numbers()?;
        let mut tx = self.database.pool().begin().await?;
        on_tx!(&mut tx, db => sqlx::query(query)
            .bind(&*self.name)
            .bind(position)
            .bind(letter)
            .bind(at.micros())
            .bind(reason)
            .execute(db)
            .await
            .map(drop))?;
        Ok(tx.commit().await?)
    }

    /// Makes parked rows due at once, as if they had never been tried: one, or all. Returns how many they were.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn retry(&self, slot: Option<Slot>, now: Timestamp) -> Result<u64, Fault> {
        let query = "update outbox set parked_at = null, tries = 0, since = $2, due_at = $2 \
            where queue = $1 and parked_at is not null and ($3 = -1 or position = $3 and letter = $4)";
        let (position, letter) = slot.map_or(Ok((-1, 0)), Slot::numbers)?;
        let mut tx = self.database.pool().begin().await?;
        let done = on_tx!(&mut tx, db => sqlx::query(query)
            .bind(&*self.name)
            .bind(now.micros())
            .bind(position)
            .bind(letter)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(done)
    }

    /// Removes parked rows: one, or all. Returns how many they were.
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database fails.
    pub async fn discard(&self, slot: Option<Slot>) -> Result<u64, Fault> {
        let query = "delete from outbox \
            where queue = $1 and parked_at is not null and ($2 = -1 or position = $2 and letter = $3)";
        let (position, letter) = slot.map_or(Ok((-1, 0)), Slot::numbers)?;
        let mut tx = self.database.pool().begin().await?;
        let done = on_tx!(&mut tx, db => sqlx::query(query)
            .bind(&*self.name)
            .bind(position)
            .bind(letter)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(done)
    }
}

fn queued((position, letter, event, since, tries, due_at, parked_at, reason): Row) -> Result<Queued, Fault> {
    let number = u64::try_from(position).map_err(Fault::because("a queued position is negative"))?;
    Ok(Queued {
        slot: Slot {
            position: Position::new(number),
            letter: u32::try_from(letter).ok(),
        },
        event: event.parse().map_err(Fault::because("a queued event has no id"))?,
        since: Timestamp::from_micros(since),
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        due_at: Timestamp::from_micros(due_at),
        parked_at: parked_at.map(Timestamp::from_micros),
        reason,
    })
}
