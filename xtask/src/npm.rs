//! What comes from the npm registry, exactly as a lock file names it.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};

use crate::run::{self, say};

/// Installs exactly what the lock file in `directory` names, unless that is there already.
///
/// # Errors
///
/// When there is no lock file, or npm fails.
pub(crate) fn install(directory: &Path, what: &str) -> Result<()> {
    let lock = directory.join("package-lock.json");
    let lock = fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = directory.join("node_modules/.doorbook-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say(format_args!("installing {what}"));
    let quiet = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    run::run(Command::new("npm").args(quiet).current_dir(directory))?;
    fs::write(&stamp, lock).context("cannot note what was installed")
}
