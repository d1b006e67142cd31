use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{
    Core, Engine,
    fold::{Fold, chain, wants},
    generation::Generation,
    order::Order,
    slot::{Fit, Slot},
    store::Pointer,
};
use crate::{
    fault::Fault,
    log::{Position, Recorded},
};

/// Events that are folded in one transaction.
const BATCH: usize = 1000;
/// How often to look at the log when nobody waits for what is new. Events are not folded one by one as they come: a
/// transaction for each of a busy log costs more than the logins that it tells of.
const POLL: Duration = Duration::from_millis(500);
/// How long to wait after a fault, and at most after many: what fails may be a rebuild of the whole log.
const PAUSES: Range<Duration> = Duration::from_secs(1)..Duration::from_mins(1);

/// Keeps one read model up to date.
struct Follower {
    core: Arc<Core>,
    slot: Arc<Slot>,
    generation: Arc<Generation>,
    position: Position,
    order: Order,
}

/// What a step of a follower came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There may be more.
    Moved,
    /// It has read everything.
    AtHead,
    /// An admin keeps it from reading.
    Paused,
}

impl Engine {
    /// Keeps the read models up to date until `cancel`. Read models that do not fit the program or the log are rebuilt
    /// first; until then their old tables serve, where they are of this log and this version.
    ///
    /// # Errors
    ///
    /// [`Fault`] when a task died. Faults of databases and of the log are retried, logged and shown by
    /// [`Engine::status`].
    pub async fn run(&self, cancel: CancellationToken) -> Result<(), Fault> {
        self.core.running.store(true, Ordering::Release);
        let mut tasks = JoinSet::new();
        let mut unfit = Vec::new();
        for slot in &self.core.slots {
            match self.core.current(slot).await {
                Ok(Some((_, _, Fit::Good))) => {
                    tasks.spawn(self.clone().keep(Arc::clone(slot), cancel.clone()));
                }
                Ok(_) | Err(_) => unfit.push(Arc::clone(slot)),
            }
        }
        if !unfit.is_empty() {
            tasks.spawn(self.clone().renew(unfit, cancel.clone()));
        }
        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            outcome = outcome.and(ended.map_err(Fault::because("a follower of the log died")));
        }
        self.core.running.store(false, Ordering::Release);
        outcome
    }

    /// Rebuilds all in one pass, then keeps each. Where the pass fails, each tries for itself.
    async fn renew(self, slots: Vec<Arc<Slot>>, cancel: CancellationToken) {
        let names: Vec<&str> = slots.iter().map(|slot| slot.name()).collect();
        tracing::info!(
            projections = names.join(" "),
            "rebuilding read models that do not fit the log or the program"
        );
        if let Err(fault) = self.rebuild(&names, &|_| {}, &cancel).await
            && !cancel.is_cancelled()
        {
            tracing::warn!(error = chain(&fault), "read models could not be rebuilt together");
        }
        let mut tasks = JoinSet::new();
        for slot in slots {
            tasks.spawn(self.clone().keep(slot, cancel.clone()));
        }
        tasks.join_all().await;
    }

    /// Keeps one read model up to date until `cancel`.
    async fn keep(self, slot: Arc<Slot>, cancel: CancellationToken) {
        let mut follower = None;
        let mut pauses = PAUSES;
        self.sweep(&slot).await;
        while !cancel.is_cancelled() {
            let pause = match self.step(&slot, &mut follower, &cancel).await {
                Ok(Step::Moved) => continue,
                Ok(Step::AtHead | Step::Paused) => {
                    pauses = PAUSES;
                    POLL
                }
                Err(_) if cancel.is_cancelled() => return,
                Err(fault) => {
                    let error = chain(&fault);
                    tracing::error!(projection = slot.name(), error, "a read model does not get on");
                    slot.failed(error);
                    let pause = pauses.start;
                    pauses.start = (pause * 2).min(pauses.end);
                    pause
                }
            };
            let quiet = pause == POLL;
            tokio::select! {
                () = cancel.cancelled() => return,
                () = self.core.nudge.notified(), if quiet => {}
                () = slot.awaited.notified(), if quiet => {}
                () = sleep(pause) => {}
            }
        }
    }

    /// Removes what a process left behind that was killed while it built, and closes its runs.
    async fn sweep(&self, slot: &Slot) {
        let store = &self.core.store;
        let Ok(Some(lock)) = store.lock(slot.name()).await else {
            return;
        };
        let buried = store.bury(slot.name(), (self.core.clock)()).await;
        if let Err(fault) = store.tidy(slot.name()).await.and(buried) {
            tracing::warn!(projection = slot.name(), error = chain(&fault), "old generations stay");
        }
        lock.release().await;
    }

    async fn step(
        &self,
        slot: &Arc<Slot>,
        follower: &mut Option<Follower>,
        cancel: &CancellationToken,
    ) -> Result<Step, Fault> {
        let Pointer { current, paused, .. } = self.core.store.pointer(slot.name()).await?;
        slot.pause(paused);
        if let Some(follower) = follower
            .as_mut()
            .filter(|follower| follower.generation.number == current)
        {
            if paused.is_some() {
                return Ok(Step::Paused);
            }
            let step = follower.advance().await?;
            follower.slot.reached(follower.position);
            return Ok(step);
        }
        match (self.core.current(slot).await?, &follower) {
            (Some((generation, checkpoint, Fit::Good)), _) => {
                let mut next = Follower {
                    core: Arc::clone(&self.core),
                    slot: Arc::clone(slot),
                    generation: Arc::new(generation),
                    position: checkpoint.position,
                    order: Order::new(),
                };
                slot.tally.parked(next.generation.parked().await?.len());
                next.overtake(follower.as_ref().map(|follower| follower.position))
                    .await?;
                slot.serve(Arc::clone(&next.generation), Some(next.position));
                slot.recovered();
                *follower = Some(next);
            }
            // Another program made it current: this one goes on with what it understands.
            (_, Some(_)) => {
                return Err(Fault::plain(
                    "the current generation does not fit this program or this log",
                ));
            }
            (_, None) => self.rebuild(&[slot.name()], &|_| {}, cancel).await?,
        }
        Ok(Step::Moved)
    }
}

