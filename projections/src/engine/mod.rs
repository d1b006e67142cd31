//! One engine for every read model: it follows the log, rebuilds and verifies.
//!
//! * `store` keeps generations of tables and says which is current; `generation` is one of them, with its checkpoint.
//! * `fold` turns events into patches, the same way live, on rebuild and in a verification; `order` checks each stream.
//! * `follow` keeps the current generations up to date; `parked` gives a parked stream another try.
//! * `rebuild` makes the next generation beside the current one, through the pipeline in `load`; `verify` compares;
//!   `refold` puts the rows of single streams right; `rollback` goes back to the generation before.
//! * `runs` are these works, noted so that everybody sees how far they are; `pause` keeps a read model where it is.

mod denied;
mod fold;
mod follow;
mod generation;
mod load;
mod months;
mod open;
mod order;
mod parked;
mod pause;
mod postgres;
mod reads;
mod rebuild;
mod refold;
mod rollback;
mod runs;
mod slot;
mod sqlite;
mod status;
mod store;
mod tally;
mod verify;

use std::sync::{Arc, atomic::AtomicBool};

use doorbook_domain::time::Timestamp;
use tokio::sync::Notify;

pub use self::{
    denied::{Denied, Poison},
    parked::Parked,
    reads::{Reads, View},
    rebuild::{Phase, Progress},
    rollback::Rollback,
    runs::{Ended, Kind, Order, Outcome, RowDifference, Run, RunState, Scope, Work},
    status::{Status, Wellbeing},
    store::ReadTarget,
    tally::Figure,
    verify::{Difference, Differs, Report},
};
use self::{slot::Slot, store::Store};
use crate::log::EventLog;

/// The clock of the service.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Runs read models. A clone is the same engine.
#[derive(Clone)]
pub struct Engine {
    core: Arc<Core>,
}

struct Core {
    log: Arc<dyn EventLog>,
    clock: Clock,
    store: Store,
    slots: Vec<Arc<Slot>>,
    /// Wakes the followers when a generation was swapped by this process.
    nudge: Notify,
    /// Wakes the runs of this process when one is to stop.
    stop: Notify,
    running: AtomicBool,
}
