//! The log in a database that several nodes share.

use std::time::Duration;

use doorbook_projections::fault::Fault;
use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::{
    Migrated, NewEvent, OpenError, StoreOptions, StoreUrl,
    schema::{check, migrate},
};

mod import;
mod log;
mod sequencer;

pub(super) use log::PostgresLog;
pub(super) use sequencer::{Sequencer, Signals};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long connecting may take, and how long a request waits for a connection of the pool.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Postgres {
    pub(super) pool: PgPool,
    /// For connections outside the pool.
    pub(super) options: PgConnectOptions,
}

impl Postgres {
    pub(super) async fn open(url: &PgConnectOptions, options: &StoreOptions) -> Result<Self, OpenError> {
        let mut probe = connect(url).await?;
        check(version(&mut probe).await?, &MIGRATIONS)?;
        let synchronous_commit = require_durable(&mut probe).await?;
        probe.close().await?;
        let settings = session(url, &synchronous_commit);
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(PATIENCE);
        Ok(Self {
            pool: pool.connect_lazy_with(settings.clone()),
            options: settings,
        })
    }

    pub(super) async fn migrate(url: &PgConnectOptions) -> Result<Migrated, OpenError> {
        let mut connection = connect(url).await?;
        let found = version(&mut connection).await?;
        let migrated = migrate(&mut connection, found, &MIGRATIONS).await?;
        connection.close().await?;
        Ok(migrated)
    }

    pub(super) async fn import(&self, events: &[NewEvent]) -> Result<(), Fault> {
        import::import(&self.pool, events).await
    }

    pub(super) async fn is_empty(&self) -> Result<bool, Fault> {
        let query = sqlx::query_scalar("select not exists (select from events)");
        Ok(query.fetch_one(&self.pool).await?)
    }

    /// Rows that are in no position although the sequencer has gone past them.
    pub(super) async fn outside(&self) -> Result<Vec<String>, Fault> {
        let query = "select aggregate_type || '-' || aggregate_id || '#' || sequence from events e
            where id <= (select low from sequencer) and not exists (select from log where event_id = e.id)
            order by id limit 100";
        Ok(sqlx::query_scalar(query).fetch_all(&self.pool).await?)
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// The settings of every session. Plans made for the statistics of an empty table are not kept; a dead peer is noticed
/// within about ten seconds, so that a leader whose machine vanished loses its lock.
fn session(url: &PgConnectOptions, synchronous_commit: &str) -> PgConnectOptions {
    url.clone().application_name("doorbook").options([
        ("plan_cache_mode", "force_custom_plan"),
        ("jit", "off"),
        ("synchronous_commit", synchronous_commit),
        ("tcp_keepalives_idle", "4"),
        ("tcp_keepalives_interval", "2"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "10000"),
    ])
}

/// The pool would keep trying; somebody who starts a service wants to know at once.
async fn connect(url: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let connected = tokio::time::timeout(PATIENCE, url.connect()).await;
    connected
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
        .map_err(|reason| OpenError::Unreachable {
            url: StoreUrl::Postgres(Box::new(url.clone())).to_string(),
            reason,
        })
}

/// Version of the schema; 0 when there is none.
async fn version(connection: &mut PgConnection) -> Result<i64, OpenError> {
    let table = "select to_regclass('_sqlx_migrations') is not null";
    if !sqlx::query_scalar::<_, bool>(table).fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    let newest = "select coalesce(max(version), 0) from _sqlx_migrations";
    Ok(sqlx::query_scalar(newest).fetch_one(connection).await?)
}

/// Refuses a database that acknowledges what it may lose. Returns the `synchronous_commit` of our sessions: `on`, or
/// `remote_apply` where the operator wants even more.
async fn require_durable(connection: &mut PgConnection) -> Result<String, OpenError> {
    for (setting, remedy) in [
        ("fsync", "set `fsync = on` in postgresql.conf and reload"),
        (
            "full_page_writes",
            "set `full_page_writes = on` in postgresql.conf and reload",
        ),
        (
            "synchronous_commit",
            "set `synchronous_commit = on` for the server, the database and the user",
        ),
    ] {
        let value = current(connection, setting).await?;
        if value == "off" {
            return Err(OpenError::NotDurable { setting, value, remedy });
        }
    }
    let chosen = current(connection, "synchronous_commit").await?;
    Ok(if chosen == "remote_apply" {
        chosen
    } else {
        "on".to_owned()
    })
}

async fn current(connection: &mut PgConnection, setting: &str) -> Result<String, OpenError> {
    let query = sqlx::query_scalar("select current_setting($1)").bind(setting);
    Ok(query.fetch_one(connection).await?)
}
