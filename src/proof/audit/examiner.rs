//! The comparison itself, one place of the log after the other, in constant memory.

use std::collections::{BTreeMap, VecDeque};

use doorbook_projections::log::Recorded;

use super::{
    finding::{Finding, Kind, Report},
    held::Held,
    suspect::Suspect,
};
use crate::proof::{frontier::Frontier, hash::TreeHash, leaf, shape::Block};

/// One place of the log.
#[derive(Debug, Clone, Copy)]
pub struct Slot<'a> {
    /// What stands there.
    pub event: Option<&'a Recorded>,
    /// The leaf that was stored for it.
    pub leaf: Option<TreeHash>,
}

/// Which of the two trees had the root that a checkpoint says.
#[derive(Debug, Clone, Copy)]
struct Compared {
    size: u64,
    events: bool,
    leaves: bool,
}

/// Compares events, leaves and checkpoints.
pub struct Examiner {
    events: Frontier,
    leaves: Frontier,
    /// Checkpoints to come, by size.
    ahead: VecDeque<Held>,
    /// From the first event on.
    compared: Vec<Compared>,
    suspect: Option<Suspect>,
    /// The last place that an event stands at.
    last: u64,
    /// The last place that something stands at, also where that is known by its hash only.
    reach: u64,
    /// The last place that a leaf was stored for.
    stored: u64,
    too_early: u64,
}

impl Examiner {
    /// Begins at the first event, with checkpoints that were checked.
    #[must_use]
    pub fn new(checkpoints: Vec<Held>) -> Self {
        Self::behind(Frontier::default(), checkpoints)
    }

    /// Begins behind the leaves of `before`, which nobody looks at.
    #[must_use]
    pub fn behind(before: Frontier, mut checkpoints: Vec<Held>) -> Self {
        checkpoints.sort_by_key(|held| held.checkpoint.size);
        let mut ahead = VecDeque::from(checkpoints);
        let first = before.size();
        let mut too_early = 0;
        while ahead
            .pop_front_if(|held| held.checkpoint.size <= first && first > 0)
            .is_some()
        {
            too_early += 1;
        }
        let mut examiner = Self {
            events: before.clone(),
            leaves: before,
            ahead,
            compared: Vec::new(),
            suspect: None,
            last: first,
            reach: first,
            stored: first,
            too_early,
        };
        examiner.compare();
        examiner
    }

