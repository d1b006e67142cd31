//! The tables of the keys. One set of SQL for both databases; keys come and go wrapped.

use doorbook_domain::time::Timestamp;
use doorbook_projections::{db::lists, fault::Fault, log::Position};
use hashbrown::HashSet;

use super::{error::KeysError, master::MasterKey, name::KeyName, pool, secret::Secret};
use crate::{
    config,
    sql::{Pool, Tx, on_pool, on_tx},
};

/// Rows of one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535; longer ones gain nothing.
const ROWS: usize = 400;
/// Parameters of one row: name, key, when.
const COLUMNS: usize = 3;

/// A name and its key as it is stored.
pub(super) type Wrapped = (Box<str>, Vec<u8>);

/// What the database says of a name.
pub(super) enum Stored {
    /// The wrapped key.
    Key(Vec<u8>),
    /// A tombstone.
    Destroyed,
}

/// The key database.
pub(super) struct Database {
    pool: Pool,
}

impl Database {
    pub(super) async fn open(database: &config::Database, fresh: bool) -> Result<Self, KeysError> {
        pool::open(database, fresh).await.map(|pool| Self { pool })
    }

    /// Which master key wraps the keys. `None` before [`Self::found`].
    pub(super) async fn proof(&self) -> Result<Option<String>, Fault> {
        let query = "select proof from master where id = 1";
        Ok(on_pool!(&self.pool, db => sqlx::query_scalar(query).fetch_optional(db).await)?)
    }

    /// Binds the empty database to `master` and stores its first keys, unless another process did so first.
    pub(super) async fn found(&self, master: &MasterKey, first: &[Wrapped], at: Timestamp) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        let query = "insert into master (id, proof) values (1, $1) on conflict (id) do nothing";
        let done = on_tx!(&mut tx, db => sqlx::query(query).bind(master.proof()).execute(db).await.map(|done| done.rows_affected()))?;
        if done == 1 {
            insert(&mut tx, first, at).await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn find(&self, name: &str) -> Result<Option<Stored>, Fault> {
        let query = "select wrapped from keys where name = $1";
        let row: Option<Option<Vec<u8>>> =
            on_pool!(&self.pool, db => sqlx::query_scalar(query).bind(name).fetch_optional(db).await)?;
        Ok(row.map(|wrapped| wrapped.map_or(Stored::Destroyed, Stored::Key)))
    }

    /// What the database says of many names; nothing of those that it does not know.
    pub(super) async fn find_all(&self, names: &[String]) -> Result<Vec<(String, Stored)>, Fault> {
        let mut found = Vec::with_capacity(names.len());
        for (list, names) in lists(names) {
            let query = format!("select name, wrapped from keys where name in ({list})");
            let rows: Vec<(String, Option<Vec<u8>>)> = on_pool!(&self.pool, db => {
                let mut query = sqlx::query_as(&query);
                for name in &names {
                    query = query.bind(name);
                }
                query.fetch_all(db).await
            })?;
            found.extend(
                rows.into_iter()
                    .map(|(name, wrapped)| (name, wrapped.map_or(Stored::Destroyed, Stored::Key))),
            );
        }
        Ok(found)
    }

    /// Stores the keys whose names are new, and says which they were. All or none, on disk.
    pub(super) async fn create(
        &self,
        master: &MasterKey,
        keys: &[Wrapped],
        at: Timestamp,
    ) -> Result<HashSet<String>, Fault> {
        let mut tx = self.pool.begin().await?;
        tx.lock(false).await?;
        check(&mut tx, master).await?;
        let mut created = HashSet::with_capacity(keys.len());
        for rows in keys.chunks(ROWS) {
            created.extend(insert(&mut tx, rows, at).await?);
        }
        tx.commit().await?;
        Ok(created)
    }

    /// Overwrites the keys by tombstones, those that were never there too, and removes their bytes from the files.
    pub(super) async fn destroy(&self, names: &[KeyName], at: Timestamp) -> Result<(), Fault> {
        let query = "insert into keys (name, wrapped, made_at) values ($1, null, $2) \
            on conflict (name) do update set wrapped = null";
        let mut tx = self.pool.begin().await?;
        tx.lock(false).await?;
        for name in names {
            on_tx!(&mut tx, db => sqlx::query(query).bind(name.as_str()).bind(at.micros()).execute(db).await.map(drop))?;
        }
        tx.commit().await?;
        self.pool.scrub().await
    }

    /// Wraps every key anew, in one transaction. `before_commit` runs when nothing else can fail or come in between.
    pub(super) async fn rewrap(
        &self,
        old: &MasterKey,
        new: &MasterKey,
        before_commit: impl FnOnce() -> Result<(), Fault> + Send,
    ) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        tx.lock(true).await?;
        check(&mut tx, old).await?;
        let mut after = String::new();
        loop {
            let rows = page(&mut tx, &after).await?;
            let Some((last, _)) = rows.last() else { break };
            after.clone_from(last);
            for (name, wrapped) in &rows {
                let key = unwrap(old, name, wrapped)?;
                let wrapped = wrap(new, name, &key)?;
                let query = "update keys set wrapped = $2 where name = $1";
                on_tx!(&mut tx, db => sqlx::query(query).bind(name).bind(wrapped).execute(db).await.map(drop))?;
            }
        }
        let query = "update master set proof = $1 where id = 1";
        on_tx!(&mut tx, db => sqlx::query(query).bind(new.proof()).execute(db).await.map(drop))?;
        before_commit()?;
        Ok(tx.commit().await?)
    }

