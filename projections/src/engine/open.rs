use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{Clock, Core, Engine, ReadTarget, Reads, slot::Slot, store::Store};
use crate::{
    fault::Fault,
    log::{EventLog, Position},
    projection::Projection,
};

/// How often a read model is looked at that another process keeps up to date.
const LOOK: Duration = Duration::from_millis(20);

impl Engine {
    /// Opens the read models of `projections` at `target`, folded from `log`. Nothing moves before [`Engine::run`].
    ///
    /// # Errors
    ///
    /// [`Fault`] when the database or the log cannot be reached.
    pub async fn open(
        target: ReadTarget,
        log: Arc<dyn EventLog>,
        projections: Vec<Arc<dyn Projection>>,
        clock: Clock,
    ) -> Result<Self, Fault> {
        let names: Vec<&'static str> = projections.iter().map(|projection| projection.name()).collect();
        let core = Core {
            store: Store::open(target, &names).await?,
            slots: projections
                .into_iter()
                .map(|projection| Arc::new(Slot::new(projection)))
                .collect(),
            nudge: Notify::new(),
            stop: Notify::new(),
            running: AtomicBool::new(false),
            log,
            clock,
        };
        for slot in &core.slots {
            core.refresh(slot).await?;
        }
        Ok(Self { core: Arc::new(core) })
    }

    /// The names of its read models.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.core.slots.iter().map(|slot| slot.name()).collect()
    }

    /// What queries read from. Costs nothing and can be kept.
    #[must_use]
    pub fn reads(&self) -> Reads {
        Reads {
            core: Arc::clone(&self.core),
        }
    }

    /// Waits until queries of the read model `name` see the event at `position`; says whether they do, or `limit` has
    /// passed, or an admin keeps the read model from getting there.
    ///
    /// # Errors
    ///
    /// [`Fault`] when there is no such read model, or, where this engine does not run, when the database fails.
    pub async fn wait_for(&self, name: &str, position: Position, limit: Duration) -> Result<bool, Fault> {
        self.wait(name, position, limit, true).await
    }

    /// As [`Engine::wait_for`], for work that nobody waits for: it takes what comes, and has nothing folded sooner.
    ///
    /// # Errors
    ///
    /// As [`Engine::wait_for`].
    pub async fn wait_idly_for(&self, name: &str, position: Position, limit: Duration) -> Result<bool, Fault> {
        self.wait(name, position, limit, false).await
    }

    async fn wait(&self, name: &str, position: Position, limit: Duration, urgent: bool) -> Result<bool, Fault> {
        let slot = self.core.slot(name)?;
        let seen = async {
            let mut state = slot.state.subscribe();
            loop {
                if !self.core.running.load(Ordering::Acquire) {
                    self.core.refresh(slot).await?;
                }
                {
                    let state = state.borrow_and_update();
                    let reached = state.position.is_some_and(|reached| reached >= position);
                    if reached || (state.paused.is_some() && state.position.is_some()) {
                        return Ok(reached);
                    }
                }
                if urgent {
                    slot.awaited.notify_waiters();
                }
                tokio::select! {
                    _ = state.changed() => {}
                    () = sleep(LOOK) => {}
                }
            }
        };
        match timeout(limit, seen).await {
            Ok(seen) => seen,
            Err(_) => Ok(false),
        }
    }
}
