//! How fast all read models are built anew, and in how much memory.

use std::{process::Stdio, time::Instant};

use crate::{
    figure::{Limit, Measured},
    postgres::OwnDatabase,
    process::{Running, Watch, median, mib},
    service::Service,
};

/// Users, events, and how often they are rebuilt.
const SIZES: [(u32, u32, usize); 2] = [(50_000, 1_000_000, 3), (500_000, 10_000_000, 1)];

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(
        "`doorbook dev seed --users U --events N --seed 1`, then `doorbook projections rebuild --all`, three times of the smaller log: N ÷ \
         the median wall time of the whole command, and the largest resident memory of its process, seen every 20 ms.",
    );
    for store in ["SQLite", "PostgreSQL"] {
        let peaks = SIZES.map(|(users, events, rounds)| {
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
                rounds,
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

fn one(measured: &mut Measured, service: &Service, name: &str, users: u32, events: u32, rounds: usize) -> f64 {
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
    let times: Vec<f64> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            let mut command = service.command(&["projections", "rebuild", "--all"]);
            let mut process = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
            let watch = Watch::start(process.0.id());
            let status = process.0.wait().unwrap();
            let took = begun.elapsed();
            peak = peak.max(watch.peak());
            assert!(status.success(), "the rebuild ended with {status}");
            took.as_secs_f64()
        })
        .collect();
    measured.put(
        format!("{name}: rebuilt at"),
        f64::from(events) / median(&times),
        "events/s",
        Limit::AtLeast(100_000.0),
    );
    measured.put(format!("{name}: memory"), mib(peak), "MiB", Limit::AtMost(300.0));
    mib(peak)
}
