//! Commands that read the log.

use clap::Subcommand;
use doorbook_projections::log::Position;

use super::Export;

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
The form `ndjson` holds events as they are stored, personal data sealed, and what `audit verify --export` needs. Its lines \
`payload` and `metadata` are texts that hold JSON, since every byte of them counts. In `cloudevents` secrets are hidden.

Examples:
  doorbook events export > events.ndjson
  doorbook events export --from 1000 --to 2000 | doorbook audit verify --export - --checkpoint c --key \"$(cat key)\"
  doorbook events export --format cloudevents | jq -r .type | sort | uniq -c")]
    Export(Export),
    /// Compare the log with signed checkpoints, as `doorbook audit verify` does
    #[command(after_long_help = "\
Examples:
  doorbook events verify
  doorbook events verify --against /mnt/elsewhere/checkpoints")]
    Verify(Box<super::Verify>),
    /// List events that a follower of the log could not act on, and why
    #[command(after_long_help = "\
Followers finish what a crash interrupted and destroy keys. What they cannot act on for a minute is parked, and tried again every \
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
