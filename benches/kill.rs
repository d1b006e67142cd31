//! `kill -9` again and again, and nothing acknowledged is lost.

use std::{
    env,
    process::{Command, Stdio},
    time::Instant,
};

use crate::figure::{Limit, Measured, root};

const KILLS: &str = "200";

pub(crate) fn measure() -> Measured {
    let mut measured = Measured::by(&format!(
        "The test `crash` of `tests/it` with {KILLS} kills, half of them on each store: clients journal what was \
         acknowledged, the service is killed at random moments, and after each restart the journal is compared; at the end \
         all projections verify."
    ));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "test",
            "--locked",
            "--package",
            "doorbook",
            "--test",
            "it",
            "--",
            "killed_service",
        ])
        .current_dir(root())
        .env("DOORBOOK_TEST_KILLS", KILLS)
        .stdin(Stdio::null());
    let begun = Instant::now();
    let output = command.output().expect("cargo does not start");
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        println!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    let passed = said.lines().filter(|line| line.ends_with("... ok")).count();
    let failed = if output.status.success() {
        2 - passed.min(2)
    } else {
        2 - passed.min(1)
    };
    let kills: f64 = KILLS.parse().unwrap();
    measured.put("kills", kills, "", Limit::None);
    measured.put(
        "stores on which something acknowledged was lost",
        failed as f64,
        "",
        Limit::AtMost(0.0),
    );
    measured.put(
        "time, building included",
        begun.elapsed().as_secs_f64(),
        "s",
        Limit::None,
    );
    measured
}