impl Follower {
    /// Reads on until nothing that readers have seen already is missing.
    async fn overtake(&mut self, seen: Option<Position>) -> Result<(), Fault> {
        while seen.is_some_and(|seen| self.position < seen) {
            self.advance().await?;
        }
        Ok(())
    }

    /// Folds one batch.
    async fn advance(&mut self) -> Result<Step, Fault> {
        let events = self.core.log.follow(self.position, BATCH).await?;
        let Some(last) = events.last() else {
            return Ok(Step::AtHead);
        };
        let to = (last.position, last.event_id());
        let folded = match events.iter().try_for_each(|recorded| self.order.check(recorded)) {
            Ok(()) => self.fold(&events, to).await,
            Err(gap) => Err(gap),
        };
        match folded {
            Ok(true) => {
                self.order.keep();
                self.position = to.0;
                let full = events.len() == BATCH;
                Ok(if full { Step::Moved } else { Step::AtHead })
            }
            Ok(false) => {
                self.order.forget();
                self.position = self.generation.checkpoint().await?.position;
                Ok(Step::Moved)
            }
            Err(fault) => {
                self.order.undo();
                Err(fault)
            }
        }
    }

    /// `false` when somebody else has folded these events, or some of them.
    async fn fold(&self, events: &[Recorded], to: (Position, uuid::Uuid)) -> Result<bool, Fault> {
        let projection = &*self.slot.projection;
        let Some(mut batch) = self.generation.begin(self.position, to).await? else {
            return Ok(false);
        };
        let known = batch.parked().await?;
        let mut parked = known.len();
        let mut fold = Fold::new(projection, &known);
        for recorded in events.iter().filter(|recorded| wants(projection, recorded)) {
            let Err(poison) = fold.event(projection, recorded, &recorded.event()) else {
                continue;
            };
            fold.park(projection, &poison);
            parked += 1;
            batch.park(&poison.parked((self.core.clock)())).await?;
        }
        batch.write(fold.take()).await?;
        batch.commit().await?;
        self.slot.tally.parked(parked);
        Ok(true)
    }
}
