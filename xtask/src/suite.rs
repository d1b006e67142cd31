//! `cargo xtask test`: everything that has to hold.

use std::time::Instant;

use anyhow::Result;

use crate::{
    contract,
    parts::{self, Part},
    postgres::{self, Cluster},
    run::{self, say},
    tree::Tree,
};

/// Run every test: a private PostgreSQL, `cargo test --workspace`, then the contract
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  cargo xtask test\n  cargo xtask test -- crash      only tests whose name has `crash`"
)]
pub(crate) struct Test {
    /// Handed to the tests: a part of their names, `--nocapture`, …
    #[arg(last = true)]
    tests: Vec<String>,
}

impl Test {
    /// Runs the tests; with a filter only those, without the lints.
    ///
    /// # Errors
    ///
    /// When a test or a lint fails, a part is missing, or a tracked file has changed.
    pub(crate) fn run(self) -> Result<()> {
        let started = Instant::now();
        let before = Tree::now();
        let whole = self.tests.is_empty();
        parts::require(&[
            Part::Make,
            Part::Postgres,
            Part::Strace,
            Part::Curl,
            Part::Node,
            Part::Python,
            Part::Browser,
        ])?;
        for tools in ["browser", "oidc", "smtp", "webhook"] {
            parts::install_tools(tools)?;
        }
        self.test_workspace()?;
        if whole {
            contract::run()?;
        }
        before.assert_unchanged()?;
        let which = if whole { "all tests" } else { "the chosen tests" };
        say(format_args!("{which} passed in {} s", started.elapsed().as_secs()));
        Ok(())
    }

    fn test_workspace(&self) -> Result<()> {
        let cluster = Cluster::start(postgres::SMALL)?;
        let mut tests = run::cargo(["test", "--workspace", "--locked", "--"]);
        tests.args(&self.tests);
        // Tests of the whole service wait more than they work.
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            tests.env("RUST_TEST_THREADS", (2 * cores).to_string());
        }
        cluster.announce(&mut tests);
        run::run(&mut tests)
    }
}
