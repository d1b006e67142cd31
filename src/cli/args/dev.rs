//! Commands for developers.

use clap::Subcommand;

/// `doorbook dev …`
#[derive(Debug, Subcommand)]
pub enum DevCommand {
    /// Fill an empty log with a history that looks real
    #[command(after_long_help = "\
The same numbers and seed give the same history. Users are user000001@example.org and so on; all have the password \
`correct horse battery staple`. For benches, tests and demonstrations only, and while no service runs on the log.

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