    /// The place that comes next, from 1.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.events.size() + 1
    }

    /// Looks at the next place.
    pub fn look(&mut self, slot: Slot<'_>) {
        let position = self.next();
        let now = slot.event.map(leaf::of);
        let differs = slot.event.is_some_and(|event| event.position.number() != position)
            || (now.is_some() && slot.leaf.is_some() && now != slot.leaf)
            || (now.is_none() && slot.leaf.is_some());
        if let Some(suspect) = &mut self.suspect {
            suspect.observe(position, slot.event, slot.leaf);
        } else if differs {
            self.suspect = Some(Suspect::new(position, slot.event, slot.leaf));
        }
        if slot.event.is_some() {
            (self.last, self.reach) = (position, position);
        }
        if slot.leaf.is_some() {
            self.stored = position;
        }
        // What is missing on either side is no leaf of any event: from here on no root fits.
        self.events.push(now.unwrap_or_else(TreeHash::of_nothing));
        self.leaves.push(slot.leaf.unwrap_or_else(TreeHash::of_nothing));
        self.compare();
    }

    /// Takes in what stands behind the last event, as others vouch for it. `false` where it does not fit there.
    #[must_use]
    pub fn skip(&mut self, block: Block, hash: TreeHash) -> bool {
        let fits = self.events.push_block(block, hash) && self.leaves.push_block(block, hash);
        self.reach = self.events.size();
        // Of what lies within the block nothing is known.
        let passed = |held: &mut Held| held.checkpoint.size < self.reach;
        while self.ahead.pop_front_if(passed).is_some() {
            self.too_early += 1;
        }
        fits
    }

    /// Compares the checkpoints of the size that was reached.
    pub fn compare(&mut self) {
        let size = self.events.size();
        while let Some(held) = self.ahead.pop_front_if(|held| held.checkpoint.size == size) {
            let root = held.checkpoint.root;
            self.compared.push(Compared {
                size,
                events: self.events.root() == root,
                leaves: self.leaves.root() == root,
            });
        }
    }

    /// What was found. Checkpoints that were not reached show that the log is too short.
    #[must_use]
    pub fn finish(self) -> Report {
        let last = self.last;
        let beyond = self.ahead.back().map_or(0, |held| held.checkpoint.size);
        let evidence = self.ahead.front().map(|held| held.place.clone());
        let stored = self.stored;
        // One that is missing, and all behind it one place further up, leave the last place empty.
        let moved_up = self.suspect.as_ref().is_some_and(Suspect::moved_up);
        let mut report = self.conclude();
        let missing = beyond.max(stored);
        if missing > last && !(moved_up && missing == last + 1) {
            let mut finding = Finding::at(Kind::CutOff, last + 1);
            finding.until = Some(missing);
            finding.evidence = evidence;
            report.findings.push(finding);
        }
        report.sound = report.findings.is_empty();
        report
    }

    /// What was found. Checkpoints that were not reached say nothing: it is known that events are left out.
    #[must_use]
    pub fn finish_part(self) -> Report {
        let left = u64::try_from(self.ahead.len()).unwrap_or(u64::MAX);
        let mut report = self.conclude();
        report.not_compared += left;
        report.sound = report.findings.is_empty();
        report
    }

    fn conclude(self) -> Report {
        let bad = self.compared.iter().find(|compared| !compared.events);
        let good = |until: u64| {
            let before = self
                .compared
                .iter()
                .filter(|compared| compared.events && compared.size < until);
            before.map(|compared| compared.size).max()
        };
        let covered = good(bad.map_or(u64::MAX, |bad| bad.size)).unwrap_or(0);
        let mut findings = Vec::new();
        let mut named = false;
        if let Some(suspect) = &self.suspect
            && suspect.position <= self.last
        {
            let finding = self.of_suspect(suspect, covered);
            named = finding.kind != Kind::LeavesAltered;
            findings.push(finding);
        }
        let unnamed = bad.filter(|bad| !named || self.suspect.as_ref().is_some_and(|one| one.position > bad.size));
        // What is only too short is said to be that.
        if let Some(bad) = unnamed.filter(|bad| bad.size <= self.reach) {
            let mut finding = Finding::new(Kind::Interval);
            (finding.after, finding.until) = (Some(covered), Some(bad.size));
            findings.insert(0, finding);
        }
        Report {
            sound: false,
            events: self.last,
            checkpoints: u64::try_from(self.compared.len()).unwrap_or(u64::MAX),
            covered,
            not_compared: self.too_early,
            findings,
        }
    }

    /// Event and leaf differ: which of the two is to be believed?
    fn of_suspect(&self, suspect: &Suspect, covered: u64) -> Finding {
        let position = suspect.position;
        let plain = Finding::at(suspect.kind(), position).with_event(suspect.event.as_ref());
        let sizes = self.witnesses();
        let witness = sizes.range(position..).next().map(|(size, fits)| (*size, *fits));
        match witness {
            None => plain.with_evidence("the stored leaf differs, and no checkpoint covers it yet"),
            // The numbers contradict themselves, whatever was signed.
            Some((until, (false, false))) if !suspect.is_evident() => Finding {
                after: Some(covered),
                until: Some(until),
                kind: Kind::Interval,
                ..plain
            },
            Some((_, (true, _))) if !suspect.is_evident() => Finding::at(Kind::LeavesAltered, position),
            Some((until, _)) => Finding {
                after: Some(covered),
                until: Some(until),
                ..plain
            },
        }
    }

    /// For each size whether the events fit, and whether the leaves do.
    fn witnesses(&self) -> BTreeMap<u64, (bool, bool)> {
        let mut sizes = BTreeMap::new();
        for compared in &self.compared {
            let fits: &mut (bool, bool) = sizes.entry(compared.size).or_insert((true, true));
            *fits = (fits.0 && compared.events, fits.1 && compared.leaves);
        }
        sizes
    }
}
