//! Carries out what was typed.

use std::{fs, path::Path};

use clap::CommandFactory as _;
use tokio::signal;

use super::{
    args::{Cli, Command},
    configuration,
    exit::Failure,
    logging,
    output::Output,
};
use crate::config::Config;

/// Carries out a command. Ctrl-C ends it, except the service, which shuts down in order.
///
/// # Errors
///
/// Why it did not do what it was asked for.
pub async fn run(cli: &Cli, output: &Output) -> Result<(), Failure> {
    match &cli.command {
        Command::Config(command) => configuration::run(command, &cli.options.sources(), output),
        Command::Completions { shell } => completions(*shell, output),
        Command::Man { dir } => manual(dir.as_deref(), output),
        _ => {
            let config = Config::load(&cli.options.sources())?;
            logging::start(&config.log)?;
            tokio::select! {
                done = with_config(&cli.command, &config, output) => done,
                _ = signal::ctrl_c() => Err(Failure::Interrupted),
            }
        }
    }
}

/// Carries out what works on the data.
async fn with_config(command: &Command, _config: &Config, _output: &Output) -> Result<(), Failure> {
    Err(Failure::Refused(format!("this build cannot do {command:?}")))
}

fn completions(shell: clap_complete::Shell, output: &Output) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "doorbook", &mut script);
    Ok(output.text(&String::from_utf8_lossy(&script))?)
}

fn manual(dir: Option<&Path>, output: &Output) -> Result<(), Failure> {
    if let Some(dir) = dir {
        fs::create_dir_all(dir)?;
        return Ok(clap_mangen::generate_to(Cli::command(), dir)?);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(output.text(&String::from_utf8_lossy(&page))?)
}
