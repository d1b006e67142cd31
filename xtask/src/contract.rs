//! What the readers of `openapi/openapi.json` say about it: spectral, redocly, openapi-typescript and `tsc --strict`; and
//! whether the service keeps to it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{
    fuzz,
    parts::{self, Part},
    run::{self, say},
};

/// Reads the committed document with each of them, then calls the service.
///
/// # Errors
///
/// When one of them finds an error in it or cannot be installed, or the service does not keep to it.
pub(crate) fn run() -> Result<()> {
    parts::require(&[Part::Make, Part::Node])?;
    let tools = run::root().join("tools/openapi");
    let document = run::root().join("openapi/openapi.json");
    if !document.is_file() {
        bail!("openapi/openapi.json is missing: `cargo run -- openapi print > openapi/openapi.json`");
    }
    parts::install_tools("openapi")?;
    let made = run::root().join("target/openapi");
    fs::create_dir_all(&made)?;
    let types = made.join("schema.ts");

    run::run(
        tool(&tools, "spectral")
            .args(["lint", "--fail-severity=error"])
            .arg(&document),
    )?;
    run::run(tool(&tools, "redocly").arg("lint").arg(&document))?;
    run::run(
        tool(&tools, "openapi-typescript")
            .arg(&document)
            .arg("--output")
            .arg(&types),
    )?;
    run::run(tool(&tools, "tsc").args(["--project", "tsconfig.json"]))?;
    say("openapi.json: 0 errors by spectral and redocly, and its types compile under tsc --strict");
    fuzz::run()
}

fn tool(tools: &Path, name: &str) -> Command {
    let program: PathBuf = tools.join("node_modules/.bin").join(name);
    let mut command = Command::new(program);
    command
        .current_dir(tools)
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .env("NO_COLOR", "1");
    command
}
