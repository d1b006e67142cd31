//! How far followers are, for those who watch the service.

use std::collections::BTreeMap;

use doorbook_projections::log::Position;
use parking_lot::Mutex;

/// How far one follower is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figure {
    /// The last event that it has dealt with.
    pub position: Position,
    /// Whether it has done all that it may: the next event is not old enough to be acted on.
    pub waits: bool,
    /// Events that it has gone past, to be tried again.
    pub parked: usize,
}

/// How far all of them are.
#[derive(Debug, Default)]
pub struct Figures(Mutex<BTreeMap<&'static str, Figure>>);

impl Figures {
    pub(super) fn set(&self, name: &'static str, change: impl FnOnce(&mut Figure)) {
        change(self.0.lock().entry(name).or_default());
    }

    /// Every follower and how far it is, by name.
    #[must_use]
    pub fn all(&self) -> Vec<(&'static str, Figure)> {
        self.0.lock().iter().map(|(name, figure)| (*name, *figure)).collect()
    }
}
