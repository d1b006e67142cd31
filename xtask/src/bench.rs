//! `cargo xtask bench`: the figures that README.md claims.

use anyhow::Result;

use crate::{
    parts::{self, Part},
    postgres::{self, Cluster},
    run,
};

/// Measure, and write the figures to benches/RESULTS.md
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench -- session-check logins")]
pub(crate) struct Bench {
    /// Handed to the bench: names of the measurements to take, all without any
    #[arg(last = true)]
    measurements: Vec<String>,
}

impl Bench {
    /// Builds for release and measures, with a private PostgreSQL.
    ///
    /// # Errors
    ///
    /// When a part is missing, or a figure is not reached.
    pub(crate) fn run(self) -> Result<()> {
        parts::require(&[Part::Make, Part::Postgres, Part::Strace, Part::Node])?;
        parts::install_tools("smtp")?;
        let cluster = Cluster::start(postgres::recommended())?;
        let mut bench = run::cargo([
            "bench",
            "--locked",
            "--package",
            "doorbook",
            "--bench",
            "doorbook",
            "--",
        ]);
        bench.args(&self.measurements);
        cluster.announce(&mut bench);
        run::run(&mut bench)
    }
}
