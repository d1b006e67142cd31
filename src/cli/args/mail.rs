//! Commands about letters.

use clap::{ArgGroup, Subcommand};

use crate::keys::Slot;

/// `doorbook mail …`
#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// List letters that wait and letters that are parked, and why
    #[command(after_long_help = "\
A letter is parked when the mail server refused it for good, or did not take it for a day. The list says which event it is \
about, not to whom it goes.

Examples:
  doorbook mail list
  doorbook mail list --json | jq -r 'select(.state == \"parked\") | .id'")]
    List,
    /// Send parked letters again; a running service takes them up within a second
    #[command(
        group = ArgGroup::new("letters").args(["id", "all"]).required(true),
        after_long_help = "\
A letter whose link is dead by now is not sent.

Examples:
  doorbook mail retry 42.0
  doorbook mail retry --all"
    )]
    Retry {
        /// Which one, as `doorbook mail list` names it; or --all
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
