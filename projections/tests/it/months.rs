//! Login history over many months: on `PostgreSQL` each lies apart.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use doorbook_projections::{
    cursor::Cursor,
    engine::{ReadTarget, Reads},
    login_history::{self, Filter, LoginRow, Outcome, Won},
};
use sqlx::{Connection as _, PgConnection};

use crate::support::{
    bench::{are_true_to_log, open, rebuild, run},
    history::{at, user},
    log::MemoryLog,
    place::{Place, with_postgres},
};

on_both!(
    history_of_many_months_is_walked_back_by_every_filter,
    months_come_while_the_history_is_rebuilt,
);

const DAY: i64 = 86_400_000_000;
/// 2022-12-31T12:00:00Z.
const BEGIN: i64 = 1_672_488_000_000_000;
/// Days between two rounds of logins; over 40 of them there are 40 months and more.
const EVERY: i64 = 31 * DAY;
const ROUNDS: i64 = 40;

/// In each round users 1 and 2 log in, and somebody fails at the address of user 1. Sessions end two rounds later.
fn tell(log: &MemoryLog, rounds: std::ops::Range<i64>) {
    for round in rounds {
        let (micros, number) = (BEGIN + round * EVERY, u128::try_from(round).unwrap() * 2);
        log.log_in(1, number, 1, micros);
        log.log_in(2, number + 1, 1, micros + DAY);
        log.fail(1, micros + 2 * DAY);
        if number >= 4 {
            log.log_out(number - 4, micros + 3 * DAY);
        }
    }
}

/// The instants of all pages.
async fn walked(reads: &Reads, filter: &Filter) -> Vec<i64> {
    let rows = all(reads, filter).await;
    rows.iter().map(|row| row.at.micros()).collect()
}

async fn all(reads: &Reads, filter: &Filter) -> Vec<LoginRow> {
    let (mut rows, mut after) = (Vec::<LoginRow>::new(), Cursor::start());
    loop {
        let page = login_history::search(reads, filter, &after, 7).await.unwrap();
        let Some(last) = page.last() else { return rows };
        after = last.cursor();
        rows.extend(page);
    }
}

async fn is_whole(reads: &Reads, rounds: i64) {
    let newest_first = |days: &[i64]| {
        let mut instants: Vec<i64> = (0..rounds)
            .flat_map(|round| days.iter().map(move |day| BEGIN + round * EVERY + day * DAY))
            .collect();
        instants.sort_unstable_by(|left, right| right.cmp(left));
        instants
    };
    let any = Filter::default();
    let of_first = Filter {
        user: Some(user(1)),
        ..any.clone()
    };
    let failed = Filter {
        outcome: Some(Won::Failure),
        ..any.clone()
    };
    let bucket = Filter {
        ip_bucket: Some(7),
        ..any.clone()
    };
    assert_eq!(walked(reads, &any).await, newest_first(&[0, 1, 2]));
    assert_eq!(walked(reads, &of_first).await, newest_first(&[0, 2]));
    assert_eq!(walked(reads, &failed).await, newest_first(&[2]));
    assert_eq!(walked(reads, &bucket).await, newest_first(&[0, 1, 2]));
    let (from, to) = (BEGIN + 3 * EVERY + DAY, BEGIN + 5 * EVERY);
    let within = Filter {
        from: Some(at(from)),
        to: Some(at(to)),
        ..of_first.clone()
    };
    let mut expected = newest_first(&[0, 2]);
    expected.retain(|instant| (from..to).contains(instant));
    assert_eq!(walked(reads, &within).await, expected);
    let ended = |row: &&LoginRow| matches!(&row.outcome, Outcome::Success { ended: Some(_), .. });
    let ended = all(reads, &of_first).await.iter().filter(ended).count();
    assert_eq!(i64::try_from(ended).unwrap(), rounds - 2);
}

