//! The figures that `README.md` claims: `cargo xtask bench`, or `cargo xtask bench -- NAME …` for some of them.
//!
//! Each measurement is a file. It starts the built service, or a child of this program where a process of its own is
//! measured, and puts figures beside their limits. `benches/RESULTS.md` is rewritten with what was measured.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a program for developers: it shows figures, and what goes wrong should stop it"
)]

mod attempts;
mod baseline;
mod book;
mod enumeration;
mod figure;
mod kill;
mod load;
mod logins;
mod memory;
mod postgres;
mod process;
mod rebuild;
mod replay;
mod sequencer;
mod service;
mod session_check;

use std::process::ExitCode;

use figure::Measured;

/// The measurements, in the order in which they are taken and written.
type Measurement = (&'static str, fn() -> Measured);

const MEASUREMENTS: [Measurement; 10] = [
    ("session-check", session_check::measure),
    ("memory", memory::measure),
    ("logins", logins::measure),
    ("enumeration", enumeration::measure),
    ("attempts", attempts::measure),
    ("rebuild", rebuild::measure),
    ("replay", replay::measure),
    ("book", book::measure),
    ("sequencer", sequencer::measure),
    ("kill", kill::measure),
];

fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match wanted.first().map(String::as_str) {
        Some(baseline::CHILD) => baseline::serve(&wanted[1], &wanted[2], &wanted[3]),
        Some(memory::CHILD) => memory::fill(),
        _ => return measure(&wanted),
    }
    ExitCode::SUCCESS
}

fn measure(wanted: &[String]) -> ExitCode {
    let names = MEASUREMENTS.map(|(name, _)| name);
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(&name.as_str())) {
        println!("there is no measurement `{unknown}`: name some of {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut taken = Vec::new();
    for (name, measure) in MEASUREMENTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("{name}");
            taken.push((name, measure()));
            // After each, so that what was measured survives what goes wrong later.
            figure::write(&names, &taken);
        }
    }
    let missed = taken.iter().filter(|(_, measured)| !measured.holds()).count();
    println!("Written to benches/RESULTS.md.");
    if missed > 0 {
        println!("{missed} of {} measurements missed a limit.", taken.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
