use std::path::PathBuf;

use doorbook_domain::time::Timestamp;
use sqlx::postgres::PgConnectOptions;

use super::{
    generation::{Checkpoint, Generation},
    postgres::{self, AdvisoryLock},
    sqlite::{self, Speed},
};
use crate::{
    db::Db,
    fault::Fault,
    table::{Dialect, Table},
};

/// Where read models live.
#[derive(Debug, Clone)]
pub enum ReadTarget {
    /// Files in a directory: `<projection>.g<n>.db` for each generation, and `read.db`, which says which is current.
    Sqlite(PathBuf),
    /// The schema `doorbook_read` of a server.
    Postgres(Box<PgConnectOptions>),
}

/// All generations of all read models, and which are current.
#[derive(Debug)]
pub(super) struct Store {
    target: ReadTarget,
    pub(super) catalog: Db,
}

/// Which generations of a read model count. 0 is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) current: u64,
    pub(super) previous: u64,
    /// Since when an admin keeps it from following the log.
    pub(super) paused: Option<Timestamp>,
}

/// Held by whoever builds a generation: leftovers are removed only while nobody builds.
#[derive(Debug)]
pub(super) enum BuildLock {
    File(std::fs::File),
    Session(AdvisoryLock),
}

impl BuildLock {
    /// Gives the right back now. Dropping does so too, but only when the server notices that the connection is gone.
    pub(super) async fn release(self) {
        match self {
            Self::File(file) => drop(file),
            Self::Session(lock) => lock.release().await,
        }
    }
}

impl Store {
    pub(super) async fn open(target: ReadTarget, names: &[&'static str]) -> Result<Self, Fault> {
        let catalog = match &target {
            ReadTarget::Sqlite(dir) => sqlite::catalog(dir).await?,
            ReadTarget::Postgres(options) => postgres::catalog(options).await?,
        };
        let store = Self { target, catalog };
        for name in names {
            let sql = format!(
                "insert into {} (projection, current, previous, allocated) values ($1, 0, 0, 0) on conflict do nothing",
                store.table("generations")
            );
            store.catalog.execute(&sql, vec![(*name).into()]).await?;
        }
        Ok(store)
    }

    const fn dialect(&self) -> Dialect {
        match self.target {
            ReadTarget::Sqlite(_) => Dialect::Sqlite,
            ReadTarget::Postgres(_) => Dialect::Postgres,
        }
    }

    pub(super) fn table(&self, name: &str) -> String {
        self.dialect().qualify(name)
    }

    pub(super) async fn pointer(&self, name: &'static str) -> Result<Pointer, Fault> {
        let sql = format!(
            "select current, previous, (select since from {} where projection = $1) as paused
             from {} where projection = $1",
            self.table("paused"),
            self.table("generations")
        );
        let Some(row) = self.catalog.find(&sql, vec![name.into()]).await? else {
            return Ok(Pointer::default());
        };
        Ok(Pointer {
            current: row.count("current")?,
            previous: row.count("previous")?,
            paused: row.find_at("paused")?,
        })
    }

    /// A number for a new generation, never given before.
    async fn allocate(&self, name: &'static str) -> Result<u64, Fault> {
        let sql = format!(
            "update {} set allocated = allocated + 1 where projection = $1 returning allocated",
            self.table("generations")
        );
        let mut tx = self.catalog.begin().await?;
        let rows = tx.fetch(&sql, vec![name.into()]).await?;
        let number = rows
            .first()
            .ok_or_else(|| Fault::plain("the read model is unknown"))?
            .count("allocated")?;
        tx.commit().await?;
        Ok(number)
    }

    /// Makes `new` current if `old` still is.
    pub(super) async fn swap(&self, name: &'static str, old: u64, new: u64) -> Result<bool, Fault> {
        let sql = format!(
            "update {} set previous = current, current = $3 where projection = $1 and current = $2",
            self.table("generations")
        );
        Ok(self
            .catalog
            .execute(&sql, vec![name.into(), old.into(), new.into()])
            .await?
            == 1)
    }

    /// Opens a generation; `None` when it is not there.
    pub(super) async fn generation(
        &self,
        name: &'static str,
        number: u64,
        tables: &'static [Table],
    ) -> Result<Option<Generation>, Fault> {
        let db = match &self.target {
            ReadTarget::Sqlite(dir) => match sqlite::open(dir, name, number, Speed::Live).await? {
                None => return Ok(None),
                Some(db) => db,
            },
            ReadTarget::Postgres(_) => self.catalog.clone(),
        };
        let generation = Generation::new(name, number, tables, db, self.dialect());
        Ok(generation.find_checkpoint().await?.map(|_| generation))
    }

    /// Makes an empty generation, for loading.
    pub(super) async fn create(
        &self,
        name: &'static str,
        tables: &'static [Table],
        start: &Checkpoint,
    ) -> Result<Generation, Fault> {
        let number = self.allocate(name).await?;
        let db = match &self.target {
            ReadTarget::Sqlite(dir) => sqlite::create(dir, name, number).await?,
            ReadTarget::Postgres(options) => postgres::loading(options),
        };
        let generation = Generation::new(name, number, tables, db, self.dialect());
        generation.create(start).await?;
        Ok(generation)
    }

    /// Makes a loaded generation durable and opens it for everyday use.
    pub(super) async fn settle(&self, loaded: &Generation) -> Result<Generation, Fault> {
        loaded.db.close().await;
        if let ReadTarget::Sqlite(dir) = &self.target {
            sqlite::sync(dir, loaded.name, loaded.number).await?;
        }
        let settled = self.generation(loaded.name, loaded.number, loaded.tables).await?;
        settled.ok_or_else(|| Fault::plain("a generation vanished while it was built"))
    }

    /// Removes every generation that is neither current nor its predecessor. Only for the holder of the lock.
    pub(super) async fn tidy(&self, name: &'static str) -> Result<(), Fault> {
        let keep = self.pointer(name).await?;
        let all = match &self.target {
            ReadTarget::Sqlite(dir) => sqlite::generations(dir, name)?,
            ReadTarget::Postgres(_) => postgres::generations(&self.catalog, name).await?,
        };
        for number in all
            .into_iter()
            .filter(|&number| number != keep.current && number != keep.previous)
        {
            self.remove(name, number).await?;
        }
        Ok(())
    }

    pub(super) async fn remove(&self, name: &'static str, number: u64) -> Result<(), Fault> {
        tracing::debug!(projection = name, generation = number, "generation removed");
        match &self.target {
            ReadTarget::Sqlite(dir) => sqlite::remove(dir, name, number),
            ReadTarget::Postgres(_) => postgres::remove(&self.catalog, name, number).await,
        }
    }

    /// The right to build generations of `name`; `None` while somebody else has it.
    pub(super) async fn lock(&self, name: &'static str) -> Result<Option<BuildLock>, Fault> {
        Ok(match &self.target {
            ReadTarget::Sqlite(dir) => sqlite::lock(dir, name)?.map(BuildLock::File),
            ReadTarget::Postgres(options) => postgres::lock(options, name).await?.map(BuildLock::Session),
        })
    }
}
