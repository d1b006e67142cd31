//! Connections to the file, kept for whoever comes next.
//!
//! sqlx's own pool asks the connection's thread whether it lives each time that a connection is given back: for a login, a
//! third of all threads that were woken.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleResult},
};
use sqlx::{
    ConnectOptions as _, Connection as _, FromRow, Sqlite, SqliteConnection,
    query::QueryAs,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow},
};

/// Longest wait for a connection that others use.
const PATIENCE: Duration = Duration::from_secs(30);

/// A clone shares the connections.
#[derive(Clone)]
pub(in crate::store) struct Connections(Pool<Open>);

/// Opens them.
struct Open(SqliteConnectOptions);

impl Manager for Open {
    type Type = SqliteConnection;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<SqliteConnection> {
        self.0.connect().await
    }

    /// Whoever met a fault has not given the connection back.
    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(())
    }
}

impl Connections {
    /// At most `most`, opened as they are needed.
    pub(super) fn new(options: SqliteConnectOptions, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pool = Pool::builder(Open(options))
            .max_size(most)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE));
        Self(pool.build().expect("a runtime is named"))
    }

    /// Does something with a connection, which is closed if that fails.
    ///
    /// # Errors
    ///
    /// What failed, or that there is no connection.
    pub(super) async fn with<T>(
        &self,
        run: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut connection = self.0.get().await.map_err(unavailable)?;
        let outcome = run(&mut connection).await;
        if outcome.is_err() {
            drop(Object::take(connection));
        }
        outcome
    }

    /// All rows of a query.
    ///
    /// # Errors
    ///
    /// As [`Self::with`].
    pub(super) async fn rows<'q, T>(&self, query: QueryAs<'q, Sqlite, T, SqliteArguments<'q>>) -> sqlx::Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.with(async |connection| query.fetch_all(connection).await).await
    }

    /// The row of a query that has one.
    ///
    /// # Errors
    ///
    /// As [`Self::with`].
    pub(super) async fn row<'q, T>(&self, query: QueryAs<'q, Sqlite, T, SqliteArguments<'q>>) -> sqlx::Result<T>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        self.with(async |connection| query.fetch_one(connection).await).await
    }

    /// Closes those that nobody uses, and the others once they are given back.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for connection in idle {
            // The file is as it is.
            let _ = connection.close().await;
        }
    }
}

fn unavailable(error: PoolError<sqlx::Error>) -> sqlx::Error {
    match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => sqlx::Error::PoolTimedOut,
        PoolError::Closed => sqlx::Error::PoolClosed,
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            sqlx::Error::Configuration("a pool without a runtime".into())
        }
    }
}
