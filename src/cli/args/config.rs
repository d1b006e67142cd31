//! Commands about the configuration.

use clap::Subcommand;

/// `doorbook config …`
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Say whether the configuration can be used, and what is wrong with it
    #[command(after_long_help = "\
Examples:
  doorbook config check
  doorbook config check --config /etc/doorbook.toml && systemctl restart doorbook")]
    Check,
    /// Print every key in effect and where its value comes from, passwords hidden
    #[command(after_long_help = "\
Examples:
  doorbook config print
  doorbook config print --json | jq -r 'select(.source != \"by default\") | .key'")]
    Print,
    /// Print a commented configuration with every key and its default
    #[command(after_long_help = "\
Examples:
  doorbook config template > doorbook.toml")]
    Template,
}
