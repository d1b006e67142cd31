//! How much is let through, in the microseconds that the counters are kept in.

use std::time::Duration;

use crate::config::{self, Rate};

/// How a counter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// So many in a window, which become free again one by one (the generic cell rate algorithm of ITU-T I.371).
    Rate {
        /// In which one becomes free again.
        step: i64,
        /// In which all do.
        window: i64,
    },
    /// So many in a row at once, then one after each wait, which doubles; then none until the row is forgotten.
    Row(Row),
}

/// Failures in a row (NIST SP 800-63B-4 §3.2.2: growing waits, at most 100 in a row).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// That cost no wait.
    pub(super) limit: i64,
    /// That are let through at all.
    pub(super) most: i64,
    /// After the last that costs no wait.
    pub(super) first_wait: i64,
    /// What waits grow to.
    pub(super) longest_wait: i64,
    /// How long a row is remembered after its last attempt.
    pub(super) memory: i64,
}

impl Rule {
    /// As configured, `factor` times as much.
    pub(super) fn rate(rate: Rate, factor: u32) -> Self {
        let limit = i64::from(rate.limit.saturating_mul(factor).max(1));
        // Rounded up, so that never more than the limit fit into the window.
        let step = (micros(rate.window).saturating_add(limit - 1) / limit).max(1);
        Self::Rate {
            step,
            window: step.saturating_mul(limit),
        }
    }

    /// As configured, with so many that cost no wait.
    pub(super) fn row(config: &config::Throttle, limit: u32) -> Self {
        Self::Row(Row {
            limit: limit.into(),
            most: config.most_failures.into(),
            first_wait: micros(config.first_wait),
            longest_wait: micros(config.longest_wait),
            memory: micros(config.forget_after),
        })
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX / 4)
}
