//! How fast all read models are built anew, and in how much memory.

use std::{iter, time::Instant};

use crate::{
    figure::{Limit, Measured},
    postgres::OwnDatabase,
    process::{median, mib},
    service::Service,
};

/// What each store is asked to rebuild: users, events and rounds. The `book` has ten millions on PostgreSQL.
const SIZES: [(u32, u32, usize); 3] = [(5_000, 100_000, 3), (50_000, 1_000_000, 3), (500_000, 10_000_000, 1)];
const LARGE: u32 = 1_000_000;

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(
        "`doorbook dev seed --users U --events N --seed 1`, then three times (of 10,000,000 events: once) `doorbook projections \
         rebuild --all`: N ÷ the median wall time of the whole command, and the largest resident memory of its process, seen \
         every 20 ms. PostgreSQL is vacuumed before each.",
    );
    for (store, sizes) in [("SQLite", &SIZES[..]), ("PostgreSQL", &SIZES[..2])] {
        let mut peaks = Vec::new();
        for &size in sizes {
            let database = (store == "PostgreSQL").then(OwnDatabase::create);
            let mut service = Service::prepare();
            if let Some(database) = &database {
                service.set("STORE__URL", &database.url());
            }
            let rest = || {
                if let Some(database) = &database {
                    database.rest();
                }
            };
            peaks.push(one(&mut measured, &service, store, size, &rest));
        }
        // That of a small log is the start's, before anything has filled.
        if let [.., before, last] = peaks[..] {
            let name = format!("{store}: memory of ten times the events, of the two largest");
            measured.put(name, last / before, "times", Limit::AtMost(1.5));
        }
    }
    measured
}

fn one(
    measured: &mut Measured,
    service: &Service,
    store: &str,
    (users, events, rounds): (u32, u32, usize),
    rest: &dyn Fn(),
) -> f64 {
    let name = format!("{store}, {events} events");
    let begun = Instant::now();
    let (users, count) = (users.to_string(), events.to_string());
    let seed = ["dev", "seed", "--users", &users, "--events", &count, "--seed", "1"];
    service.doorbook(&seed, "");
    measured.put(
        format!("{name}: seeded in"),
        begun.elapsed().as_secs_f64(),
        "s",
        Limit::None,
    );
    let mut peak = 0;
    let times: Vec<f64> = iter::repeat_with(|| {
        rest();
        let (took, largest) = service.rebuild();
        peak = peak.max(largest);
        took
    })
    .take(rounds)
    .collect();
    // The limit is that of the large log: a small one is dominated by the start.
    let large = events >= LARGE;
    let limit = if large { Limit::AtLeast(100_000.0) } else { Limit::None };
    measured.put(
        format!("{name}: rebuilt at"),
        f64::from(events) / median(&times),
        "events/s",
        limit,
    );
    let limit = if large { Limit::AtMost(300.0) } else { Limit::None };
    measured.put(format!("{name}: memory"), mib(peak), "MiB", limit);
    mib(peak)
}
