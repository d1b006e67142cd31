//! Commands that keep data safe.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `doorbook restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// Copy of the log
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "in_place",
        conflicts_with = "in_place"
    )]
    pub log: Option<PathBuf>,
    /// Copy of the keys
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "in_place",
        conflicts_with = "in_place"
    )]
    pub keys: Option<PathBuf>,
    /// List of erased users [default: the file `data.erasures`]
    #[arg(long, value_name = "FILE")]
    pub erasures: Option<PathBuf>,
    /// The databases are there already, restored by other tools
    #[arg(long)]
    pub in_place: bool,
}

/// `doorbook keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Put another master key in the place of the present one, which is destroyed
    #[command(after_long_help = "\
The service must not run meanwhile. Backups of keys that were made before open with the old master key only: keep its \
backup as long as theirs.

Examples:
  doorbook keys rotate")]
    Rotate,
}
