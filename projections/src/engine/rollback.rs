use super::{
    Core, Denied, Engine,
    slot::{Fit, Slot},
};

/// A read model that went back to the generation before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rollback {
    /// What was current.
    pub from: u64,
    /// What is current now.
    pub to: u64,
}

impl Engine {
    /// Makes the generation before current again, in one step. It catches up from where it had read the log; queries read
    /// the other one until it has. What was current is kept, so that the same call goes back again.
    ///
    /// # Errors
    ///
    /// [`Denied`] when there is no such read model, somebody builds it, no generation is kept or it does not fit, or the
    /// log or the database fails.
    pub async fn roll_back(&self, name: &str) -> Result<Rollback, Denied> {
        let slot = self.core.known(name)?;
        let lock = self.core.lock(slot).await?.ok_or(Denied::Busy)?;
        let swapped = self.core.roll_back(slot).await;
        self.core.finish(slot).await;
        lock.release().await;
        self.core.nudge.notify_waiters();
        swapped
    }
}

impl Core {
    async fn roll_back(&self, slot: &Slot) -> Result<Rollback, Denied> {
        let pointer = self.store.pointer(slot.name()).await?;
        if pointer.previous == 0 {
            return Err(Denied::NothingBefore);
        }
        let tables = slot.projection.tables();
        let before = self.store.generation(slot.name(), pointer.previous, tables).await?;
        let checkpoint = before.ok_or(Denied::NothingBefore)?.checkpoint().await?;
        if self.fit(slot, &checkpoint).await? != Fit::Good {
            return Err(Denied::EarlierMisfit);
        }
        if !self.store.swap(slot.name(), pointer.current, pointer.previous).await? {
            return Err(Denied::Busy);
        }
        tracing::info!(
            projection = slot.name(),
            generation = pointer.previous,
            "the earlier generation is current again"
        );
        Ok(Rollback {
            from: pointer.current,
            to: pointer.previous,
        })
    }
}
