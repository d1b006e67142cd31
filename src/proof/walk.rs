//! How the notary gets on: some events at a time, and never past what was signed before.

use std::{collections::BTreeMap, sync::Arc};

use doorbook_domain::time::Timestamp;
use doorbook_projections::{
    fault::Fault,
    log::{Position, Recorded},
};

use super::{
    checkpoint::{Checkpoint, name_of},
    hash::TreeHash,
    leaf,
    notary::Notary,
    note::NoteKey,
    tree::State,
};

/// Events that are read at once.
const BATCH: usize = 2000;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    Moved,
    /// Everything is in the tree.
    AtHead,
}

/// What was signed last.
#[derive(Debug, Clone, Copy)]
struct Last {
    size: u64,
    root: TreeHash,
    at: Timestamp,
}

/// One walk along the log, and what it remembers from one step to the next.
pub(super) struct Walk {
    notary: Arc<Notary>,
    /// The last leaf, and how many there are.
    edge: Option<(u64, TreeHash)>,
    /// The last checkpoint of this tree.
    last: Option<Last>,
    /// Checkpoints that the tree has not reached: the log must become what they say.
    ahead: Option<BTreeMap<u64, TreeHash>>,
    /// The tree as the last step left it.
    left: Option<State>,
}

impl Walk {
    pub(super) fn new(notary: &Arc<Notary>) -> Self {
        Self {
            notary: Arc::clone(notary),
            edge: None,
            last: None,
            ahead: None,
            left: None,
        }
    }

    /// Takes the next events in, and signs when it is time.
    pub(super) async fn step(&mut self) -> Result<Step, Fault> {
        let state = self.state().await?;
        if self.left.as_ref().is_some_and(|left| !continues(left, &state)) {
            *self = Self::new(&Arc::clone(&self.notary));
        }
        if self.ahead.is_none() {
            self.remember(&state).await?;
        }
        let mut events = self.read(&state).await?;
        let all = events.len() < BATCH;
        let cut = self.cut(state.size, events.len());
        let all = all && cut == events.len();
        events.truncate(cut);
        let size = if events.is_empty() {
            state.size
        } else {
            let leaves = leaves(state.size, &events)?;
            let Some(after) = self.notary.tree.append(state.size, &leaves).await? else {
                // Another process did the same. What it left is read anew.
                *self = Self::new(&Arc::clone(&self.notary));
                return Ok(Step::Moved);
            };
            self.edge = leaves.last().map(|leaf| (after, *leaf));
            after
        };
        self.compare(size).await?;
        self.left = Some(State { size, ..state.clone() });
        self.notary.note(|figures| figures.size = size);
        if all && self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty()) {
            return Err(Fault::plain(CUT_OFF));
        }
        if self.is_due(size, all) {
            self.sign(&state.origin, size).await?;
        }
        Ok(if all { Step::AtHead } else { Step::Moved })
    }

    /// Signs what the last checkpoint does not cover.
    pub(super) async fn close(&mut self) -> Result<(), Fault> {
        while self.step().await? == Step::Moved {}
        let state = self.state().await?;
        if state.size > self.last.map_or(0, |last| last.size) {
            self.sign(&state.origin, state.size).await?;
        }
        Ok(())
    }

    async fn state(&self) -> Result<State, Fault> {
        let (tree, log) = (&self.notary.tree, self.notary.log.id().await?);
        if tree.state().await?.is_none() {
            tree.begin(log, &name_of(log)).await?;
        }
        let state = tree.state().await?.ok_or(Fault::plain("the tree is gone"))?;
        if state.log != log {
            return Err(Fault::plain("the tree is of another log than that of store.url"));
        }
        Ok(state)
    }

    /// What was signed before: the last of it that the tree holds must fit, and the rest must come to fit.
    async fn remember(&mut self, state: &State) -> Result<(), Fault> {
        let (notary, key) = (Arc::clone(&self.notary), self.notary.key());
        let found = notary.shelf.all().await?;
        let mut known: Vec<String> = found.into_iter().map(|found| found.note).collect();
        must_be_of_the_tree(&known, &key, state)?;
        let stored = notary.tree.last_checkpoint().await?;
        known.extend(stored.map(|stored| stored.note));
        // What is not signed says nothing; `doorbook audit verify` names it.
        let signed = known.iter().filter_map(|note| Checkpoint::open(note, &key).ok());
        let mut signed: Vec<Checkpoint> = signed.filter(|one| one.origin == state.origin).collect();
        signed.sort_by_key(|one| (one.size, one.at));
        let reached = signed.partition_point(|one| one.size <= state.size);
        let ahead = signed.split_off(reached);
        if let Some(last) = signed.last() {
            if notary.tree.root(last.size).await? != last.root {
                return Err(Fault::plain(ALTERED));
            }
            self.last = Some(Last {
                size: last.size,
                root: last.root,
                at: last.at,
            });
            notary.note(|figures| figures.signed = last.size);
        }
        self.ahead = Some(ahead.into_iter().map(|one| (one.size, one.root)).collect());
        Ok(())
    }

    /// The next events. The last one that the tree holds is read along: it must be what it was.
    async fn read(&mut self, state: &State) -> Result<Vec<Recorded>, Fault> {
        let before = state.size.saturating_sub(1);
        let mut events = self.notary.log.read(Position::new(before), BATCH + 1).await?;
        if state.size == 0 {
            events.truncate(BATCH);
            return Ok(events);
        }
        if events.is_empty() {
            return Err(Fault::plain(CUT_OFF));
        }
        let known = match self.edge {
            Some((size, leaf)) if size == state.size => leaf,
            _ => {
                let last = self.notary.tree.blocks(before..state.size).await?;
                last.first()
                    .map(|(_, leaf)| *leaf)
                    .ok_or(Fault::plain("the tree has no last leaf"))?
            }
        };
        let first = events.remove(0);
        if leaf::at(&first, Position::new(state.size)) != known || first.position.number() != state.size {
            return Err(Fault::plain(ALTERED));
        }
        self.edge = Some((state.size, known));
        Ok(events)
    }

    /// How many of the events may be taken in before something must be compared or signed.
    fn cut(&self, size: u64, events: usize) -> usize {
        let every = u64::from(self.notary.rules.events);
        let signed = self.last.map_or(0, |last| last.size);
        // What is overdue is signed after this step.
        let due = Some(signed.saturating_add(every)).filter(|due| *due > size);
        let ahead = self.ahead.as_ref().and_then(|ahead| ahead.keys().next().copied());
        let stop = due.into_iter().chain(ahead).min().unwrap_or(u64::MAX);
        events.min(usize::try_from(stop.saturating_sub(size)).unwrap_or(usize::MAX))
    }

    /// Compares the tree with the checkpoint of its size that was signed before, if there is one.
    async fn compare(&mut self, size: u64) -> Result<(), Fault> {
        let Some(root) = self.ahead.as_ref().and_then(|ahead| ahead.get(&size).copied()) else {
            return Ok(());
        };
        if self.notary.tree.root(size).await? != root {
            return Err(Fault::plain(ALTERED));
        }
        if let Some(ahead) = &mut self.ahead {
            ahead.remove(&size);
        }
        self.last = Some(Last {
            size,
            root,
            at: self.notary.clock.now(),
        });
        self.notary.note(|figures| figures.signed = size);
        Ok(())
    }

    fn is_due(&self, size: u64, at_head: bool) -> bool {
        let waits = self.ahead.as_ref().is_some_and(|ahead| !ahead.is_empty());
        if size == 0 || waits {
            return false;
        }
        let rules = &self.notary.rules;
        match self.last {
            None => at_head || size >= u64::from(rules.events),
            Some(last) => {
                size.saturating_sub(last.size) >= u64::from(rules.events)
                    || self.notary.clock.now().since(last.at) >= rules.every
            }
        }
    }

    /// Signs the tree, which must still begin with what was signed last.
    async fn sign(&mut self, origin: &str, size: u64) -> Result<(), Fault> {
        let notary = Arc::clone(&self.notary);
        if let Some(last) = self.last
            && notary.tree.root(last.size).await? != last.root
        {
            return Err(Fault::plain(ALTERED));
        }
        let checkpoint = Checkpoint {
            origin: origin.to_owned(),
            size,
            root: notary.tree.root(size).await?,
            at: notary.clock.now(),
        };
        let note = notary.signer.sign(&checkpoint.to_string());
        notary.shelf.put(&checkpoint, &note).await?;
        notary
            .tree
            .keep(&checkpoint, &note, notary.elsewhere().is_none())
            .await?;
        self.last = Some(Last {
            size,
            root: checkpoint.root,
            at: checkpoint.at,
        });
        notary.note(|figures| figures.signed = size);
        Ok(())
    }
}

