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
use tokio::time::{sleep, timeout};

/// Longest wait for a connection that others use.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait at the end for those that are in use.
const GRACE: Duration = Duration::from_secs(5);

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

    /// What is given back is in order: see [`Lent`].
    async fn recycle(&self, _: &mut SqliteConnection, _: &Metrics) -> RecycleResult<sqlx::Error> {
        Ok(())
    }
}

impl Connections {
    /// At most `most`, opened as they are needed.
    ///
    /// # Errors
    ///
    /// None, as long as a runtime is named.
    pub(super) fn new(options: SqliteConnectOptions, most: u32) -> sqlx::Result<Self> {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let pool = Pool::builder(Open(options))
            .max_size(most)
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE));
        let pool = pool.build();
        pool.map(Self).map_err(|error| sqlx::Error::Configuration(error.into()))
    }

    /// Does something with a connection, which is closed if that fails or is cancelled.
    ///
    /// # Errors
    ///
    /// What failed, or that there is no connection.
    pub(super) async fn with<T>(
        &self,
        run: impl AsyncFnOnce(&mut SqliteConnection) -> sqlx::Result<T>,
    ) -> sqlx::Result<T> {
        let mut lent = Lent(Some(self.0.get().await.map_err(unavailable)?));
        let Some(connection) = &mut lent.0 else {
            return Err(sqlx::Error::PoolClosed);
        };
        let done = run(connection).await?;
        // To the pool.
        drop(lent.0.take());
        Ok(done)
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

    /// Closes those that nobody uses, and waits a moment for the others: they are closed when they are given back.
    pub(super) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for connection in idle {
            // The file is as it is.
            let _ = connection.close().await;
        }
        let all_back = async {
            while self.0.status().size > 0 {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(GRACE, all_back).await.unwrap_or_default();
    }
}

/// A connection that is closed unless it is given back: one that met a fault, or whose work was dropped half-way, may be in
/// the middle of a transaction. An append there would be answered, and never committed.
struct Lent(Option<Object<Open>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connection_that_met_a_fault_serves_nobody_else() {
        let connections = Connections::new(SqliteConnectOptions::new().in_memory(true), 1).unwrap();
        let create = async |connection: &mut SqliteConnection| {
            let done = sqlx::query("create table notes (text text)").execute(connection).await;
            done.map(drop)
        };
        connections.with(create).await.unwrap();
        assert!(connections.with(create).await.is_err(), "the connection was kept");
        // One that is new has a database of its own.
        connections.with(create).await.unwrap();
    }

    #[tokio::test]
    async fn connection_whose_work_was_dropped_serves_nobody_else() {
        let connections = Connections::new(SqliteConnectOptions::new().in_memory(true), 1).unwrap();
        let begin = connections.with(async |connection| {
            sqlx::query("begin immediate").execute(connection).await?;
            std::future::pending().await
        });
        let dropped: Result<sqlx::Result<()>, _> = timeout(Duration::from_millis(200), begin).await;
        assert!(dropped.is_err());
        // Within the transaction of before this would fail.
        let begin = async |connection: &mut SqliteConnection| {
            let done = sqlx::query("begin immediate").execute(connection).await;
            done.map(drop)
        };
        connections.with(begin).await.unwrap();
    }

    #[tokio::test]
    async fn closed_ones_are_not_opened_again() {
        let connections = Connections::new(SqliteConnectOptions::new().in_memory(true), 1).unwrap();
        let query = || sqlx::query_as::<_, (i64,)>("select 1");
        assert_eq!(connections.row(query()).await.unwrap(), (1,));
        connections.close().await;
        assert!(matches!(connections.row(query()).await, Err(sqlx::Error::PoolClosed)));
    }
}
