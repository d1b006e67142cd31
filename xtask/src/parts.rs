//! What a machine needs besides cargo: found, installed where that is allowed, else named with its remedy.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{postgres, run};

/// Tells Debian's packaging not to start a cluster of its own when PostgreSQL is installed.
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/doorbook.conf";

/// Something that has to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Builds the service's allocator.
    Make,
    /// A server to run the tests on, 15 or newer.
    Postgres,
    /// Shows the tests what the service synced before it answered.
    Strace,
    /// The client of the documented requests.
    Curl,
    /// Runs the mail server of the tests and the readers of openapi.json, 20.19 or newer.
    Node,
    /// Clicks through what people see.
    Browser,
    /// Calls every operation of the service, 3.10 or newer, with its module `venv`.
    Python,
}

/// Names under which browsers that can be driven are installed.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

impl Part {
    fn is_there(self) -> bool {
        match self {
            Self::Make => on_path("make").is_some(),
            Self::Postgres => postgres::binaries().is_some(),
            Self::Strace => on_path("strace").is_some(),
            Self::Curl => on_path("curl").is_some(),
            Self::Python => has_venv(),
            Self::Node => on_path("npm").is_some() && node_is_new_enough(),
            Self::Browser => BROWSERS.iter().any(|name| on_path(name).is_some()),
        }
    }

    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Make => &["make"],
            Self::Postgres => &["postgresql"],
            Self::Strace => &["strace"],
            Self::Curl => &["curl"],
            Self::Node => &["nodejs", "npm"],
            Self::Browser => &["chromium"],
            Self::Python => &["python3-venv"],
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            Self::Make => "make is missing: `sudo apt-get install make`",
            Self::Postgres => {
                "PostgreSQL 15 or newer is missing (initdb, pg_ctl): `sudo apt-get install postgresql`, \
                 or put its bin directory on PATH"
            }
            Self::Strace => "strace is missing: `sudo apt-get install strace`",
            Self::Curl => "curl is missing: `sudo apt-get install curl`",
            Self::Python => "Python 3.10 or newer with venv is missing: `sudo apt-get install python3-venv`",
            Self::Node => "Node.js 20.19 or newer with npm is missing: install it and put `node` and `npm` on PATH",
            Self::Browser => "Chromium is missing: `sudo apt-get install chromium`, or put `chromium` on PATH",
        }
    }
}

/// Sees to it that all of these are there.
///
/// # Errors
///
/// When one of them is missing and cannot be installed; each has been named in a line of its own.
pub(crate) fn require(parts: &[Part]) -> Result<()> {
    let mut missing: Vec<_> = parts.iter().copied().filter(|part| !part.is_there()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    if let Err(error) = install(&missing) {
        run::say(format_args!("could not install: {error:#}"));
    }
    missing.retain(|part| !part.is_there());
    for part in &missing {
        run::say(part.remedy());
    }
    if !missing.is_empty() {
        bail!("{} missing, named above", missing.len());
    }
    Ok(())
}

/// Installs exactly what the lock file of `tools/NAME` names, unless that is there already.
///
/// # Errors
///
/// When it cannot be installed.
pub(crate) fn install_tools(name: &str) -> Result<()> {
    let tools = run::root().join("tools").join(name);
    let lock = fs::read(tools.join("package-lock.json"))
        .with_context(|| format!("cannot read tools/{name}/package-lock.json"))?;
    let stamp = tools.join("node_modules/.doorbook-lock");
    if fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    run::say(format_args!("installing tools/{name}"));
    let quiet = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
    run::run(Command::new("npm").args(quiet).current_dir(tools))?;
    fs::write(&stamp, lock).context("cannot note what was installed")
}

fn install(parts: &[Part]) -> Result<()> {
    if on_path("apt-get").is_none() {
        return Ok(());
    }
    let Some(prefix) = privilege() else { return Ok(()) };
    let packages: Vec<_> = parts.iter().flat_map(|part| part.packages()).copied().collect();
    run::say(format_args!("installing {}", packages.join(", ")));
    let quiet_cluster = prefix.is_empty() && parts.contains(&Part::Postgres) && forbid_cluster();
    let outcome = apt(prefix, &["update", "-qq"]).and_then(|()| {
        apt(
            prefix,
            &[&["install", "-y", "-qq", "--no-install-recommends"][..], &packages].concat(),
        )
    });
    if quiet_cluster {
        // It was there for this installation only.
        let _ = fs::remove_file(NO_CLUSTER);
    }
    outcome
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let words = [prefix, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"], arguments].concat();
    let (program, arguments) = words
        .split_first()
        .map_or(("true", &[][..]), |(program, rest)| (*program, rest));
    run::run(Command::new(program).args(arguments))
}

/// What to put before a command that needs root, where that is possible without asking.
fn privilege() -> Option<&'static [&'static str]> {
    if is_root() {
        return Some(&[]);
    }
    let asked = run::output(Command::new("sudo").args(["-n", "true"]));
    asked.is_ok().then_some(&["sudo", "-n"])
}

fn forbid_cluster() -> bool {
    let path = Path::new(NO_CLUSTER);
    !path.exists()
        && path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok())
        && fs::write(path, "create_main_cluster = false\n").is_ok()
}

fn node_is_new_enough() -> bool {
    let version = run::output(Command::new("node").arg("--version")).unwrap_or_default();
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= (20, 19)
}

/// Debian has the module apart from Python itself.
fn has_venv() -> bool {
    let asks = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";
    run::output(Command::new("python3").args(["-c", asks])).is_ok()
}

/// Whether this runs as root.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Where a program is, if it is on PATH.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}
