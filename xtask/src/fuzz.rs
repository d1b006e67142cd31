//! What schemathesis says about the service: each operation is called with what `openapi.json` allows and with what it
//! forbids, one after another and in sequences, by nobody and by an admin.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    parts::{self, Part},
    run::{self, say},
};

/// Calls a service of its own, built in the debug profile.
///
/// # Errors
///
/// When an answer is not what the document says, or schemathesis cannot be installed.
pub(crate) fn run() -> Result<()> {
    parts::require(&[Part::Make, Part::Python])?;
    let python = installed()?;
    run::run(&mut run::cargo([
        "build",
        "--locked",
        "--package",
        "doorbook",
        "--bin",
        "doorbook",
    ]))?;
    let script = run::root().join("tools/schemathesis/run.py");
    run::run(Command::new(python).arg(script).arg(target().join("debug/doorbook")))?;
    say("the service answers as openapi.json says");
    Ok(())
}

/// The Python of a virtual environment that has exactly what `requirements.txt` names.
fn installed() -> Result<PathBuf> {
    let requirements = run::root().join("tools/schemathesis/requirements.txt");
    let wanted = fs::read(&requirements).context("cannot read tools/schemathesis/requirements.txt")?;
    let place = target().join("schemathesis");
    let (python, stamp) = (place.join("bin/python"), place.join("doorbook-requirements"));
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    say("installing tools/schemathesis");
    run::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let quiet = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    run::run(Command::new(&python).args(quiet).arg(&requirements))?;
    fs::write(&stamp, wanted).context("cannot note what was installed")?;
    Ok(python)
}

fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| run::root().join("target"), Into::into)
}
