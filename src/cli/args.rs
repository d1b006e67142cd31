//! Every command, its options and its help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use doorbook_domain::role::Role;
use doorbook_projections::log::Position;

mod book;
mod keeping;
mod projections;
mod proof;
mod webhooks;

pub use book::ExportLogins;
pub use keeping::{KeysCommand, Restore};
pub use projections::{Part, ProjectionsCommand, RebuildWish};
pub use proof::{AuditCommand, Export, Verify};
pub use webhooks::{WebhooksCommand, Which};

use super::exit::CODES;
use crate::{config::Sources, keys::Slot};

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
Into an empty data directory that holds the master key and nothing else. --in-place does the same to databases that other
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

/// `doorbook user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user, with an address that counts as proven
    #[command(after_long_help = "\
Without --password-stdin and --password-hash the password is asked for at the terminal. It is never an option, since
options stand in process lists. Hashes of the usual systems are taken, see docs/passwords.md; they are upgraded at login.

Examples:
  doorbook user create ada@example.org --role admin
  pass show ada | doorbook user create ada@example.org --name 'Ada L.' --password-stdin
  doorbook user create ada@example.org --password-hash 'pbkdf2_sha256$870000$…'")]
    Create {
        /// Its address
        email: String,
        /// A role: `auditor` or `admin`; may be repeated
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Role>,
        /// Its name
        #[arg(long)]
        name: Option<String>,
        /// Read the password from standard input, one line
        #[arg(long, conflicts_with = "password_hash")]
        password_stdin: bool,
        /// Take over a hash from another system
        #[arg(long, value_name = "HASH")]
        password_hash: Option<String>,
    },
    /// Take users over from another system: one JSON object a line
    #[command(after_long_help = "\
