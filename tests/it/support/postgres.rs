//! A PostgreSQL database of a test's own.

use std::{env, thread};

use sqlx::{Connection, Executor, PgConnection};
use url::Url;

/// A fresh database; dropped with this value.
pub(crate) struct OwnDatabase {
    name: String,
    server: Url,
}

impl OwnDatabase {
    /// Makes it on the server that the environment names.
    pub(crate) async fn create() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES").expect(
            "DOORBOOK_TEST_POSTGRES is not set: `cargo xtask test` starts a server, or name one as \
             postgres://superuser@host/postgres",
        );
        let server = Url::parse(&server).expect("DOORBOOK_TEST_POSTGRES is not a URL");
        let name = format!("doorbook_it_{:016x}", rand::random::<u64>());
        let database = Self { name, server };
        database.on_server(format!("create database {}", database.name)).await;
        database
    }

    /// Where a client reaches it.
    pub(crate) fn url(&self) -> Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url
    }

    /// Runs a statement inside it.
    pub(crate) async fn execute(&self, statement: &str) {
        execute(&self.url(), statement).await;
    }

    /// Every row of every table, as text, by the table's name; what was deleted is gone from the disk before.
    pub(crate) async fn tables(&self) -> Vec<(String, String)> {
        self.execute("vacuum full").await;
        let mut connection = PgConnection::connect(self.url().as_str()).await.unwrap();
        let query = "select quote_ident(table_schema) || '.' || quote_ident(table_name) from information_schema.tables
            where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')";
        let names: Vec<String> = sqlx::query_scalar(query).fetch_all(&mut connection).await.unwrap();
        let mut all = Vec::new();
        for name in names {
            let rows: Vec<String> = sqlx::query_scalar(&format!("select t::text from {name} t"))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            all.push((name, rows.join("\n")));
        }
        connection.close().await.unwrap();
        all
    }

    /// What a query counts.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        let mut connection = PgConnection::connect(self.url().as_str()).await.unwrap();
        let count = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    async fn on_server(&self, statement: String) {
        execute(&self.server, &statement).await;
    }

    /// Changes a setting of every later connection to it.
    pub(crate) async fn set(&self, setting: &str) {
        self.on_server(format!("alter database {} set {setting}", self.name))
            .await;
    }
}

async fn execute(url: &Url, statement: &str) {
    let mut connection = PgConnection::connect(url.as_str())
        .await
        .expect("the PostgreSQL of the tests answers");
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let statement = format!("drop database if exists {} with (force)", self.name);
        let server = self.server.clone();
        // A thread of its own: a runtime cannot be entered twice on one.
        let dropped = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(&server, &statement));
        })
        .join();
        if dropped.is_err() {
            eprintln!("database {} is left behind", self.name);
        }
    }
}
