//! `throttle.*`: `docs/throttling.md` says what each limit is for, and where its number comes from.

use std::time::Duration;

use super::{get, layers::Layers};

/// Most failures in a row (NIST SP 800-63B-4 §3.2.2).
const MOST_FAILURES: u32 = 100;
/// The longest span that a counter may span.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// `throttle.*`.
#[derive(Debug, Clone)]
pub struct Throttle {
    /// Whether anything is counted.
    pub enabled: bool,
    /// Most rows in the table of the counters.
    pub capacity: usize,
    /// The wait after the last failure that costs none.
    pub first_wait: Duration,
    /// What waits grow to.
    pub longest_wait: Duration,
    /// Failures in a row that are let through at all.
    pub most_failures: u32,
    /// How long failures are remembered after the last.
    pub forget_after: Duration,
    /// Failures at one address that cost no wait.
    pub login_account: u32,
    /// Failures in one known browser that cost no wait.
    pub login_device: u32,
    /// Failed proofs of one user that cost no wait.
    pub proof: u32,
    /// Failed logins from one network.
    pub login_network: Rate,
    /// Failed logins of all.
    pub login_global: Rate,
    /// Mails to one address.
    pub mail_address: Rate,
    /// Mails asked for from one network.
    pub mail_network: Rate,
    /// Mails of all.
    pub mail_global: Rate,
    /// Sign-ups from one network.
    pub signup_network: Rate,
    /// Redemptions of one mailed link.
    pub redeem_token: Rate,
    /// Redemptions from one network.
    pub redeem_network: Rate,
    /// New passwords judged for one network.
    pub judge_network: Rate,
    /// Sign-ins at identity providers that one network begins.
    pub flow_network: Rate,
    /// Redemptions and judged passwords of all.
    pub work_global: Rate,
}

/// So many in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub limit: u32,
    /// In which time they become free again, one by one.
    pub window: Duration,
}

pub(super) fn read(layers: &mut Layers) -> Option<Throttle> {
    let (enabled, capacity) = (get(layers, "throttle.enabled"), get(layers, "throttle.capacity"));
    let (first_wait, longest_wait) = (get(layers, "throttle.first_wait"), get(layers, "throttle.longest_wait"));
    let most_failures = get(layers, "throttle.most_failures");
    let forget_after = get(layers, "throttle.forget_after");
    let (login_account, login_device) = (limit(layers, "login_account"), limit(layers, "login_device"));
    let proof = limit(layers, "proof");
    let (login_network, login_global) = (rate(layers, "login_network"), rate(layers, "login_global"));
    let (mail_address, mail_network) = (rate(layers, "mail_address"), rate(layers, "mail_network"));
    let (mail_global, signup_network) = (rate(layers, "mail_global"), rate(layers, "signup_network"));
    let (redeem_token, redeem_network) = (rate(layers, "redeem_token"), rate(layers, "redeem_network"));
    let (judge_network, work_global) = (rate(layers, "judge_network"), rate(layers, "work_global"));
    let flow_network = rate(layers, "flow_network");
    Some(Throttle {
        enabled: enabled?,
        capacity: capacity?,
        first_wait: first_wait?,
        longest_wait: longest_wait?,
        most_failures: most_failures?,
        forget_after: forget_after?,
        login_account: login_account?,
        login_device: login_device?,
        proof: proof?,
        login_network: login_network?,
        login_global: login_global?,
        mail_address: mail_address?,
        mail_network: mail_network?,
        mail_global: mail_global?,
        signup_network: signup_network?,
        redeem_token: redeem_token?,
        redeem_network: redeem_network?,
        judge_network: judge_network?,
        flow_network: flow_network?,
        work_global: work_global?,
    })
}

fn limit(layers: &mut Layers, scope: &str) -> Option<u32> {
    let key = format!("throttle.{scope}.limit");
    let limit = get(layers, &key)?;
    if limit == 0 {
        layers.complain(
            &key,
            "nothing would ever be let through; write at least 1, or `throttle.enabled = false` to count nothing",
        );
    }
    Some(limit)
}

fn rate(layers: &mut Layers, scope: &str) -> Option<Rate> {
    let key = format!("throttle.{scope}.window");
    let (limit, window) = (limit(layers, scope), get(layers, &key));
    let rate = Rate {
        limit: limit?,
        window: window?,
    };
    if !(Duration::from_secs(1)..=LONGEST).contains(&rate.window) {
        layers.complain(&key, "write a span from `1s` to `366d`");
    }
    Some(rate)
}

/// Complains about what does not fit.
pub(super) fn check(throttle: &Throttle, layers: &mut Layers) {
    if throttle.capacity < 1000 {
        layers.complain("throttle.capacity", "write at least 1000");
    }
    if throttle.first_wait < Duration::from_secs(1) || throttle.first_wait > throttle.longest_wait {
        layers.complain(
            "throttle.first_wait",
            "write a span from `1s` to `throttle.longest_wait`",
        );
    }
    if throttle.longest_wait > throttle.forget_after {
        layers.complain(
            "throttle.longest_wait",
            "a failure would be forgotten before its wait is over; write at most `throttle.forget_after`",
        );
    }
    if throttle.forget_after > LONGEST {
        layers.complain("throttle.forget_after", "write at most `366d`");
    }
    let rows = [throttle.login_account, throttle.login_device, throttle.proof];
    let least = rows.into_iter().max().unwrap_or_default();
    if !(least..=MOST_FAILURES).contains(&throttle.most_failures) {
        layers.complain(
            "throttle.most_failures",
            "write at most 100 (NIST SP 800-63B), and no less than the limits of `login_account`, `login_device` and `proof`",
        );
    }
}