A line: {\"email\": …} and, where known, name, password_hash, roles (a list), active (true), email_verified (true) and
created_at (RFC 3339). Forms of hashes, and how to get such a file out of other systems: docs/passwords.md.
An address that has a user already is left as it is, so that an import can be repeated. Refused lines are printed with
their number and the reason, and the command then ends with 5.

Examples:
  doorbook user import users.ndjson --dry-run
  doorbook user import users.ndjson
  gunzip -c users.ndjson.gz | doorbook user import - --json")]
    Import(Import),
    /// List users
    #[command(after_long_help = "\
Examples:
  doorbook user list
  doorbook user list --json | jq -r 'select(.active | not) | .email'")]
    List,
    /// Give a user a role; its sessions end
    #[command(after_long_help = "\
Examples:
  doorbook user grant ada@example.org auditor")]
    Grant(RoleOfUser),
    /// Take a role from a user; its sessions end
    #[command(after_long_help = "\
Examples:
  doorbook user revoke ada@example.org admin")]
    Revoke(RoleOfUser),
    /// Shut a user out; its sessions end
    #[command(after_long_help = "\
Examples:
  doorbook user deactivate ada@example.org")]
    Deactivate {
        /// Its address or id
        user: String,
    },
    /// Erase a user for good: its keys are destroyed, and its address is free again
    #[command(after_long_help = "\
Nothing brings a user back: what the log and its backups say about it cannot be read by anybody any more.

Examples:
  doorbook user erase ada@example.org
  doorbook user erase 0193a0de-4f7a-7000-8000-000000000001 --yes")]
    Erase {
        /// Its address or id
        user: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Let a user in again
    #[command(after_long_help = "\
Examples:
  doorbook user reactivate ada@example.org")]
    Reactivate {
        /// Its address or id
        user: String,
    },
}

/// `doorbook user import …`
#[derive(Debug, Args)]
pub struct Import {
    /// The file; `-` is standard input
    pub file: PathBuf,
    /// Check every line, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A user and a role.
#[derive(Debug, Args)]
pub struct RoleOfUser {
    /// The user's address or id
    pub user: String,
    /// `auditor` or `admin`
    pub role: Role,
}

/// `doorbook mail …`
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// List letters that wait and letters that are parked, and why
    #[command(after_long_help = "\
A letter is parked when the mail server refused it for good, or did not take it for a day. The list says which event it is
about, not to whom it goes.

Examples:
  doorbook mail list
  doorbook mail list --json | jq -r 'select(.state == \"parked\") | .id'")]
    List,
    /// Send parked letters again; a running service takes them up within a second
    #[command(after_long_help = "\
A letter whose link is dead by now is not sent.

Examples:
  doorbook mail retry 42.0
  doorbook mail retry --all")]
    Retry {
        /// Which one, as `doorbook mail list` names it; or --all
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Option<Slot>,
        /// All of them
        #[arg(long)]
        all: bool,
    },
    /// Send a letter to an address now, to see whether mail works
    #[command(after_long_help = "\
Examples:
  doorbook mail test ada@example.org
  doorbook mail test ada@example.org --set mail.url=smtps://door:hush@mail.example.org")]
    Test {
        /// The address
        address: String,
    },
}

/// `doorbook events …`
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print the latest events, one a line
    #[command(after_long_help = "\
Secrets and password hashes are hidden; personal data stay sealed.

Examples:
  doorbook events tail
  doorbook events tail --follow --json
  doorbook events tail --after 1000 --lines 50")]
    Tail {
        /// Go on with new events until Ctrl-C
        #[arg(long, short)]
        follow: bool,
        /// Begin behind this position [default: near the end]
        #[arg(long, value_name = "POSITION")]
        after: Option<Position>,
        /// Most events to print before following
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        lines: u32,
    },
    /// Write events, one JSON value a line
    #[command(after_long_help = "\
The form `ndjson` holds events as they are stored, personal data sealed, and what `audit verify --export` needs. Its lines
`payload` and `metadata` are texts that hold JSON, since every byte of them counts. In `cloudevents` secrets are hidden.

Examples:
  doorbook events export > events.ndjson
  doorbook events export --from 1000 --to 2000 | doorbook audit verify --export - --checkpoint c --key \"$(cat key)\"
  doorbook events export --format cloudevents | jq -r .type | sort | uniq -c")]
    Export(Export),
    /// List events that a follower of the log could not act on, and why
    #[command(after_long_help = "\
Followers finish what a crash interrupted and destroy keys. What they cannot act on for a minute is parked, and tried again every
hour by itself. Projections have a list of their own: `doorbook projections list --json`.

Examples:
  doorbook events parked
  doorbook events parked --json")]
    Parked,
    /// Print one event with its payload and its metadata
    #[command(after_long_help = "\
Examples:
  doorbook events show 42
  doorbook events show 42 --json")]
    Show {
        /// Its position in the log
        position: Position,
    },
}

/// `doorbook openapi …`
#[derive(Debug, Subcommand)]
pub enum OpenapiCommand {
    /// Print the document
    #[command(after_long_help = "\
Examples:
  doorbook openapi print > openapi.json
  doorbook openapi print | npx openapi-typescript /dev/stdin -o api.ts")]
    Print,
    /// Compare a file with the document of this program; ends with 3 where they differ
    #[command(after_long_help = "\
Examples:
  doorbook openapi check openapi/openapi.json")]
    Check {
        /// The file
        file: PathBuf,
    },
}

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

/// `doorbook dev …`
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Fill an empty log with a history that looks real
    #[command(after_long_help = "\
The same numbers and seed give the same history. Users are user000001@example.org and so on; all have the password
`correct horse battery staple`. For benches, tests and demonstrations only.

Examples:
  doorbook dev seed --users 1000 --events 100000 --seed 1
  doorbook dev seed --users 100 --events 5000 --seed 7 --data-dir /tmp/demo")]
    Seed {
        /// How many users sign up
        #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        users: u32,
        /// How many events, at least
        #[arg(long, default_value_t = 100_000)]
        events: u64,
        /// Any number
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}
