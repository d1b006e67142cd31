//! Keys of receivers that events are posted to.

use super::{Key, each, secret};

/// What each receiver of events has under its own name.
pub(super) const WEBHOOKS: &[Key] = &[
    secret(each(
        "webhooks.<name>.url",
        r#""https://crm.example.org/doorbook""#,
        "Where events are posted to, under a name of your own. Only its host is shown: what follows may be a token. See docs/webhooks.md.",
    )),
    secret(each(
        "webhooks.<name>.secret",
        r#""whsec_…""#,
        "What they are signed with: `whsec_` and 24 to 64 random bytes in base64.",
    )),
    secret(each(
        "webhooks.<name>.previous_secret",
        r#""whsec_…""#,
        "The secret of before: both sign while it stands here, so that the receiver can go over to the new one.",
    )),
    each(
        "webhooks.<name>.events",
        r#"["user.*", "session.ended"]"#,
        "Which events: types, and beginnings of types with `.*`.",
    ),
    each(
        "webhooks.<name>.allow_internal",
        "true",
        "Whether the receiver may lie on this machine or in a private network, and speak plain http. By default it may not.",
    ),
];
