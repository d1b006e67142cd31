pub(crate) mod bench;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod logins_by_day;
pub(crate) mod place;

/// Makes two tests of each async function over a [`place::Place`]: one for each database.
macro_rules! on_both {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::support::place::with_sqlite(super::$test).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                crate::support::place::with_postgres(super::$test).await;
            })*
        }
    };
}
