//! Judging new passwords: away from the threads that answer requests, and a few at a time.
//!
//! The estimate of one that is made for it takes a hundred times as long as that of an ordinary one, and a visitor needs no
//! account to ask for it.

use std::{sync::Arc, thread::available_parallelism, time::Duration};

use doorbook_openapi::app::{Refusal, Secret};
use doorbook_projections::fault::Fault;
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use super::breached::Breached;
use crate::{
    config::Config,
    hashing::{
        common::Blocklist,
        rules::{Broken, Rules},
    },
    open::StartError,
};

/// How long a password waits to be judged.
const PATIENCE: Duration = Duration::from_secs(2);
/// When a refused caller may come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Judges new passwords. Cheap to clone.
#[derive(Clone)]
pub struct Strength {
    turns: Arc<Semaphore>,
    rules: Arc<Rules>,
    breached: Option<Breached>,
}

impl Strength {
    /// Judges on half of the cores at most, and asks about breaches where there is somebody to ask.
    #[must_use]
    pub fn new(rules: Rules, breached: Option<Breached>) -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self {
            turns: Arc::new(Semaphore::new((cores / 2).max(1))),
            rules: Arc::new(rules),
            breached,
        }
    }

    /// Judges as the configuration says. Reads the operator's list.
    ///
    /// # Errors
    ///
    /// [`StartError::Blocklist`] when the list cannot be read.
    pub fn open(config: &Config) -> Result<Self, StartError> {
        let blocklist = match &config.password.blocklist {
            Some(file) => Blocklist::read(file).map_err(|source| StartError::Blocklist {
                path: file.display().to_string(),
                source,
            })?,
            None => Blocklist::default(),
        };
        let hibp = &config.password.hibp;
        let breached = hibp.enabled.then(|| Breached::new(hibp.url.clone())).transpose()?;
        let context = vec![config.http.public_url.host()];
        Ok(Self::new(Rules { context, blocklist }, breached))
    }

    /// Every rule that the password breaks. `words` are the person's own: address, name. Others are asked only about a
    /// password that breaks no rule here.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when too many passwords wait to be judged.
    pub async fn judge(
        &self,
        password: &Secret,
        min_length: usize,
        words: [Option<&str>; 2],
    ) -> Result<Vec<Broken>, Refusal> {
        let waited = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let Ok(Ok(turn)) = waited else {
            return Err(Refusal::Busy(RETRY_AFTER));
        };
        let (secret, rules) = (password.clone(), Arc::clone(&self.rules));
        let words: Vec<String> = words.into_iter().flatten().map(str::to_owned).collect();
        let judged = spawn_blocking(move || {
            let _turn = turn;
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            rules.check(&secret.0, min_length, &words)
        });
        let mut broken = judged
            .await
            .map_err(Fault::because("a new password could not be judged"))?;
        if let Some(breached) = &self.breached
            && broken.is_empty()
            && breached.has(&password.0).await
        {
            broken.push(Broken::Breached);
        }
        Ok(broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret("a violet anchor in the tundra".to_owned())
    }

    fn with_turns(turns: usize) -> Strength {
        Strength {
            turns: Arc::new(Semaphore::new(turns)),
            ..Strength::new(Rules::default(), None)
        }
    }

    #[tokio::test]
    async fn password_that_finds_no_turn_is_sent_away() {
        let judged = with_turns(0).judge(&secret(), 8, [None, None]).await;
        assert!(matches!(judged, Err(Refusal::Busy(_))));
    }

    #[tokio::test]
    async fn turn_is_given_back() {
        let strength = with_turns(1);
        for _ in 0..3 {
            let broken = strength.judge(&secret(), 8, [Some("ada@example.org"), None]).await;
            assert_eq!(broken.ok(), Some(Vec::new()));
        }
    }
}