/// Whether a tree is the one of before, perhaps grown by another process. One that is not, is compared with what was signed.
fn continues(left: &State, now: &State) -> bool {
    (&left.log, &left.origin) == (&now.log, &now.origin) && left.size <= now.size
}

/// Which tree there is, and which key signs, databases say; files say what was signed. Whoever could only change the first
/// must not thereby begin another history. `doorbook restore` puts files of before aside.
fn must_be_of_the_tree(shelved: &[String], key: &NoteKey, state: &State) -> Result<(), Fault> {
    let own = shelved.iter().filter_map(|note| Checkpoint::open(note, key).ok());
    let mut own = own.filter(|one| one.is_of(state.log)).peekable();
    let name = name_of(state.log);
    if own.peek().is_none() && shelved.iter().any(|note| note.starts_with(&name)) {
        return Err(Fault::plain(OTHER_KEY));
    }
    if own.any(|one| one.origin != state.origin) {
        return Err(Fault::plain(OTHER_TREE));
    }
    Ok(())
}

const OTHER_KEY: &str = "the key has signed none of the checkpoints under data.dir: was it exchanged?";
const OTHER_TREE: &str = "a checkpoint under data.dir is of another tree than the stored one: was that exchanged? Of a log that \
    was restored elsewhere, put the checkpoints of before aside";
const ALTERED: &str = "the log is not what was signed before: `doorbook audit verify` says where it differs";
const CUT_OFF: &str = "the log ends before what was signed: `doorbook audit verify` says what is missing";

/// The leaves of the events behind `size`, which must be the next ones.
fn leaves(size: u64, events: &[Recorded]) -> Result<Vec<TreeHash>, Fault> {
    let next = |(expected, event): (u64, &Recorded)| {
        if event.position.number() == expected {
            Ok(leaf::of(event))
        } else {
            Err(Fault::plain(
                "an event is missing in the log: `doorbook audit verify` says which",
            ))
        }
    };
    (size + 1..).zip(events).map(next).collect()
}
