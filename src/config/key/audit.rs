//! Keys of what is kept and proven: checkpoints, places, retention.

use super::{Key, key, secret};

/// `[audit]`.
pub(super) const AUDIT: &[Key] = &[
    key(
        "audit.checkpoint_every",
        r#""1h""#,
        "A signed checkpoint of the log is written at least so often: 1s to 24h. See docs/proof.md.",
    ),
    key(
        "audit.checkpoint_events",
        "10000",
        "And after so many events at the latest.",
    ),
    secret(key(
        "audit.checkpoint_url",
        r#""""#,
        "Where each checkpoint goes besides `checkpoints` under `data.dir`: `https://`, which takes it by POST, or `file:` and a directory of another machine. Who can change the databases should not be able to change it. Of a URL only the host is shown.",
    )),
    key(
        "audit.geoip_file",
        r#""""#,
        "A MaxMind DB file of cities or countries, such as `GeoLite2-City.mmdb`: auditors then see where the address of a login is. Looked up when read, never stored; opened anew when the file changes. Empty: none.",
    ),
    key(
        "audit.retention",
        r#""""#,
        "How long IP addresses and user agents are known, such as `400d`; a calendar month at a time, once the whole of it is older. Then their keys are destroyed: lengthening it later brings nothing back. Empty: for ever. See docs/audit.md.",
    ),
];
