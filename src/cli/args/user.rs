//! Commands about users.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use doorbook_domain::role::Role;

/// `doorbook user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user, with an address that counts as proven
    #[command(after_long_help = "\
Without --password-stdin and --password-hash the password is asked for at the terminal. It is never an option, since \
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
A line: {\"email\": …} and, where known, name, password_hash, roles (a list), active (true), email_verified (true) and \
created_at (RFC 3339). Forms of hashes, and how to get such a file out of other systems: docs/passwords.md. \
An address that has a user already is left as it is, so that an import can be repeated. Refused lines are printed with \
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
