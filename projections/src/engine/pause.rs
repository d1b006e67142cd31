use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::timeout;

use super::{Core, Denied, Engine, slot::Slot};
use crate::fault::Fault;

/// How long a follower may take to hear of it: what it is folding it folds to the end.
const PATIENCE: Duration = Duration::from_secs(5);

impl Engine {
    /// Keeps a read model where it is, until [`Engine::resume`], also over restarts. Queries go on reading it. Says whether
    /// it was otherwise before.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, or the database fails.
    pub async fn pause(&self, name: &str) -> Result<bool, Denied> {
        let slot = self.core.known(name)?;
        let sql = format!(
            "insert into {} (projection, since) values ($1, $2) on conflict do nothing",
            self.core.store.table("paused")
        );
        let values = vec![slot.name().into(), (self.core.clock)().into()];
        let changed = self.core.store.catalog.execute(&sql, values).await? == 1;
        self.core.heard(slot, true).await?;
        Ok(changed)
    }

    /// Lets a read model follow the log again. Says whether it was otherwise before.
    ///
    /// # Errors
    ///
    /// As [`Engine::pause`].
    pub async fn resume(&self, name: &str) -> Result<bool, Denied> {
        let slot = self.core.known(name)?;
        let sql = format!("delete from {} where projection = $1", self.core.store.table("paused"));
        let changed = self.core.store.catalog.execute(&sql, vec![slot.name().into()]).await? == 1;
        self.core.heard(slot, false).await?;
        Ok(changed)
    }

    /// Whether an admin keeps the read model from following the log, and queries can go on with what it has: not where its
    /// tables do not fit the program or the log.
    #[must_use]
    pub fn rests(&self, name: &str) -> bool {
        self.core.known(name).is_ok_and(|slot| {
            let state = slot.state.borrow();
            state.paused.is_some() && state.position.is_some()
        })
    }
}

impl Core {
    /// Waits until the follower, if there is one in this process, has heard of it.
    async fn heard(&self, slot: &Slot, paused: bool) -> Result<(), Fault> {
        if !self.running.load(Ordering::Acquire) {
            return self.refresh(slot).await;
        }
        let mut state = slot.state.subscribe();
        self.nudge.notify_waiters();
        let heard = state.wait_for(|state| state.paused.is_some() == paused);
        // One that is rebuilt hears of it later; it is noted all the same.
        drop(timeout(PATIENCE, heard).await);
        Ok(())
    }
}
