//! Judging new passwords: away from the threads that answer requests, and a few at a time.
//!
//! The estimate of one that is made for it takes a hundred times as long as that of an ordinary one, and a visitor needs no
//! account to ask for it.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use doorbook_openapi::app::{Refusal, Secret};
use doorbook_projections::fault::Fault;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::hashing::rules::{self, Broken};

/// How long a password waits to be judged.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a refused caller may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Judges new passwords. Cheap to clone.
#[derive(Clone)]
pub(super) struct Strength {
    turns: Arc<Semaphore>,
}

impl Strength {
    /// On half of the cores at most.
    pub(super) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
        }
    }

    /// Every rule that the password breaks. `words` are the person's own: address, name.
    pub(super) async fn judge(
        &self,
        password: &Secret,
        min_length: usize,
        words: [Option<&str>; 2],
    ) -> Result<Vec<Broken>, Refusal> {
        let waited = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = waited else {
            return Err(Refusal::Busy(RETRY_AFTER));
        };
        let password = password.clone();
        let words: Vec<String> = words.into_iter().flatten().map(str::to_owned).collect();
        let judged = spawn_blocking(move || {
            let _turn = turn;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            rules::check(&password.0, min_length, &words)
        });
        Ok(judged
            .await
            .map_err(Fault::because("a new password could not be judged"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret("a violet anchor in the tundra".to_owned())
    }

    #[tokio::test]
    async fn password_that_finds_no_turn_is_sent_away() {
        let strength = Strength {
            turns: Arc::new(Semaphore::new(0)),
        };
        let judged = strength.judge(&secret(), 8, [None, None]).await;
        assert!(matches!(judged, Err(Refusal::Busy(_))));
    }

    #[tokio::test]
    async fn turn_is_given_back() {
        let strength = Strength {
            turns: Arc::new(Semaphore::new(1)),
        };
        for _ in 0..3 {
            let broken = strength.judge(&secret(), 8, [Some("ada@example.org"), None]).await;
            assert_eq!(broken.ok(), Some(Vec::new()));
        }
    }
}
