//! The tracked files, which no chore may change.

use std::process::Command;

use anyhow::{Result, bail};

use crate::run;

/// The tracked files as they are now.
pub(crate) struct Tree(Option<String>);

impl Tree {
    /// Looks at the tracked files. Outside a git checkout there is nothing to compare.
    pub(crate) fn now() -> Self {
        let mut diff = Command::new("git");
        diff.args(["diff", "HEAD", "--stat"]).current_dir(run::root());
        Self(run::output(&mut diff).ok())
    }

    /// Compares them with what they were.
    ///
    /// # Errors
    ///
    /// When they differ; the message shows how.
    pub(crate) fn assert_unchanged(&self) -> Result<()> {
        let Self(now) = Self::now();
        match (&self.0, now) {
            (Some(before), Some(after)) if *before != after => bail!("tracked files have changed:\n{after}"),
            _ => Ok(()),
        }
    }
}
