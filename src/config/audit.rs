//! `audit.*`, less what is about checkpoints: what the audit trail is shown with, and for how long.

use std::{path::PathBuf, time::Duration};

use super::{get, layers::Layers, raw::Raw, setting::Setting};

/// Shortest retention: the keys of a month that is not over must not be asked for.
const SHORTEST: Duration = Duration::from_hours(24);
/// Longest: a hundred years.
const LONGEST: Duration = Duration::from_hours(24 * 36_500);

/// `audit.*`, less what is about checkpoints.
#[derive(Debug, Clone)]
pub struct Audit {
    /// A `MaxMind` DB that knows where addresses of the network are.
    pub geoip_file: Option<PathBuf>,
    /// How long IP addresses and user agents are known. For ever, where nothing is said.
    pub retention: Option<Duration>,
}

/// A span that need not be: the empty text is none.
impl Setting for Option<Duration> {
    fn read(raw: &Raw) -> Result<Self, String> {
        if raw.text() == Some("") {
            return Ok(None);
        }
        let span = Duration::read(raw).map_err(|_| "write a span such as `400d`, or nothing between the quotes")?;
        Ok(Some(span))
    }
}

pub(super) fn read(layers: &mut Layers) -> Option<Audit> {
    let (geoip_file, retention) = (get(layers, "audit.geoip_file"), get(layers, "audit.retention"));
    Some(Audit {
        geoip_file: geoip_file?,
        retention: retention?,
    })
}

/// Limits.
pub(super) fn check(audit: &Audit, layers: &mut Layers) {
    if audit
        .retention
        .is_some_and(|span| !(SHORTEST..=LONGEST).contains(&span))
    {
        layers.complain("audit.retention", "write a span from `1d` to `36500d`, such as `400d`");
    }
}
