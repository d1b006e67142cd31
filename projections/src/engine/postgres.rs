use sqlx::{
    Connection as _, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

use crate::{db::Db, fault::Fault};

const CONNECTIONS: u32 = 10;

/// A connection that holds a lock of its session.
#[derive(Debug)]
pub(super) struct AdvisoryLock(PgConnection);

impl AdvisoryLock {
    pub(super) async fn release(mut self) {
        // Where this fails, the connection is gone, and the lock with it.
        let _: Result<_, sqlx::Error> = sqlx::query("select pg_advisory_unlock_all()")
            .execute(&mut self.0)
            .await;
        let _: Result<_, sqlx::Error> = self.0.close().await;
    }
}

/// The number that stands for a name in advisory locks.
fn key(name: &str) -> i64 {
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, format!("doorbook:read:{name}").as_bytes());
    id.as_u64_pair().0.cast_signed()
}

pub(super) async fn catalog(options: &PgConnectOptions) -> Result<Db, Fault> {
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .connect_with(hasty(options))
        .await?;
    let db = Db::Postgres(pool);
    let mut tx = db.begin().await?;
    tx.fetch("select pg_advisory_xact_lock($1)::text", vec![key("catalog").into()])
        .await?;
    for sql in [
        "create schema if not exists doorbook_read",
        "create table if not exists doorbook_read.generations (
            projection text collate \"C\" primary key,
            current bigint not null, previous bigint not null, allocated bigint not null)",
        "create table if not exists doorbook_read.checkpoints (
            projection text collate \"C\", generation bigint, version bigint not null, tables text not null,
            log_id text not null, position bigint not null, event_id text not null,
            primary key (projection, generation))",
        "create table if not exists doorbook_read.parked (
            projection text collate \"C\", generation bigint, stream text collate \"C\", position bigint not null,
            sequence bigint not null, reason text not null, since bigint not null,
            primary key (projection, generation, stream))",
        "create table if not exists doorbook_read.paused (
            projection text collate \"C\" primary key, since bigint not null)",
        "create table if not exists doorbook_read.runs (
            projection text collate \"C\", number bigint, id text not null, kind text not null, scope text,
            actor text not null, state text not null, phase text not null, done bigint not null,
            total bigint not null, wanted bigint not null, started_at bigint not null, seen_at bigint not null,
            ended_at bigint, outcome text, error text, primary key (projection, number))",
    ] {
        tx.execute(sql, Vec::new()).await?;
    }
    tx.commit().await?;
    Ok(db)
}

/// Connections of their own for a bulk load. One that is cut off in the middle of a COPY cannot be used again, and goes
/// with them.
pub(super) fn loading(options: &PgConnectOptions) -> Db {
    let pool = PgPoolOptions::new().max_connections(2);
    Db::Postgres(pool.connect_lazy_with(hasty(options).options([("maintenance_work_mem", "128MB")])))
}

/// What read models lose in a crash, they read again from the log. A page is read sooner than a program for it is compiled: of
/// many partitions, `jit` believes otherwise. That a table is there already is no news.
fn hasty(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().options([
        ("synchronous_commit", "off"),
        ("jit", "off"),
        ("client_min_messages", "warning"),
    ])
}

pub(super) async fn generations(catalog: &Db, name: &'static str) -> Result<Vec<u64>, Fault> {
    let sql = "select generation from doorbook_read.checkpoints where projection = $1";
    let rows = catalog.fetch(sql, vec![name.into()]).await?;
    rows.iter().map(|row| row.count("generation")).collect()
}

/// Drops the tables that the generation was made with, whatever this program calls its tables today.
pub(super) async fn remove(catalog: &Db, name: &'static str, number: u64) -> Result<(), Fault> {
    let which = || vec![name.into(), number.into()];
    let mut tx = catalog.begin().await?;
    let sql = "delete from doorbook_read.checkpoints where projection = $1 and generation = $2 returning tables";
    let rows = tx.fetch(sql, which()).await?;
    tx.execute(
        "delete from doorbook_read.parked where projection = $1 and generation = $2",
        which(),
    )
    .await?;
    for row in rows {
        for table in row.text("tables")?.split(' ') {
            tx.execute(&format!("drop table if exists doorbook_read.{table}"), Vec::new())
                .await?;
        }
    }
    tx.commit().await
}

pub(super) async fn lock(options: &PgConnectOptions, name: &'static str) -> Result<Option<AdvisoryLock>, Fault> {
    let mut connection = PgConnection::connect_with(options).await?;
    let got: bool = sqlx::query_scalar("select pg_try_advisory_lock($1)")
        .bind(key(name))
        .fetch_one(&mut connection)
        .await?;
    Ok(got.then_some(AdvisoryLock(connection)))
}
