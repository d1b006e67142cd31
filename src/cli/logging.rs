//! Log lines, on standard error.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::{EnvFilter, fmt, util::SubscriberInitExt as _};

use super::exit::Failure;
use crate::config::{Log, LogFormat};

/// Starts logging as configured, once in a process; `RUST_LOG` overrides the level. Machines read what a service logs, people
/// what another command does, into a pipe too.
///
/// # Errors
///
/// `RUST_LOG` cannot be understood.
pub fn start(log: &Log, service: bool) -> Result<(), Failure> {
    let directives = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = EnvFilter::try_new(directives.as_deref().unwrap_or(&log.level)).map_err(|error| {
        Failure::Usage(format!(
            "the variable RUST_LOG cannot be understood: {error}; write a level such as `info`"
        ))
    })?;
    let terminal = io::stderr().is_terminal();
    let json = match log.format {
        LogFormat::Auto => service && !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let lines = fmt().with_env_filter(filter).with_writer(io::stderr);
    // Who started logging earlier in this process has decided.
    let _ = if json {
        lines.json().flatten_event(true).finish().try_init()
    } else {
        lines.with_ansi(colour).finish().try_init()
    };
    Ok(())
}
