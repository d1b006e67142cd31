//! `cargo xtask lint`: formatting and clippy.

use anyhow::Result;

use crate::{
    parts::{self, Part},
    run::{cargo, run},
};

/// Checks formatting, and clippy without a warning.
///
/// # Errors
///
/// When either has something to say, or a part is missing.
pub(crate) fn run_all() -> Result<()> {
    parts::require(&[Part::Make])?;
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