    /// Puts another key in the place of one of the system's, whose bytes are removed from the files.
    pub(super) async fn replace(&self, master: &MasterKey, (name, wrapped): &Wrapped) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        tx.lock(false).await?;
        check(&mut tx, master).await?;
        let query = "update keys set wrapped = $2 where name = $1";
        on_tx!(&mut tx, db => sqlx::query(query).bind(name.as_ref()).bind(wrapped.as_slice()).execute(db).await.map(drop))?;
        tx.commit().await?;
        self.pool.scrub().await
    }

    /// Removes overwritten bytes from the files.
    pub(super) async fn scrub(&self) -> Result<(), Fault> {
        self.pool.scrub().await
    }

    pub(super) async fn cursor(&self, name: &str) -> Result<Position, Fault> {
        let query = "select position from cursors where name = $1";
        let position: Option<i64> =
            on_pool!(&self.pool, db => sqlx::query_scalar(query).bind(name).fetch_optional(db).await)?;
        let number = u64::try_from(position.unwrap_or(0)).map_err(Fault::because("a cursor is negative"))?;
        Ok(Position::new(number))
    }

    pub(super) async fn set_cursor(&self, name: &str, position: Position) -> Result<(), Fault> {
        let mut tx = self.pool.begin().await?;
        tx.set_cursor(name, position).await?;
        Ok(tx.commit().await?)
    }

    /// For statements of one table that has a file of its own.
    pub(super) const fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Wraps `key` under the master key, bound to its name.
pub(super) fn wrap(master: &MasterKey, name: &str, key: &Secret) -> Result<Vec<u8>, Fault> {
    master.wrapping().seal(key.bytes(), name.as_bytes())
}

/// Undoes [`wrap`].
pub(super) fn unwrap(master: &MasterKey, name: &str, wrapped: &[u8]) -> Result<Secret, Fault> {
    let bytes = master
        .wrapping()
        .open(wrapped, name.as_bytes())
        .map(zeroize::Zeroizing::new)
        .ok_or(Fault::plain(OUTDATED))?;
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map_err(Fault::because("a stored key is not 32 bytes long"))?;
    Ok(Secret::new(key))
}

const OUTDATED: &str = "a key is wrapped by another master key: was it rotated while this process ran?";

/// Refuses to store keys that nobody could unwrap: another process may have rotated the master key.
async fn check(tx: &mut Tx, master: &MasterKey) -> Result<(), Fault> {
    let query = "select proof from master where id = 1";
    let proof: String = on_tx!(tx, db => sqlx::query_scalar(query).fetch_one(db).await)?;
    master.proves(&proof).then_some(()).ok_or(Fault::plain(OUTDATED))
}

async fn insert(tx: &mut Tx, rows: &[Wrapped], at: Timestamp) -> Result<Vec<String>, Fault> {
    let values: Vec<String> = (0..rows.len())
        .map(|row| row * COLUMNS)
        .map(|before| format!("(${}, ${}, ${})", before + 1, before + 2, before + 3))
        .collect();
    let query = format!(
        "insert into keys (name, wrapped, made_at) values {} on conflict (name) do nothing returning name",
        values.join(", ")
    );
    Ok(on_tx!(tx, db => {
        let mut query = sqlx::query_scalar(&query);
        for (name, wrapped) in rows {
            query = query.bind(name.as_ref()).bind(wrapped.as_slice()).bind(at.micros());
        }
        query.fetch_all(db).await
    })?)
}

async fn page(tx: &mut Tx, after: &str) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let query = "select name, wrapped from keys where name > $1 and wrapped is not null order by name limit 500";
    Ok(on_tx!(tx, db => sqlx::query_as(query).bind(after).fetch_all(db).await)?)
}
