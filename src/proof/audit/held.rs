//! Checkpoints that count, and those that do not.

use std::collections::HashSet;

use uuid::Uuid;

use super::finding::{Finding, Kind};
use crate::proof::{checkpoint::Checkpoint, note::NoteKey, shelf::FoundNote};

/// A checkpoint whose signature was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Where it was found, for people.
    pub place: String,
    /// What it says.
    pub checkpoint: Checkpoint,
}

/// Those of the notes that `key` has signed for this log, each once however often it is kept, and what is wrong with the
/// others.
#[must_use]
pub fn check_notes(notes: Vec<FoundNote>, key: &NoteKey, log: Option<Uuid>) -> (Vec<Held>, Vec<Finding>) {
    let (mut held, mut findings) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for FoundNote { place, note } in notes {
        match Checkpoint::open(&note, key) {
            Ok(checkpoint) if log.is_none_or(|log| checkpoint.is_of(log)) => {
                if seen.insert(note) {
                    held.push(Held { place, checkpoint });
                }
            }
            Ok(checkpoint) => {
                let evidence = format!("{place} is of {}", checkpoint.origin);
                findings.push(Finding::new(Kind::OtherLog).with_evidence(evidence));
            }
            Err(invalid) => {
                let evidence = format!("{place}: {invalid}");
                findings.push(Finding::new(Kind::CheckpointInvalid).with_evidence(evidence));
            }
        }
    }
    (held, findings)
}
