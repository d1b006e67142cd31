use std::{env, panic::AssertUnwindSafe, path::PathBuf, sync::Arc};

use doorbook_projections::engine::ReadTarget;
use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// A database of the test's own.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) target: ReadTarget,
    _dir: Arc<tempfile::TempDir>,
}

pub(crate) async fn with_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Place) -> F) {
    let dir = tempfile::tempdir().unwrap();
    let target = ReadTarget::Sqlite(PathBuf::from(dir.path()));
    test(Place {
        target,
        _dir: Arc::new(dir),
    })
    .await;
}

pub(crate) async fn with_postgres<F: Future<Output = ()>>(test: impl FnOnce(Place) -> F) {
    let server = env::var("DOORBOOK_TEST_POSTGRES")
        .expect("set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL server where tests may make databases");
    let server: PgConnectOptions = server.parse().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let random = dir.path().file_name().unwrap().to_string_lossy().replace('.', "");
    let name = format!("\"doorbook_read_{random}\"");
    run(&server, &format!("create database {name}")).await;
    let own = server.clone().database(name.trim_matches('"'));
    let place = Place {
        target: ReadTarget::Postgres(Box::new(own)),
        _dir: Arc::new(dir),
    };
    let outcome = AssertUnwindSafe(test(place)).catch_unwind().await;
    run(&server, &format!("drop database {name} with (force)")).await;
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

async fn run(server: &PgConnectOptions, sql: &str) {
    let mut connection = PgConnection::connect_with(server).await.unwrap();
    sqlx::query(sql).execute(&mut connection).await.unwrap();
}

impl Place {
    /// Runs a statement behind the engine's back. `{table}` stands for the table of generation `generation`.
    pub(crate) async fn tamper(&self, projection: &str, generation: u64, table: &str, sql: &str) {
        let bare = format!("{table}_g{generation}");
        match &self.target {
            ReadTarget::Sqlite(dir) => {
                let file = dir.join(format!("{projection}.g{generation}.db"));
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
                let done = sqlx::query(&sql.replace("{table}", &bare))
                    .execute(&mut connection)
                    .await
                    .unwrap();
                assert_ne!(done.rows_affected(), 0, "{sql}");
                connection.close().await.unwrap();
            }
            ReadTarget::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.unwrap();
                let sql = sql.replace("{table}", &format!("doorbook_read.{bare}"));
                let done = sqlx::query(&sql).execute(&mut connection).await.unwrap();
                assert_ne!(done.rows_affected(), 0, "{sql}");
            }
        }
    }

    /// An id as SQL writes it.
    pub(crate) fn id(&self, id: Uuid) -> String {
        match self.target {
            ReadTarget::Sqlite(_) => format!("x'{}'", id.simple()),
            ReadTarget::Postgres(_) => format!("'{id}'"),
        }
    }

    /// What is no id, as far as the database takes it.
    pub(crate) const fn no_id(&self) -> &'static str {
        match self.target {
            ReadTarget::Sqlite(_) => "'x'",
            ReadTarget::Postgres(_) => "null",
        }
    }

    /// The generations of a projection that are stored, in order.
    pub(crate) async fn generations(&self, projection: &str) -> Vec<u64> {
        let mut found: Vec<u64> = match &self.target {
            ReadTarget::Sqlite(dir) => std::fs::read_dir(dir)
                .unwrap()
                .filter_map(|entry| {
                    let name = entry.unwrap().file_name().into_string().unwrap();
                    name.strip_prefix(&format!("{projection}.g"))?
                        .strip_suffix(".db")?
                        .parse()
                        .ok()
                })
                .collect(),
            ReadTarget::Postgres(options) => {
                let mut connection = PgConnection::connect_with(options).await.unwrap();
                let sql = "select generation from doorbook_read.checkpoints where projection = $1";
                let numbers: Vec<i64> = sqlx::query_scalar(sql)
                    .bind(projection)
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
                numbers.into_iter().map(|number| number.try_into().unwrap()).collect()
            }
        };
        found.sort_unstable();
        found
    }
}
