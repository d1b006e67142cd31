//! `doorbook config …`

use serde_json::json;

use super::{args::ConfigCommand, exit::Failure, output::Output};
use crate::config::{self, Config, Sources};

/// Carries one out. None needs more than the configuration.
pub(crate) fn run(command: &ConfigCommand, sources: &Sources, output: &Output) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => {
            Config::load(sources)?;
            output.value(&json!({"ok": true}), || "The configuration is fine.".to_owned())?;
        }
        ConfigCommand::Print => {
            let config = Config::load(sources)?;
            if output.is_json() {
                for entry in config.effective() {
                    output.line(&serde_json::to_string(&entry).map_err(std::io::Error::from)?)?;
                }
            } else {
                output.text(&config.print())?;
            }
        }
        ConfigCommand::Template => output.text(&config::template())?,
    }
    Ok(())
}
