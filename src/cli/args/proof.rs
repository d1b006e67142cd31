//! Commands that prove that the log was not altered.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ExportLogins;
use crate::proof::{export::Form, note::NoteKey};

/// `doorbook audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Compare the log with signed checkpoints; ends with 3 where anything is not as it was signed
    #[command(after_long_help = "\
Names the first event that was altered, removed, inserted, reordered or cut off; where the stored leaves were altered as \
well, the checkpoints between which it happened. Those of the store itself are always looked at. Whoever can change the \
databases can change them, too: give those that you keep elsewhere, and the key that you wrote down. See docs/proof.md.

Examples:
  doorbook audit verify --against /mnt/elsewhere/checkpoints
  doorbook audit verify --checkpoint latest.checkpoint --key \"$(cat doorbook.key)\" --json
  doorbook audit verify --export log.ndjson --checkpoint last.checkpoint --key \"$(cat doorbook.key)\"")]
    Verify(Verify),
    /// Write the logins that fit into a file: all of them, newest first
    #[command(after_long_help = "\
The same files as `GET /api/audit/logins/export` makes, with the same filters; so is the record of it in the log, whose actor \
is `cli`. The service may be running. See docs/audit.md.

Examples:
  doorbook audit export --format csv --from 2026-11-01T00:00:00Z --output logins.csv
  doorbook audit export --format ndjson --ip 203.0.113.77 --outcome failure | jq .email")]
    Export(ExportLogins),
    /// Print the key that checkpoints are checked with; write it down elsewhere
    #[command(after_long_help = "\
Examples:
  doorbook audit key > doorbook.key
  doorbook audit key --json | jq -r .public_key")]
    Key,
    /// Print the latest checkpoint as it was signed
    #[command(after_long_help = "\
Examples:
  doorbook audit checkpoint > latest.checkpoint")]
    Checkpoint,
    /// Make the stored tree anew from the log, and compare it with every checkpoint of the store
    #[command(after_long_help = "\
The service must not run meanwhile. Where the log is not what was signed, nothing is signed any more, and this ends with 1.

Examples:
  doorbook audit rebuild")]
    Rebuild,
}

/// `doorbook audit verify`
#[derive(Debug, Args)]
pub struct Verify {
    /// A checkpoint that was kept elsewhere; `-` is standard input; may be repeated
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub checkpoints: Vec<PathBuf>,
    /// A directory of checkpoints that were kept elsewhere; may be repeated
    #[arg(long, value_name = "DIR")]
    pub against: Vec<PathBuf>,
    /// The key that must have signed them [default: that of the store]
    #[arg(long, value_name = "KEY")]
    pub key: Option<NoteKey>,
    /// Look at an export rather than at the store; `-` is standard input
    #[arg(long, value_name = "FILE", requires = "key")]
    pub export: Option<PathBuf>,
}

/// `doorbook events export`
#[derive(Debug, Args)]
pub struct Export {
    /// How events are written
    #[arg(long, value_enum, default_value_t)]
    pub format: Form,
    /// The first event
    #[arg(long, value_name = "POSITION", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=i64::MAX.unsigned_abs()))]
    pub from: u64,
    /// The last event [default: the last one of the log]
    #[arg(long, value_name = "POSITION")]
    pub to: Option<u64>,
}