async fn history_of_many_months_is_walked_back_by_every_filter(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    tell(&log, 0..ROUNDS / 2);
    running.reaches(log.sign_up(1, 1)).await;
    is_whole(&running.engine.reads(), ROUNDS / 2).await;
    tell(&log, ROUNDS / 2..ROUNDS);
    running.reaches(log.sign_up(2, 2)).await;
    is_whole(&running.engine.reads(), ROUNDS).await;
    are_true_to_log(&running.engine, &["login_history"]).await;
    let engine = running.stop().await;
    rebuild(&engine).await;
    is_whole(&engine.reads(), ROUNDS).await;
    are_true_to_log(&engine, &["login_history"]).await;
}

/// Each round brings a month, so some come while a generation is loaded, some while it catches up, some after the swap.
async fn months_come_while_the_history_is_rebuilt(place: Place) {
    let log = Arc::new(MemoryLog::new(1));
    let running = run(open(&place, &log).await);
    tell(&log, 0..2);
    running.reaches(log.sign_up(1, 1)).await;
    let writer = tokio::spawn({
        let log = Arc::clone(&log);
        async move {
            for round in 2..ROUNDS {
                tell(&log, round..round + 1);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    while !writer.is_finished() {
        rebuild(&running.engine).await;
    }
    writer.await.unwrap();
    running.reaches(log.sign_up(2, 2)).await;
    is_whole(&running.engine.reads(), ROUNDS).await;
    are_true_to_log(&running.engine, &["login_history"]).await;
    running.stop().await;
}

/// The tables whose names begin so.
async fn tables(place: &Place, beginning: &str) -> BTreeSet<String> {
    let sql = "select relname::text from pg_class where relkind in ('r', 'p') and starts_with(relname::text, $1)";
    let names: Vec<String> = sqlx::query_scalar(sql)
        .bind(beginning)
        .fetch_all(&mut connected(place).await)
        .await
        .unwrap();
    names.into_iter().collect()
}

async fn connected(place: &Place) -> PgConnection {
    let ReadTarget::Postgres(options) = &place.target else {
        panic!("another database");
    };
    PgConnection::connect_with(options).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_month_lies_apart_live_and_rebuilt_and_goes_with_its_generation() {
    with_postgres(async |place| {
        let log = Arc::new(MemoryLog::new(1));
        let running = run(open(&place, &log).await);
        log.log_in(1, 1, 1, BEGIN);
        log.log_in(1, 2, 1, BEGIN + DAY);
        log.fail(1, BEGIN + 70 * DAY);
        // A clock that is wrong by much makes no months.
        log.log_in(1, 3, 1, -5);
        log.log_in(1, 4, 1, i64::MAX / 2);
        running.reaches(log.log_out(1, BEGIN + 400 * DAY)).await;
        let months = |generation: u64| {
            let table = format!("logins_g{generation}");
            let names = ["", "_2022_12", "_2023_01", "_2023_03", "_before", "_after"];
            names
                .map(|name| format!("{table}{name}"))
                .into_iter()
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(tables(&place, "logins_g").await, months(1));
        let engine = running.stop().await;
        rebuild(&engine).await;
        are_true_to_log(&engine, &["login_history"]).await;
        rebuild(&engine).await;
        // A verification took the number 3.
        let kept = months(2).union(&months(4)).cloned().collect();
        assert_eq!(tables(&place, "logins_g").await, kept);
        let rows: Vec<i64> = all(&engine.reads(), &Filter::default())
            .await
            .iter()
            .map(|row| row.at.micros())
            .collect();
        assert_eq!(rows, [i64::MAX / 2, BEGIN + 70 * DAY, BEGIN + DAY, BEGIN, -5]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_month_waits_for_no_reader_and_no_reader_for_it() {
    with_postgres(async |place| {
        let log = Arc::new(MemoryLog::new(1));
        let running = run(open(&place, &log).await);
        running.reaches(log.log_in(1, 1, 1, BEGIN)).await;
        let mut reader = connected(&place).await;
        let mut tx = reader.begin().await.unwrap();
        let count = "select count(*) from doorbook_read.logins_g1";
        let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, 1);
        running.reaches(log.log_in(1, 2, 1, BEGIN + 40 * DAY)).await;
        tx.rollback().await.unwrap();
        let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut reader).await.unwrap();
        assert_eq!(seen, 2);
        running.stop().await;
    })
    .await;
}
