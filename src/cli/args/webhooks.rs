//! Commands about webhooks.

use clap::{ArgGroup, Args, Subcommand};
use doorbook_projections::log::Position;

/// `doorbook webhooks …`
#[derive(Debug, Subcommand)]
pub enum WebhooksCommand {
    /// List webhooks: where they go, how many events wait, and how many are parked
    #[command(after_long_help = "\
Examples:
  doorbook webhooks list
  doorbook webhooks list --json | jq -r 'select(.parked > 0) | .webhook'")]
    List,
    /// List events that are not posted any more, and why
    #[command(after_long_help = "\
An event is parked when its receiver did not take it for three days, or answered 410. It stays until it is retried or dropped.

Examples:
  doorbook webhooks parked
  doorbook webhooks parked crm --json | jq -r .position")]
    Parked {
        /// Of this webhook only
        name: Option<String>,
    },
    /// Post parked events again; a running service takes them up within a second
    #[command(after_long_help = "\
They have the ids that they had before, by which receivers know them.

Examples:
  doorbook webhooks retry crm 42
  doorbook webhooks retry crm --all")]
    Retry(Which),
    /// Forget parked events, for good
    #[command(after_long_help = "\
Examples:
  doorbook webhooks drop crm 42
  doorbook webhooks drop crm --all")]
    Drop(Which),
    /// Post `webhook.test` to a receiver now, to see whether it takes it
    #[command(after_long_help = "\
Examples:
  doorbook webhooks test crm
  doorbook webhooks test crm --set webhooks.crm.url=https://other.example.org/doorbook")]
    Test {
        /// The webhook
        name: String,
    },
}

/// Which parked events.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("parked").args(["position", "all"]).required(true))]
pub struct Which {
    /// The webhook
    pub name: String,
    /// Position of the event, as `doorbook webhooks parked` shows it; or --all
    pub position: Option<Position>,
    /// All of them
    #[arg(long)]
    pub all: bool,
}
