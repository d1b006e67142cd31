use cqrs_es::Aggregate as _;

use super::*;
use crate::{decide::Decide as _, given::T0};

#[test]
fn everything_is_taken_down_also_twice() {
    let paused = ProjectionEvent::Paused { at: T0 };
    let mut record = Projection::default();
    for _ in 0..2 {
        let command = Record(paused.clone()).into();
        assert_eq!(record.decide(command), Ok(vec![paused.clone()]));
        record.apply(paused.clone());
        assert_eq!(record.last(), Some(&paused));
    }
}
