//! Keys of what is counted and refused. `docs/throttling.md` is the table of them.

use super::{Key, key};

/// The time in which as many become free again as the limit above it says.
const fn window(name: &'static str, default: &'static str) -> Key {
    key(name, default, "In which time that many become free again, one by one.")
}

/// `[throttle]`: the switch, and each limit beside its window.
pub(super) const THROTTLE: &[Key] = &[
    key(
        "throttle.enabled",
        "true",
        "Whether attempts are counted and, beyond the limits below, refused. `docs/throttling.md` is the table of all limits and of where the numbers come from.",
    ),
    key(
        "throttle.capacity",
        "1000000",
        "Most counters that are kept, about 100 bytes each. Beyond it those go first that mean nothing soonest.",
    ),
    key(
        "throttle.first_wait",
        r#""30s""#,
        "How long one waits after the last of the failures in a row that cost nothing. Each further failure doubles it.",
    ),
    key("throttle.longest_wait", r#""1h""#, "What that wait grows to."),
    key(
        "throttle.most_failures",
        "100",
        "Failures in a row that are let through at all: at most 100 (NIST SP 800-63B). Then only a known browser, a reset by mail or `forget_after` helps.",
    ),
    key(
        "throttle.forget_after",
        r#""30d""#,
        "How long failures in a row are remembered after the last.",
    ),
    key(
        "throttle.login_account.limit",
        "5",
        "Wrong passwords in a row at one address that cost no wait, from browsers that its owner has not used.",
    ),
    key(
        "throttle.login_device.limit",
        "5",
        "The same in one browser that the owner has used. Nothing else is counted there.",
    ),
    key(
        "throttle.proof.limit",
        "5",
        "Wrong passwords in a row, given as proof in live sessions of one user, that cost no wait.",
    ),
    key(
        "throttle.login_network.limit",
        "20",
        "Failed logins from one network: an IPv4 address or an IPv6 /64. The /48 around it may fail ten times as often; so it is with every limit of networks.",
    ),
    window("throttle.login_network.window", r#""10m""#),
    key(
        "throttle.login_global.limit",
        "600",
        "Failed logins of all, known browsers apart: a ceiling for an attack from everywhere. More than your people ever fail.",
    ),
    window("throttle.login_global.window", r#""1m""#),
    key(
        "throttle.mail_address.limit",
        "5",
        "Mails to one address that anybody may ask for: sign-up, resend, reset, change of address.",
    ),
    window("throttle.mail_address.window", r#""1h""#),
    key("throttle.mail_network.limit", "20", "Such mails from one network."),
    window("throttle.mail_network.window", r#""10m""#),
    key(
        "throttle.mail_global.limit",
        "3600",
        "Such mails of all. No more than your mail server may send.",
    ),
    window("throttle.mail_global.window", r#""1h""#),
    key("throttle.signup_network.limit", "10", "Sign-ups from one network."),
    window("throttle.signup_network.window", r#""10m""#),
    key("throttle.redeem_token.limit", "20", "Redemptions of one mailed link."),
    window("throttle.redeem_token.window", r#""10m""#),
    key("throttle.redeem_network.limit", "20", "Redemptions from one network."),
    window("throttle.redeem_network.window", r#""1m""#),
    key(
        "throttle.judge_network.limit",
        "30",
        "New passwords whose strength one network has judged.",
    ),
    window("throttle.judge_network.window", r#""1m""#),
    key(
        "throttle.flow_network.limit",
        "60",
        "Sign-ins at identity providers that one network begins.",
    ),
    window("throttle.flow_network.window", r#""1m""#),
    key(
        "throttle.work_global.limit",
        "1200",
        "Redemptions and judged passwords of all.",
    ),
    window("throttle.work_global.window", r#""1m""#),
];
