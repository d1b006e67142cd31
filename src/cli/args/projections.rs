//! Commands about read models.

use clap::{ArgGroup, Args, Subcommand};
use doorbook_domain::id::{RunId, UserId};

/// `doorbook projections …`
#[derive(Debug, Subcommand)]
pub enum ProjectionsCommand {
    /// List projections: generation, position, lag, parked streams, what is being done to them
    #[command(after_long_help = "\
Examples:
  doorbook projections list
  doorbook projections list --json | jq .lag_events")]
    List,
    /// Build read models anew from the log; the old ones serve until the new ones have caught up
    #[command(after_long_help = "\
Ctrl-C leaves the read models as they were. So does kill -9: the next rebuild starts afresh. It can be done beside a running \
service, which goes over to the new tables by itself; where the service rebuilds or verifies already, it ends with 75.

Examples:
  doorbook projections rebuild sessions
  doorbook projections rebuild --all
  doorbook projections rebuild users --user 0193a0de-4f7a-7000-8000-000000000001
  doorbook projections rebuild --all --stream session-0193a0de-4f7a-7000-8000-000000000001")]
    Rebuild(RebuildWish),
    /// Compare read models with the log; ends with 3 where a row differs
    #[command(after_long_help = "\
Examples:
  doorbook projections verify
  doorbook projections verify sessions")]
    Verify {
        /// Which one [default: all]
        name: Option<String>,
    },
    /// Keep a read model as it is, until it is resumed; queries go on reading it
    #[command(after_long_help = "\
Examples:
  doorbook projections pause login_history")]
    Pause {
        /// Which one
        name: String,
    },
    /// Let a read model follow the log again
    #[command(after_long_help = "\
Examples:
  doorbook projections resume login_history")]
    Resume {
        /// Which one
        name: String,
    },
    /// Go back to the generation before, which then catches up; the same again goes forward
    #[command(after_long_help = "\
Examples:
  doorbook projections rollback sessions")]
    Rollback {
        /// Which one
        name: String,
    },
    /// List what was done to a read model, newest first
    #[command(after_long_help = "\
Examples:
  doorbook projections runs sessions
  doorbook projections runs sessions -n 5 --json | jq .result")]
    Runs {
        /// Which one
        name: String,
        /// How many
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
        lines: u32,
    },
    /// Stop a run, also one of the service; what serves stays
    #[command(after_long_help = "\
Examples:
  doorbook projections cancel sessions 0193a0de-4f7a-7000-8000-000000000001")]
    Cancel {
        /// Which read model
        name: String,
        /// Which run, as `doorbook projections runs` names it
        #[arg(value_parser = run_id)]
        run: RunId,
    },
    /// List the streams that read models leave out, and why
    #[command(after_long_help = "\
Examples:
  doorbook projections parked
  doorbook projections parked sessions --json | jq -r .reason")]
    Parked {
        /// Which one [default: all]
        name: Option<String>,
    },
    /// Try a parked stream again, with a program that can read its events
    #[command(
        group = ArgGroup::new("streams").args(["stream", "all"]).required(true),
        after_long_help = "\
Examples:
  doorbook projections retry sessions session-0193a0de-4f7a-7000-8000-000000000001
  doorbook projections retry sessions --all"
    )]
    Retry {
        /// Which read model
        name: String,
        /// Which stream, as `doorbook projections parked` names it; or --all
        stream: Option<String>,
        /// All that it has parked
        #[arg(long)]
        all: bool,
    },
}

fn run_id(text: &str) -> Result<RunId, &'static str> {
    text.parse()
        .map_err(|_| "a run is an id that `doorbook projections runs` prints")
}

fn which() -> String {
    let names: Vec<String> = doorbook_projections::all()
        .iter()
        .map(|projection| format!("`{}`", projection.name()))
        .collect();
    format!("Which one: {}; or --all", names.join(", "))
}

/// `doorbook projections rebuild …`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").args(["name", "all"]).required(true))]
pub struct RebuildWish {
    /// Which one
    #[arg(help = which())]
    pub name: Option<String>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    /// How much of it
    #[command(flatten)]
    pub part: Part,
}

/// A part of a read model: its rows are folded in place.
#[derive(Debug, Default, Args)]
#[group(multiple = false)]
pub struct Part {
    /// Only the rows of this stream
    #[arg(long, value_name = "STREAM")]
    pub stream: Option<String>,
    /// Only the rows of the streams that are about this user
    #[arg(long, value_name = "ID")]
    pub user: Option<UserId>,
}
