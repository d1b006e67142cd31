//! `audit.*`, less what is about checkpoints: what the audit trail is shown with.

use std::path::PathBuf;

use super::{get, layers::Layers};

/// `audit.*`, less what is about checkpoints.
#[derive(Debug, Clone)]
pub struct Audit {
    /// A MaxMind DB that knows where addresses of the network are.
    pub geoip_file: Option<PathBuf>,
}

pub(super) fn read(layers: &mut Layers) -> Option<Audit> {
    let geoip_file = get(layers, "audit.geoip_file");
    Some(Audit {
        geoip_file: geoip_file?,
    })
}
