use proptest::prelude::*;

use super::*;

fn holders(names: &[&str]) -> HashSet<Holder> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn gaps(ranges: &[(i64, i64)]) -> Gaps {
    let mut gaps = Gaps::default();
    gaps.add(ranges.iter().copied());
    gaps
}

#[test]
fn gap_that_was_never_listed_is_not_given_up() {
    let mut gaps = gaps(&[(1, 3)]);
    assert_eq!(gaps.settle(), 0);
    assert_eq!(gaps.asked(), (vec![1], vec![3]));
}

#[test]
fn gap_is_given_up_one_batch_after_its_last_holder_has_gone() {
    let mut gaps = gaps(&[(1, 3)]);
    gaps.listed(&holders(&["3/1", "4/7"]));
    assert_eq!(gaps.settle(), 0);
    gaps.listed(&holders(&["4/7"]));
    assert_eq!(gaps.settle(), 0);
    gaps.listed(&holders(&[]));
    assert_eq!(gaps.asked(), (vec![1], vec![3]), "the further batch must ask for it");
    assert_eq!(gaps.settle(), 3);
    assert!(gaps.is_empty());
}

#[test]
fn holder_that_came_after_the_listing_does_not_keep_a_gap() {
    let mut gaps = gaps(&[(5, 5)]);
    gaps.listed(&holders(&["3/1"]));
    gaps.listed(&holders(&["3/2", "9/9"]));
    assert_eq!(gaps.settle(), 1);
}

#[test]
fn later_gap_waits_for_its_own_holders() {
    let mut gaps = gaps(&[(5, 5)]);
    gaps.listed(&holders(&["3/1"]));
    gaps.add([(8, 9)]);
    gaps.listed(&holders(&["3/2"]));
    assert_eq!(gaps.settle(), 1);
    assert_eq!(gaps.asked(), (vec![8], vec![9]));
    assert_eq!(gaps.low(20), 7);
}

#[test]
fn found_id_splits_its_range() {
    let mut gaps = gaps(&[(1, 5)]);
    gaps.found(3);
    assert_eq!(gaps.asked(), (vec![1, 4], vec![2, 5]));
    for id in [1, 2, 4, 5] {
        assert_eq!(gaps.low(9), id - 1);
        gaps.found(id);
        if id == 2 {
            gaps.found(3);
        }
    }
    assert!(gaps.is_empty());
    assert_eq!(gaps.low(9), 9);
}

#[test]
fn every_gap_is_asked_for_until_it_is_given_up_however_many_there_are() {
    let mut gaps = Gaps::default();
    for id in 0..1_500 {
        gaps.add([(2 * id, 2 * id)]);
        gaps.listed(&holders(&["3/1"]));
        gaps.settle();
    }
    assert_eq!(gaps.asked().0.len(), 1_500);
    assert_eq!(gaps.cohorts.len(), 1, "one cohort waits for one set of transactions");
    gaps.listed(&holders(&[]));
    assert_eq!(gaps.asked().0.len(), 1_500);
    assert_eq!(gaps.settle(), 1_500);
}

proptest! {
    #[test]
    fn ids_below_the_highest_are_found_or_missing(high in 0_i64..5, steps in prop::collection::vec(1_i64..4, 0..20)) {
        let ids: Vec<i64> = steps.iter().scan(high, |id, step| { *id += step; Some(*id) }).collect();
        let missing = between(high, &ids);
        let covered = |id: i64| missing.iter().any(|&(first, last)| (first..=last).contains(&id));
        for id in high + 1..=ids.last().copied().unwrap_or(high) {
            prop_assert_eq!(covered(id), !ids.contains(&id));
        }
    }
}
