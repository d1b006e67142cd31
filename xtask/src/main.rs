//! Chores of Doorbook's developers: `cargo xtask serve`, `cargo xtask test` and what they need.
//!
//! Whatever is started here is also stopped here, on failure and on Ctrl-C too: PostgreSQL runs privately in a temporary
//! directory, children run in process groups of their own, and the tracked files are compared before and after.
//!
//! * [`run`] starts commands and stops them when somebody interrupts.
//! * [`parts`] finds what a machine lacks, and installs it where it may.
//! * [`postgres`] is a private cluster for tests and benches.
//! * [`serve`], [`suite`], [`contract`] with [`fuzz`], [`lint`], [`bench`] and [`passwords`] are the chores.

mod bench;
mod contract;
mod fuzz;
mod lint;
mod parts;
mod passwords;
mod postgres;
mod run;
mod serve;
mod suite;
mod tree;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of Doorbook's developers
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Build the service and run it on the embedded store in ./data
    Serve(serve::Serve),
    /// Run every test: a private PostgreSQL, `cargo test --workspace`, then the contract
    Test(suite::Test),
    /// Check formatting, and clippy without a warning
    #[command(after_help = "Example:\n  cargo xtask lint")]
    Lint,
    /// Read openapi.json with spectral, redocly, openapi-typescript and tsc, and call the service with schemathesis
    #[command(
        after_help = "What it needs, it installs under tools/openapi and target/schemathesis.\n\nExample:\n  cargo xtask contract"
    )]
    Contract,
    /// Measure, and write the figures to benches/RESULTS.md
    Bench(bench::Bench),
    /// Make the filter of common passwords anew, from the list that tools/passwords names
    #[command(after_help = "Example:\n  cargo xtask passwords && git diff --stat src/hashing/common-passwords.bin")]
    Passwords,
}

fn main() -> ExitCode {
    let Arguments { chore } = Arguments::parse();
    let outcome = run::watch_for_interrupts().and_then(|()| match chore {
        Chore::Serve(serve) => serve.run(),
        Chore::Test(test) => test.run(),
        Chore::Lint => lint::run_all(),
        Chore::Contract => contract::run(),
        Chore::Bench(bench) => bench.run(),
        Chore::Passwords => passwords::run(),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if run::interrupted() => {
            run::say("interrupted: everything that was started has been stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            run::say(format_args!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
