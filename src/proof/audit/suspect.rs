//! The first event that is not what its leaf says: what became of it shows further on.

use doorbook_projections::log::{Position, Recorded};

use super::finding::Kind;
use crate::proof::{hash::TreeHash, leaf};

/// A place where event and leaf differ.
pub(super) struct Suspect {
    pub(super) position: u64,
    /// What stands there now.
    pub(super) event: Option<Recorded>,
    /// What stood there.
    leaf: Option<TreeHash>,
    /// Where the event that stands there belongs.
    belongs_at: Option<u64>,
    /// Where the event that belongs there stands.
    stands_at: Option<u64>,
}

impl Suspect {
    pub(super) fn new(position: u64, event: Option<&Recorded>, leaf: Option<TreeHash>) -> Self {
        let claimed = event.map(|event| event.position.number());
        let neighbours = [position.checked_add(1), position.checked_sub(1)];
        let once = neighbours.into_iter().flatten().find(|other| {
            let as_there = event.map(|event| leaf::at(event, Position::new(*other)));
            as_there.is_some() && as_there == leaf
        });
        Self {
            position,
            event: event.cloned(),
            leaf,
            belongs_at: claimed.filter(|claimed| *claimed != position).or(once),
            stands_at: None,
        }
    }

    /// Whether the numbers alone tell that something is wrong: whatever else was altered.
    pub(super) fn is_evident(&self) -> bool {
        let claimed = self.event.as_ref().map(|event| event.position.number());
        claimed != Some(self.position)
    }

    /// Looks at what stands further on.
    pub(super) fn observe(&mut self, position: u64, event: Option<&Recorded>, leaf: Option<TreeHash>) {
        if self.stands_at.is_none()
            && let Some(event) = event
        {
            let here = Position::new(self.position);
            if event.position == here || (self.leaf.is_some() && Some(leaf::at(event, here)) == self.leaf) {
                self.stands_at = Some(position);
            }
        }
        if self.belongs_at.is_none()
            && let (Some(own), Some(leaf)) = (&self.event, leaf)
            && leaf::at(own, Position::new(position)) == leaf
        {
            self.belongs_at = Some(position);
        }
    }

    /// Whether what stands there, and so what stands behind it, has moved one place up.
    pub(super) fn moved_up(&self) -> bool {
        self.kind() == Kind::Removed && self.belongs_at == self.position.checked_add(1)
    }

    /// What happened, as far as that was seen.
    pub(super) fn kind(&self) -> Kind {
        match (self.belongs_at, self.stands_at) {
            (None, Some(_)) if self.event.is_none() => Kind::Reordered,
            (Some(_), Some(_)) => Kind::Reordered,
            (Some(belongs), None) if belongs > self.position => Kind::Removed,
            (Some(_), None) | (None, Some(_)) => Kind::Inserted,
            (None, None) if self.event.is_none() => Kind::Removed,
            (None, None) => Kind::Altered,
        }
    }
}
