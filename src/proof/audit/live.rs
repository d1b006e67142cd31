//! The audit of a store, whether or not a service runs on it.

use std::collections::VecDeque;

use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position},
};

use super::{
    examiner::{Examiner, Slot},
    finding::{Finding, Kind, Report},
    held::{Held, check_notes},
};
use crate::proof::{
    hash::TreeHash,
    note::NoteKey,
    shelf::FoundNote,
    tree::{self, Tree},
};

/// Events that are read at once.
const PAGE: usize = 1000;

/// What is audited, and by what.
pub struct Live<'a> {
    /// The events.
    pub log: &'a dyn EventLog,
    /// The leaves.
    pub tree: &'a Tree,
    /// The checkpoints, of the store's own and of others.
    pub notes: Vec<FoundNote>,
    /// What they must be signed by.
    pub key: &'a NoteKey,
    /// Events that count in their streams and stand nowhere in the log.
    pub outside: Vec<String>,
}

/// Compares a store with its checkpoints. What is appended meanwhile is left out.
///
/// # Errors
///
/// [`Fault`] when a database fails.
pub async fn audit(live: Live<'_>, progress: &(dyn Fn(u64, u64) + Send + Sync)) -> Result<Report, Fault> {
    let id = live.log.id().await?;
    let (held, mut wrong) = check_notes(live.notes, live.key, Some(id));
    let state = live.tree.state().await?.filter(|state| state.log == id);
    let stored = state.map_or(0, |state| state.size);
    let end = live.log.head().await?.number();
    let signed = held.iter().map(|held| held.checkpoint.size).max().unwrap_or(0);
    let mut leaves = Leaves::new(live.tree, stored);
    let mut examiner = Examiner::new(held.clone());
    let mut after = Position::START;
    while after.number() < end {
        let events = live.log.read(after, PAGE).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in events.iter().filter(|event| event.position.number() <= end) {
            // Places without an event, but no further than a signature or a leaf says that there was one: numbers alone may be
            // as large as somebody likes who writes into the tables.
            while examiner.next() < event.position.number() && (examiner.next() <= signed || leaves.are_left()) {
                let leaf = leaves.next().await?;
                examiner.look(Slot { event: None, leaf });
            }
            let leaf = leaves.next().await?;
            examiner.look(Slot {
                event: Some(event),
                leaf,
            });
        }
        progress(after.number(), end);
    }
    while leaves.are_left() {
        let leaf = leaves.next().await?;
        examiner.look(Slot { event: None, leaf });
    }
    let mut report = examiner.finish();
    for event in live.outside {
        wrong.push(Finding::new(Kind::OutsideTheLog).with_evidence(event));
    }
    if report.findings.is_empty() {
        wrong.extend(nodes(live.tree, &held, stored, leaves.missing).await?);
    }
    report.findings.extend(wrong);
    report.sound = report.findings.is_empty();
    Ok(report)
}

/// Whether the tree that proofs are computed from has the roots that were signed.
async fn nodes(tree: &Tree, held: &[Held], stored: u64, missing: bool) -> Result<Option<Finding>, Fault> {
    let altered = Finding::new(Kind::NodesAltered).with_evidence("`doorbook audit rebuild` makes it anew");
    if missing {
        return Ok(Some(altered));
    }
    for held in held.iter().filter(|held| held.checkpoint.size <= stored) {
        match tree.root(held.checkpoint.size).await {
            Ok(root) if root == held.checkpoint.root => {}
            Ok(_) => return Ok(Some(altered)),
            Err(fault) if tree::is_incomplete(&fault) => return Ok(Some(altered)),
            Err(fault) => return Err(fault),
        }
    }
    Ok(None)
}

/// The stored leaves, one after the other.
struct Leaves<'a> {
    tree: &'a Tree,
    stored: u64,
    at: u64,
    read: VecDeque<TreeHash>,
    missing: bool,
}

impl<'a> Leaves<'a> {
    const fn new(tree: &'a Tree, stored: u64) -> Self {
        Self {
            tree,
            stored,
            at: 0,
            read: VecDeque::new(),
            missing: false,
        }
    }

    /// Whether there may be more, as far as was seen.
    const fn are_left(&self) -> bool {
        self.at < self.stored && !self.missing
    }

    /// `None` behind the last one, and where one is missing.
    async fn next(&mut self) -> Result<Option<TreeHash>, Fault> {
        if !self.are_left() {
            return Ok(None);
        }
        if self.read.is_empty() {
            self.read = self.tree.leaves(self.at).await?.into();
        }
        let next = self.read.pop_front();
        self.missing = next.is_none();
        self.at += 1;
        Ok(next)
    }
}
