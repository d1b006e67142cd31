//! Ids that were not there yet when higher ones were.

use std::collections::{BTreeMap, HashSet};

/// A transaction, as `pg_locks` names it.
pub(super) type Holder = String;

/// Ids below the highest known one that are in no batch yet. Each will either appear, or was used by a transaction that
/// rolled back.
///
/// A transaction takes its lock on `events` before it takes an id, and shows its rows before it gives the lock up. An id
/// can therefore be given up when none remains of those who held the lock at some time after the gap was seen, and a
/// batch that began after that still did not find it. Nothing about transaction ids would do: an id is taken before
/// the transaction that takes it has one.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    cohorts: Vec<Cohort>,
}

/// Ranges that wait for the same transactions.
#[derive(Debug)]
struct Cohort {
    /// First id to last id.
    ranges: BTreeMap<i64, i64>,
    /// Who may still fill them; `None` until it was listed.
    holders: Option<HashSet<Holder>>,
}

impl Gaps {
    pub(super) fn is_empty(&self) -> bool {
        self.cohorts.is_empty()
    }

    /// Ranges that were seen missing just now.
    pub(super) fn add(&mut self, ranges: impl IntoIterator<Item = (i64, i64)>) {
        let ranges: BTreeMap<_, _> = ranges.into_iter().collect();
        if !ranges.is_empty() {
            self.cohorts.push(Cohort { ranges, holders: None });
        }
    }

    /// What the next batch asks for: the first ids of the ranges, and the last ones. These are always all of them: a
    /// batch that left out what seems unable to change could meet the next event of a stream without the one before.
    pub(super) fn asked(&self) -> (Vec<i64>, Vec<i64>) {
        self.cohorts.iter().flat_map(|cohort| &cohort.ranges).unzip()
    }

    /// A batch found the id.
    pub(super) fn found(&mut self, id: i64) {
        for cohort in &mut self.cohorts {
            let range = cohort.ranges.range(..=id).next_back();
            let Some((first, last)) = range.map(|(first, last)| (*first, *last)).filter(|range| range.1 >= id) else {
                continue;
            };
            cohort.ranges.remove(&first);
            if first < id {
                cohort.ranges.insert(first, id - 1);
            }
            if id < last {
                cohort.ranges.insert(id + 1, last);
            }
            break;
        }
        self.cohorts.retain(|cohort| !cohort.ranges.is_empty());
    }

    /// These transactions hold the lock now.
    pub(super) fn listed(&mut self, holders: &HashSet<Holder>) {
        for cohort in &mut self.cohorts {
            let remaining = match &cohort.holders {
                None => holders.clone(),
                Some(before) => before.intersection(holders).cloned().collect(),
            };
            cohort.holders = Some(remaining);
        }
        self.cohorts.dedup_by(|later, earlier| {
            let same = later.holders == earlier.holders;
            if same {
                earlier.ranges.append(&mut later.ranges);
            }
            same
        });
    }

    /// A batch has returned everything that it was asked for: what nobody can fill any more is given up. Returns how
    /// many ids that are.
    pub(super) fn settle(&mut self) -> i64 {
        let mut given_up = 0;
        self.cohorts.retain_mut(|cohort| {
            let hopeless = cohort.holders.as_ref().is_some_and(HashSet::is_empty);
            if hopeless {
                given_up += cohort.ranges.iter().map(|(first, last)| last - first + 1).sum::<i64>();
            }
            !hopeless
        });
        given_up
    }

    /// Up to here every id is either in the log or given up, when `high` is the highest that was seen.
    pub(super) fn low(&self, high: i64) -> i64 {
        let first = self
            .cohorts
            .iter()
            .filter_map(|cohort| cohort.ranges.keys().next())
            .min();
        first.map_or(high, |first| first - 1)
    }
}

/// The ranges between `high` and the ids above it; `ids` rise.
pub(super) fn between(high: i64, ids: &[i64]) -> Vec<(i64, i64)> {
    let before = std::iter::once(high).chain(ids.iter().copied());
    let missing = before.zip(ids).map(|(before, id)| (before + 1, id - 1));
    missing.filter(|(first, last)| first <= last).collect()
}

#[cfg(test)]
mod tests;
