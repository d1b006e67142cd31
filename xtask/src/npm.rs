//! What comes from npm, each under `tools/` with a lock file of its own.

use std::{fs, process::Command};

use anyhow::{Context, Result};

use crate::run::{self, say};

/// Installs exactly what the lock file of `tools/<name>` names, unless that is there already.
///
/// # Errors
///
/// When npm fails, or the lock file cannot be read.
pub(crate) fn install(name: &str) -> Result<()> {
    let tools = run::root().join("tools").join(name);
    let lock = fs::read(tools.join("package-lock.json"))
        .with_context(|| format!("cannot read tools/{name}/package-lock.json"))?;
    let stamp = tools.join("node_modules/.doorbook-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    say(format_args!("installing what tools/{name} names"));
    let quiet = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    run::run(Command::new("npm").args(quiet).current_dir(&tools))?;
    fs::write(&stamp, lock).context("cannot note what was installed")
}
