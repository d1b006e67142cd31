use std::sync::Arc;

use doorbook_domain::time::Timestamp;
use tokio::sync::{Notify, watch};

use super::{
    Core, Denied,
    generation::{Checkpoint, Generation},
    store::Pointer,
    tally::Tally,
};
use crate::{fault::Fault, log::Position, projection::Projection};

/// A read model's place in the engine.
pub(super) struct Slot {
    pub(super) projection: Arc<dyn Projection>,
    pub(super) state: watch::Sender<State>,
    pub(super) tally: Tally,
    /// Somebody waits for what is not gathered yet.
    pub(super) awaited: Notify,
}

/// What readers and waiters see.
#[derive(Debug, Default)]
pub(super) struct State {
    /// What queries read.
    pub(super) served: Option<Arc<Generation>>,
    /// How far it has read this very log; none while that is not known or not so.
    pub(super) position: Option<Position>,
    /// Why it does not get on.
    pub(super) fault: Option<String>,
    /// Since when an admin keeps it from following the log.
    pub(super) paused: Option<Timestamp>,
}

/// How a generation stands to this program and this log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It can be followed.
    Good,
    /// It can be read, but not be followed: the log has not gone on from where it is.
    Stale,
    /// Queries cannot read it: it is of another log, or has the tables of another version of the program.
    Foreign,
}

impl Slot {
    pub(super) fn new(projection: Arc<dyn Projection>) -> Self {
        Self {
            projection,
            state: watch::Sender::new(State::default()),
            tally: Tally::default(),
            awaited: Notify::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.projection.name()
    }

    pub(super) fn served(&self) -> Option<Arc<Generation>> {
        self.state.borrow().served.clone()
    }

    /// Lets readers see `generation` from now on.
    pub(super) fn serve(&self, generation: Arc<Generation>, position: Option<Position>) {
        self.state.send_modify(|state| {
            state.served = Some(generation);
            state.position = position;
        });
    }

    pub(super) fn reached(&self, position: Position) {
        self.state.send_modify(|state| {
            state.position = Some(position);
            state.fault = None;
        });
    }

    pub(super) fn failed(&self, reason: String) {
        self.state.send_modify(|state| state.fault = Some(reason));
    }

    pub(super) fn pause(&self, since: Option<Timestamp>) {
        self.state.send_if_modified(|state| {
            let changes = state.paused != since;
            state.paused = since;
            changes
        });
    }

    pub(super) fn recovered(&self) {
        self.state.send_if_modified(|state| state.fault.take().is_some());
    }
}

impl Core {
    pub(super) fn slot(&self, name: &str) -> Result<&Arc<Slot>, Fault> {
        self.known(name)
            .map_err(|_| Fault::new("there is no such projection", name))
    }

    /// As [`Self::slot`], for admins.
    pub(super) fn known(&self, name: &str) -> Result<&Arc<Slot>, Denied> {
        let slot = self.slots.iter().find(|slot| slot.name() == name);
        slot.ok_or(Denied::Unknown)
    }

    pub(super) async fn fit(&self, slot: &Slot, checkpoint: &Checkpoint) -> Result<Fit, Fault> {
        if checkpoint.version != slot.projection.version() || checkpoint.log_id != self.log.id().await? {
            return Ok(Fit::Foreign);
        }
        let good = checkpoint.fits(&*self.log).await?;
        Ok(if good { Fit::Good } else { Fit::Stale })
    }

    /// The current generation, and how it stands to this program and this log.
    pub(super) async fn current(&self, slot: &Slot) -> Result<Option<(Generation, Checkpoint, Fit)>, Fault> {
        let number = self.store.pointer(slot.name()).await?.current;
        if number == 0 {
            return Ok(None);
        }
        let Some(generation) = self
            .store
            .generation(slot.name(), number, slot.projection.tables())
            .await?
        else {
            return Ok(None);
        };
        let checkpoint = generation.checkpoint().await?;
        let fit = self.fit(slot, &checkpoint).await?;
        Ok(Some((generation, checkpoint, fit)))
    }

    /// Looks at the database for what another process, or a rebuild of this one, made of a read model that nobody here
    /// follows.
    pub(super) async fn refresh(&self, slot: &Slot) -> Result<(), Fault> {
        let Pointer {
            current: number,
            paused,
            ..
        } = self.store.pointer(slot.name()).await?;
        slot.pause(paused);
        if let Some(served) = slot.served().filter(|served| served.number == number) {
            let checkpoint = served.checkpoint().await?;
            let fits = self.fit(slot, &checkpoint).await? == Fit::Good;
            slot.serve(served, fits.then_some(checkpoint.position));
            return Ok(());
        }
        match self.current(slot).await? {
            Some((generation, checkpoint, fit)) if fit != Fit::Foreign => {
                slot.serve(Arc::new(generation), (fit == Fit::Good).then_some(checkpoint.position));
            }
            Some(_) | None => {}
        }
        Ok(())
    }
}
