//! A projection of one's own: the example of `docs/guides/a-new-projection.md`, live, by rebuild, and as the guide has it.

use std::{fs, sync::Arc, time::Duration};

use doorbook_projections::{log::Position, projection::Projection};

use crate::support::{
    bench::{is_true_to_log, open_with, rebuild, run},
    history::at,
    log::MemoryLog,
    logins_by_day::{DayRow, LoginsByDay, NAME, between},
    place::Place,
};

on_both!(logins_are_counted_by_day_the_same_live_and_by_rebuild);

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

fn own() -> Vec<Arc<dyn Projection>> {
    vec![Arc::new(LoginsByDay)]
}

fn day(day: i64, logins: u64) -> DayRow {
    DayRow {
        day,
        method: "password".to_owned(),
        logins,
    }
}

async fn logins_are_counted_by_day_the_same_live_and_by_rebuild(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open_with(&place, &log, own()).await);
    running.reaches(Position::START).await;
    log.log_in(1, 1, 1, 0);
    log.log_in(1, 2, 1, DAY - 1);
    log.log_out(2, DAY);
    log.log_in(2, 3, 1, DAY);
    log.log_in(2, 4, 1, 3 * DAY);
    running.reaches(log.log_in(2, 5, 1, 9 * DAY)).await;

    let counted = [day(0, 2), day(1, 1), day(3, 1)];
    let engine = &running.engine;
    let reads = engine.reads();
    assert_eq!(between(&reads, at(0), at(9 * DAY)).await.unwrap(), counted);
    assert_eq!(between(&reads, at(1), at(DAY)).await.unwrap(), counted[..1]);
    is_true_to_log(engine).await;

    rebuild(engine).await;
    let head = log.log_in(3, 6, 1, 9 * DAY);
    assert!(engine.wait_for(NAME, head, Duration::from_secs(30)).await.unwrap());
    assert_eq!(between(&reads, at(0), at(9 * DAY)).await.unwrap(), counted);
    assert_eq!(between(&reads, at(9 * DAY), at(10 * DAY)).await.unwrap(), [day(9, 2)]);
    is_true_to_log(engine).await;
    running.stop().await;
}

/// What the guide shows is this file, as it stands in the crate.
#[test]
fn guide_shows_the_code_that_is_tested() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let guide = fs::read_to_string(format!("{root}/docs/guides/a-new-projection.md")).unwrap();
    let code = fs::read_to_string(format!("{root}/projections/tests/it/support/logins_by_day.rs")).unwrap();
    let in_the_crate = code
        .replace("doorbook_projections::", "crate::")
        .replace("pub(crate)", "pub");
    assert!(guide.contains(&in_the_crate), "the guide shows other code than this");
}
