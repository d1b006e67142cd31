use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use super::{Engine, Kind, RunState, slot::Slot};
use crate::log::Position;

/// What is counted of a read model since the start.
#[derive(Debug, Default)]
pub(super) struct Tally {
    parked: AtomicUsize,
    ended: [[AtomicU64; STATES]; KINDS],
}

const KINDS: usize = 2;
const STATES: usize = RunState::ALL.len();

/// How a read model is, as far as memory knows: for metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure {
    /// The read model.
    pub name: &'static str,
    /// The last event that queries see.
    pub position: Option<Position>,
    /// Whether an admin keeps it from following the log.
    pub paused: bool,
    /// Streams that are parked.
    pub parked: usize,
    /// Runs of this process that ended since its start: what they did, how they ended, and how many.
    pub runs: Vec<(Kind, RunState, u64)>,
}

const fn row(kind: Kind) -> usize {
    match kind {
        Kind::Rebuild => 0,
        Kind::Verify => 1,
    }
}

impl Tally {
    pub(super) fn parked(&self, streams: usize) {
        self.parked.store(streams, Ordering::Relaxed);
    }

    pub(super) fn count(&self, kind: Kind, state: RunState) {
        let known = RunState::ALL
            .into_iter()
            .zip(self.ended.get(row(kind)).into_iter().flatten());
        for (_, count) in known.filter(|&(known, _)| known == state) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn runs(&self) -> Vec<(Kind, RunState, u64)> {
        let kinds = [Kind::Rebuild, Kind::Verify].into_iter().zip(&self.ended);
        kinds
            .flat_map(|(kind, counts)| {
                let counts = RunState::ALL.into_iter().zip(counts);
                counts.map(move |(state, count)| (kind, state, count.load(Ordering::Relaxed)))
            })
            .filter(|&(_, state, _)| state != RunState::Running)
            .collect()
    }
}

impl Engine {
    /// How every read model is, without I/O.
    #[must_use]
    pub fn figures(&self) -> Vec<Figure> {
        let figure = |slot: &Arc<Slot>| {
            let state = slot.state.borrow();
            Figure {
                name: slot.name(),
                position: state.position,
                paused: state.paused.is_some(),
                parked: slot.tally.parked.load(Ordering::Relaxed),
                runs: slot.tally.runs(),
            }
        };
        self.core.slots.iter().map(figure).collect()
    }
}
