//! Databases that live as long as a test.

use std::env;

use sqlx::{Connection as _, Executor as _, PgConnection};
use url::Url;

/// A database of a test's own, on the PostgreSQL that `DOORBOOK_TEST_POSTGRES` names; dropped with this.
pub(crate) struct OwnDatabase {
    server: Url,
    name: String,
}

impl OwnDatabase {
    pub(crate) async fn create() -> Self {
        let server = env::var("DOORBOOK_TEST_POSTGRES")
            .expect("set DOORBOOK_TEST_POSTGRES to the URL of a PostgreSQL whose user may create databases");
        let server = Url::parse(&server).unwrap();
        let name = format!("doorbook_test_{:032x}", rand::random::<u128>());
        let database = Self { server, name };
        execute(database.server.clone(), format!("create database {}", database.name)).await;
        database
    }

    pub(crate) fn url(&self) -> Url {
        let mut url = self.server.clone();
        url.set_path(&self.name);
        url
    }

    /// Runs statements in it.
    pub(crate) async fn execute(&self, statements: &str) {
        execute(self.url(), statements.to_owned()).await;
    }
}

async fn execute(url: Url, statement: String) {
    let mut connection = PgConnection::connect(url.as_str()).await.unwrap();
    connection.execute(statement.as_str()).await.unwrap();
    connection.close().await.unwrap();
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        let (url, name) = (self.server.clone(), self.name.clone());
        let statement = format!("drop database if exists {name} with (force)");
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(execute(url, statement));
        });
        dropping
            .join()
            .unwrap_or_else(|_| println!("{} is left over", self.name));
    }
}
