//! Checkpoints: what the tree was at an instant, in the form of C2SP's tlog-checkpoint, signed as a note.

use std::fmt;

use doorbook_domain::time::Timestamp;
use uuid::Uuid;

use super::{
    hash::TreeHash,
    note::{InvalidNote, NoteKey},
};

/// A head of the tree. Text is its four lines: origin, size, root, and the instant as an extension line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the tree: see [`origin_of`].
    pub origin: String,
    /// How many events it holds.
    pub size: u64,
    /// Its root.
    pub root: TreeHash,
    /// When it was signed, by the service's clock.
    pub at: Timestamp,
}

/// The name of the key that signs for a log, and of its first tree.
#[must_use]
pub fn name_of(log: Uuid) -> String {
    format!("doorbook/{log}")
}

/// The name of a tree that a restore began: it may differ from the one before, which is therefore another.
#[must_use]
pub fn origin_of(log: Uuid, restored_at: Timestamp) -> String {
    format!(
        "{}/{}",
        name_of(log),
        restored_at.to_utc().format("restored-%Y%m%dT%H%M%SZ")
    )
}

impl Checkpoint {
    /// Reads a note that `key` has signed.
    ///
    /// # Errors
    ///
    /// [`InvalidNote`] when it must not be believed, or is no checkpoint.
    pub fn open(note: &str, key: &NoteKey) -> Result<Self, InvalidNote> {
        Self::parse(key.open(note)?).ok_or(InvalidNote::Malformed)
    }

    /// Whether it is of a tree over this log.
    #[must_use]
    pub fn is_of(&self, log: Uuid) -> bool {
        let rest = self.origin.strip_prefix(&name_of(log));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let (origin, size) = (lines.next()?, lines.next()?);
        let (root, at) = (lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let at = chrono::DateTime::parse_from_rfc3339(at).ok()?;
        let read = Self {
            origin: origin.to_owned(),
            size: number,
            root: root.parse().ok()?,
            at: at.to_utc().into(),
        };
        // One text for one checkpoint: no leading zeros, no other form of the instant.
        (!origin.is_empty() && read.to_string() == text).then_some(read)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}\n{}", self.origin, self.size, self.root, self.at)
    }
}
