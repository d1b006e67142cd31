//! Commands that end when they are done, or when somebody interrupts.

use std::{
    env,
    fmt::Display,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

/// How long an interrupted command may take to stop by itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a running command is looked at.
const PACE: Duration = Duration::from_millis(40);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Notes Ctrl-C, SIGTERM and SIGHUP from now on; running commands are stopped then.
pub(crate) fn watch_for_interrupts() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::SeqCst)).context("cannot listen for Ctrl-C")
}

/// Whether somebody wants this to end.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// One line for the person at the terminal.
pub(crate) fn say(line: impl Display) {
    // Nobody is left to tell when the terminal is gone.
    let _ = writeln!(std::io::stderr(), "xtask: {line}");
}

/// The directory that holds the workspace: where cargo says this package is now, since a build may
/// have been made of another checkout or before this one was moved.
pub(crate) fn root() -> PathBuf {
    let here = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&here);
    here.parent().unwrap_or(here).to_path_buf()
}

/// `cargo`, as it called this program, at the root of the workspace.
///
/// What cargo says of this package (`CARGO_PKG_*`, `CARGO_MANIFEST_*`) is kept from it: build
/// scripts watch those variables (ring's does), and everything behind them would be built once more
/// than for a `cargo` typed by hand.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(arguments).current_dir(root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end, its output on this terminal.
///
/// # Errors
///
/// When it cannot start, fails, or was interrupted.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = Group::start(command)?.wait()?;
    if !status.success() {
        bail!("`{name}` ended with {status}");
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed.
///
/// # Errors
///
/// When it cannot start or fails; the message ends with what it had to say.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{name}` ended with {}: {}", output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command to its end, its output nowhere: for what leaves a server behind, which would keep a pipe open.
///
/// # Errors
///
/// When it cannot start or fails.
pub(crate) fn quietly(command: &mut Command) -> Result<()> {
    let name = name(command);
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .status()
        .with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}");
    }
    Ok(())
}

/// A command and everything it starts. Dropping it stops them all.
pub(crate) struct Group {
    leader: Child,
    name: String,
}

impl Group {
    /// Starts a command in a process group of its own.
    ///
    /// # Errors
    ///
    /// When it cannot start, or somebody has interrupted already.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = name(command);
        if interrupted() {
            bail!("interrupted before `{name}`");
        }
        let leader = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { leader, name })
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    ///
    /// When the system cannot tell.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.leader
            .try_wait()
            .with_context(|| format!("cannot wait for `{}`", self.name))
    }

    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// When somebody interrupts: it has been stopped then.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.ended()? {
                return Ok(status);
            }
            if interrupted() {
                self.stop();
                bail!("interrupted during `{}`", self.name);
            }
            thread::sleep(PACE);
        }
    }

    fn stop(&mut self) {
        self.signal(Signal::TERM);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && matches!(self.leader.try_wait(), Ok(None)) {
            thread::sleep(PACE);
        }
    }

    fn signal(&self, signal: Signal) {
        let leader = i32::try_from(self.leader.id()).ok().and_then(Pid::from_raw);
        if let Some(leader) = leader {
            // A group that is gone already needs no signal.
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.leader.try_wait(), Ok(None)) {
            self.stop();
        }
        // What the leader left behind goes with it.
        self.signal(Signal::KILL);
        let _ = self.leader.wait();
    }
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut name = program
        .file_name()
        .unwrap_or(command.get_program())
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args().take(6) {
        name.push(' ');
        name.push_str(&argument.to_string_lossy());
    }
    name
}
