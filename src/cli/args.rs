//! Every command, its options and its help: those that stand alone here, the others in a file for each group.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

mod book;
mod config;
mod dev;
mod events;
mod keeping;
mod mail;
mod openapi;
mod projections;
mod proof;
mod user;
mod webhooks;

pub use book::ExportLogins;
pub use config::ConfigCommand;
pub use dev::DevCommand;
pub use events::EventsCommand;
pub use keeping::{KeysCommand, Restore};
pub use mail::MailCommand;
pub use openapi::OpenapiCommand;
pub use projections::{Part, ProjectionsCommand, RebuildWish};
pub use proof::{AuditCommand, Export, Verify};
pub use user::{Import, RoleOfUser, UserCommand};
pub use webhooks::{WebhooksCommand, Which};

use super::exit::CODES;
use crate::config::Sources;

/// An event-sourced auth backend for single-page apps.
#[derive(Debug, Parser)]
#[command(name = "doorbook", version, propagate_version = true, after_long_help = top_help())]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub options: Options,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

fn top_help() -> String {
    format!(
        "\
Examples:
  doorbook serve                                 Start on SQLite under ./data, at http://localhost:8080
  doorbook config template > doorbook.toml       Begin a configuration
  DOORBOOK__STORE__URL=postgres://db/door doorbook serve

{CODES}"
    )
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Options {
    /// Configuration file [default: doorbook.toml of the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "DOORBOOK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of the embedded databases and keys: sets `data.dir`
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Sets a key of the configuration; may be repeated
    #[arg(long = "set", global = true, value_name = "KEY=VALUE", value_parser = assignment)]
    pub set: Vec<(String, String)>,
    /// Write data as JSON, one value a line
    #[arg(long, global = true)]
    pub json: bool,
}

fn assignment(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write a key, `=` and a value, such as `http.listen=127.0.0.1:9000`".to_owned())
}

impl Options {
    /// Where this process finds its configuration.
    #[must_use]
    pub fn sources(&self) -> Sources {
        let dir = self
            .data_dir
            .iter()
            .map(|dir| ("--data-dir", "data.dir".to_owned(), dir.clone()));
        let set = self
            .set
            .iter()
            .map(|(key, value)| ("--set", key.clone(), value.clone()));
        Sources::of_process(self.config.clone(), set.chain(dir).collect())
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service until SIGTERM or Ctrl-C
    #[command(after_long_help = "\
Examples:
  doorbook serve
  doorbook serve --data-dir /var/lib/doorbook --set http.public_url=https://auth.example.org")]
    Serve,
    /// Bring the databases up to date; `serve` does so by itself
    #[command(after_long_help = "\
Examples:
  doorbook migrate
  DOORBOOK__STORE__URL=postgres://db/door doorbook migrate")]
    Migrate,
    /// Manage users
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook user create ada@example.org --role admin
  doorbook user list --json"
    )]
    User(UserCommand),
    /// Copy log and keys of the embedded databases into a directory, while the service runs
    #[command(after_long_help = "\
The master key is not copied: keep a copy of `keys.file` apart from these. See docs/guides/backup.md.

Examples:
  doorbook backup /backup/doorbook
  doorbook backup /backup/doorbook --json")]
    Backup {
        /// Where to; made if it is not there
        dir: PathBuf,
    },
    /// Take over a backup, end every session of before and apply erasures again
    #[command(after_long_help = "\
Into an empty data directory that holds the master key and nothing else. --in-place does the same to databases that other \
tools restored, on PostgreSQL for example. See docs/guides/backup.md.

Examples:
  doorbook restore --log log.db --keys keys.db --erasures /other/erasures.ndjson
  doorbook restore --in-place --erasures /other/erasures.ndjson")]
    Restore(Restore),
    /// Look after the keys
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook keys rotate"
    )]
    Keys(KeysCommand),
    /// Look after the read models
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook projections list
  doorbook projections rebuild --all"
    )]
    Projections(ProjectionsCommand),
    /// Look after letters that were not sent
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook mail list
  doorbook mail retry --all
  doorbook mail test ada@example.org"
    )]
    Mail(MailCommand),
    /// Look after events that are posted to others
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook webhooks list
  doorbook webhooks test crm
  doorbook webhooks retry crm --all"
    )]
    Webhooks(WebhooksCommand),
    /// Prove that nobody has altered the log
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook audit key > doorbook.key
  doorbook audit verify --against /mnt/elsewhere/checkpoints"
    )]
    Audit(AuditCommand),
    /// Read the log
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook events tail --follow
  doorbook events show 42 --json"
    )]
    Events(EventsCommand),
    /// The HTTP contract
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook openapi print > openapi.json
  doorbook openapi check openapi/openapi.json"
    )]
    Openapi(OpenapiCommand),
    /// The configuration
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook config template > doorbook.toml
  doorbook config print"
    )]
    Config(ConfigCommand),
    /// Look whether identity providers can be used, and say what their consoles must hold
    #[command(after_long_help = "\
Examples:
  doorbook doctor
  doorbook doctor --json | jq -r 'select(.ok | not) | .provider'")]
    Doctor,
    /// For developers of applications and of Doorbook
    #[command(
        subcommand,
        after_long_help = "\
Examples:
  doorbook dev seed --users 1000 --events 100000 --seed 1"
    )]
    Dev(DevCommand),
    /// Print a completion script for a shell
    #[command(after_long_help = "\
Examples:
  doorbook completions bash > /etc/bash_completion.d/doorbook
  doorbook completions zsh > ~/.zfunc/_doorbook")]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write one page for each command
    #[command(after_long_help = "\
Examples:
  doorbook man | man -l -
  doorbook man --dir /usr/local/share/man/man1")]
    Man {
        /// Write a page for each command into this directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}
