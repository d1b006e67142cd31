//! A PostgreSQL database of a measurement's own.

use std::env;

use doorbook::ids;
use sqlx::{Connection as _, Executor as _, PgConnection};
use url::Url;

/// A fresh database; dropped with this value.
pub(crate) struct OwnDatabase {
    name: String,
    server: Url,
}

impl OwnDatabase {
    pub(crate) fn create() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES")
            .expect("DOORBOOK_TEST_POSTGRES is not set: `cargo xtask bench` starts a server");
        let name = format!("doorbook_bench_{}", ids::uuid_v4().simple());
        let server = Url::parse(&server).expect("DOORBOOK_TEST_POSTGRES is not a URL");
        execute(&server, &format!("create database {name}"));
        Self { name, server }
    }

    pub(crate) fn url(&self) -> String {
        self.own().to_string()
    }

    /// What the server keeps in memory: `256MB`.
    pub(crate) fn shared_buffers(&self) -> String {
        let setting = async {
            let mut connection = PgConnection::connect(self.server.as_str())
                .await
                .expect("no PostgreSQL");
            let setting = sqlx::query_scalar("show shared_buffers")
                .fetch_one(&mut connection)
                .await;
            connection.close().await.unwrap();
            setting.unwrap()
        };
        wait_for(setting)
    }

    fn own(&self) -> Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url
    }

    /// Does what the server would soon begin by itself after so much was written, so that it does not fall into what is measured.
    pub(crate) fn rest(&self) {
        execute(&self.own(), "vacuum (analyze)");
        execute(&self.own(), "checkpoint");
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        execute(
            &self.server,
            &format!("drop database if exists {} with (force)", self.name),
        );
    }
}

fn execute(server: &Url, statement: &str) {
    let work = async {
        let mut connection = PgConnection::connect(server.as_str()).await.expect("no PostgreSQL");
        connection.execute(statement).await.unwrap();
        connection.close().await.unwrap();
    };
    wait_for(work);
}

fn wait_for<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}
