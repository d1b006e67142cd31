//! The program `doorbook`: reads what was typed, carries it out, and ends with a code that says how it went.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use doorbook::cli::{args::Cli, output::Output, run};
use tikv_jemallocator::Jemalloc;

/// SQLite's memory comes from it, too (`docs/adr/0012-memory-comes-from-jemalloc.md`).
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    let output = Output::of_process(cli.options.json);
    let runtime = tokio::runtime::Runtime::new().context("the program cannot start its threads")?;
    let result = runtime.block_on(run::run(&cli, &output));
    // A thread may still wait for somebody to type.
    runtime.shutdown_background();
    Ok(match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.lines() {
                output.note(&format!("doorbook: {line}"));
            }
            failure.exit_code()
        }
    })
}
