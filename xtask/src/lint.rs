//! `cargo xtask lint`: formatting and clippy.

use anyhow::Result;

use crate::run::{cargo, run};

/// Checks formatting, and clippy without a warning.
///
/// # Errors
///
/// When either has something to say.
pub(crate) fn run_all() -> Result<()> {
    run(&mut cargo(["fmt", "--all", "--check"]))?;
    run(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))
}
