//! The table of the flows: one set of SQL for both databases, in a file or a schema of its own.

use std::sync::atomic::{AtomicU32, Ordering};

use doorbook_projections::fault::Fault;

use crate::{
    config::Database,
    sql::{Pool, Shape, on_pool},
};

/// Most rows in all: about 100 MB. Beyond it the oldest go, so that nobody can shut others out for long.
const ROWS_MAX: i64 = 100_000;
/// Most rows of one browser.
const BROWSER_MAX: i64 = 16;
/// Rows put between two looks at how many there are.
const TIDY_EVERY: u32 = 64;
/// Everything in the table may be lost: people begin anew. What comes back is worth nothing: a provider takes its code once.
const SHAPE: Shape = Shape {
    schema: "doorbook_flows",
    durable: false,
    zeroes: false,
    connections: 4,
    readers: 0,
};
/// It is made as it is: nothing in it outlives ten minutes.
const TABLE: [&str; 3] = [
    "create table if not exists flows (id text primary key, browser text not null, body text not null, until bigint not null)",
    "create index if not exists flows_until on flows (until)",
    "create index if not exists flows_browser on flows (browser)",
];

/// One row.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) browser: String,
    pub(super) body: String,
    /// When it is over, in microseconds.
    pub(super) until: i64,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    pool: Pool,
    puts: AtomicU32,
}

impl Table {
    pub(super) async fn open(database: &Database) -> Result<Self, Fault> {
        let pool = Pool::connect(database, &SHAPE).await?;
        for statement in TABLE {
            create(&pool, statement).await?;
        }
        Ok(Self {
            pool,
            puts: AtomicU32::new(0),
        })
    }

    /// Stores a row, instead of one of the same id.
    pub(super) async fn put(&self, row: &Row, now: i64) -> Result<(), Fault> {
        if self.puts.fetch_add(1, Ordering::Relaxed).is_multiple_of(TIDY_EVERY) {
            self.tidy(now).await?;
        }
        let query = "delete from flows where browser = $1 and id not in \
            (select id from flows where browser = $1 order by until desc limit $2)";
        on_pool!(&self.pool, db => sqlx::query(query).bind(&row.browser).bind(BROWSER_MAX - 1).execute(db).await.map(drop))?;
        let query = "insert into flows (id, browser, body, until) values ($1, $2, $3, $4) \
            on conflict (id) do update set browser = excluded.browser, body = excluded.body, until = excluded.until";
        on_pool!(&self.pool, db => sqlx::query(query)
            .bind(&row.id)
            .bind(&row.browser)
            .bind(&row.body)
            .bind(row.until)
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }

    /// The body of a row that is not over.
    pub(super) async fn find(&self, id: &str, browser: &str, now: i64) -> Result<Option<String>, Fault> {
        let query = "select body from flows where id = $1 and browser = $2 and until > $3";
        Ok(
            on_pool!(&self.pool, db => sqlx::query_scalar(query).bind(id).bind(browser).bind(now).fetch_optional(db).await)?,
        )
    }

    /// The same, and the row is gone: of several who ask at once, one gets it.
    pub(super) async fn take(&self, id: &str, browser: &str, now: i64) -> Result<Option<String>, Fault> {
        let query = "delete from flows where id = $1 and browser = $2 and until > $3 returning body";
        Ok(
            on_pool!(&self.pool, db => sqlx::query_scalar(query).bind(id).bind(browser).bind(now).fetch_optional(db).await)?,
        )
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// Removes what is over, and the oldest of too many.
    async fn tidy(&self, now: i64) -> Result<(), Fault> {
        let query = "delete from flows where until <= $1";
        on_pool!(&self.pool, db => sqlx::query(query).bind(now).execute(db).await.map(drop))?;
        let query = "delete from flows where until <= (select until from flows order by until desc limit 1 offset $1)";
        on_pool!(&self.pool, db => sqlx::query(query).bind(ROWS_MAX).execute(db).await.map(drop))?;
        Ok(())
    }
}

async fn create(pool: &Pool, statement: &str) -> Result<(), Fault> {
    let first = on_pool!(pool, db => sqlx::query(statement).execute(db).await.map(drop));
    if first.is_err() {
        on_pool!(pool, db => sqlx::query(statement).execute(db).await.map(drop))?;
    }
    Ok(())
}
