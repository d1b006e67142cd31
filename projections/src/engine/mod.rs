//! One engine for every read model: it follows the log, rebuilds and verifies.
//!
//! * `store` keeps generations of tables and says which is current; `generation` is one of them, with its checkpoint.
//! * `fold` turns events into patches, the same way live, on rebuild and in a verification; `order` checks each stream.
//! * `follow` keeps the current generations up to date; `parked` gives a parked stream another try.
//! * `rebuild` makes the next generation beside the current one, through the pipeline in `load`; `verify` compares.

mod fold;
mod follow;
mod generation;
mod load;
mod open;
mod order;
mod parked;
mod postgres;
mod reads;
mod rebuild;
mod slot;
mod sqlite;
mod status;
mod store;
mod verify;

use std::sync::{Arc, atomic::AtomicBool};

use doorbook_domain::time::Timestamp;
use tokio::sync::Notify;

pub use self::{
    parked::Parked,
    reads::{Reads, View},
    rebuild::{Phase, Progress},
    status::Status,
    store::ReadTarget,
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
    running: AtomicBool,
}
