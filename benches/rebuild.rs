//! How fast all read models are built anew, and in how much memory.

use std::{process::Stdio, time::Instant};

use crate::{
    figure::{Limit, Measured},
    postgres::OwnDatabase,
    process::{Running, Watch, median, mib},
    service::Service,
};

const SIZES: [(u32, u32); 2] = [(5_000, 100_000), (50_000, 1_000_000)];
const ROUNDS: usize = 3;

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "`doorbook dev seed --users U --events N --seed 1`, then {ROUNDS} times `doorbook projections rebuild --all`: N ÷ the \
         median wall time of the whole command, and the largest resident memory of its process, seen every 20 ms."
    ));
    for store in ["SQLite", "PostgreSQL"] {
        let peaks = SIZES.map(|(users, events)| {
            let database = (store == "PostgreSQL").then(OwnDatabase::create);
            let mut service = Service::prepare();
            if let Some(database) = &database {
                service.set("STORE__URL", &database.url());
            }
            one(
                &mut measured,
                &service,
                &format!("{store}, {events} events"),
                users,
                events,
            )
        });
        let growth = peaks[1] / peaks[0];
        measured.put(
            format!("{store}: memory of ten times the events"),
            growth,
            "times",
            Limit::AtMost(1.5),
        );
    }
    measured
}

fn one(measured: &mut Measured, service: &Service, name: &str, users: u32, events: u32) -> f64 {
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
    let times = [(); ROUNDS].map(|()| {
        let begun = Instant::now();
        let mut command = service.command(&["projections", "rebuild", "--all"]);
        let mut process = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let watch = Watch::start(process.0.id());
        let status = process.0.wait().unwrap();
        let took = begun.elapsed();
        peak = peak.max(watch.peak());
        assert!(status.success(), "the rebuild ended with {status}");
        took.as_secs_f64()
    });
    // The limit is that of the large log: a small one is dominated by the start.
    let large = events >= 1_000_000;
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
