//! How far a long work is.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use parking_lot::Mutex;
use tracing::info;

/// Between two log lines where there is no terminal.
const SILENCE: Duration = Duration::from_secs(5);
/// What is done sooner shows no bar: it would flash.
const SHORT: Duration = Duration::from_millis(500);
const TEMPLATE: &str = "{msg} [{bar:40}] {human_pos}/{human_len} {per_sec} ETA {eta}";

/// How far a long work is: a bar on a terminal, a log line every five seconds elsewhere. What is short says nothing.
pub struct Progress {
    what: &'static str,
    bar: ProgressBar,
    terminal: bool,
    shown: AtomicBool,
    started: Instant,
    spoke: Mutex<Instant>,
}

impl Progress {
    pub(crate) fn new(what: &'static str, total: u64, terminal: bool) -> Self {
        let bar = ProgressBar::hidden();
        bar.set_length(total);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        let now = Instant::now();
        Self {
            what,
            bar,
            terminal,
            shown: AtomicBool::new(false),
            started: now,
            spoke: Mutex::new(now),
        }
    }

    /// `done` units of `total` are done.
    pub fn of(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.at(done);
    }

    /// `done` units are done.
    pub fn at(&self, done: u64) {
        if self.terminal && self.started.elapsed() >= SHORT && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_position(done);
        if !self.terminal {
            let mut spoke = self.spoke.lock();
            if spoke.elapsed() >= SILENCE {
                *spoke = Instant::now();
                self.speak(done, "working");
            }
        }
    }

    /// Writes something while no bar is in the way.
    pub fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.bar.suspend(write)
    }

    /// The work is done.
    pub fn finish(&self) {
        if self.terminal {
            self.bar.finish_and_clear();
        } else if self.started.elapsed() >= SILENCE {
            self.speak(self.bar.position(), "done");
        }
    }

    fn speak(&self, done: u64, state: &str) {
        let total = self.bar.length().unwrap_or(done);
        let spent = self.started.elapsed();
        let left = u128::from(total.saturating_sub(done)) * spent.as_millis() / u128::from(done.max(1));
        info!(
            done,
            total,
            elapsed_ms = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX),
            eta_ms = u64::try_from(left).unwrap_or(u64::MAX),
            "{}: {state}",
            self.what
        );
    }
}
