//! Waiting for a condition, and small random numbers.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Longest wait for something that comes in milliseconds on an idle machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A number below `bound`, different in each run.
pub(crate) fn random(bound: u64) -> u64 {
    rand::random::<u64>() % bound
}
