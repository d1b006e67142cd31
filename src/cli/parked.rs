//! `doorbook events parked`.

use doorbook_projections::log::Position;
use serde::Serialize;

use super::{exit::Failure, output::Output};
use crate::{keys::Parked, open::Durable, service::process::FOLLOWERS};

#[derive(Serialize)]
struct Line {
    position: String,
    event: String,
    follower: &'static str,
    since: String,
    reason: String,
}

impl Line {
    fn new(follower: &'static str, parked: Parked, event: String) -> Self {
        Self {
            position: parked.position.to_string(),
            event,
            follower,
            since: parked.since.to_string(),
            reason: parked.reason,
        }
    }
}

/// Lists what the followers of the log went past. The service may be running.
///
/// # Errors
///
/// The keys or the log cannot be read, or the output cannot be written.
pub(super) async fn list(durable: &Durable, output: &Output) -> Result<(), Failure> {
    let log = durable.store.log();
    let mut lines = Vec::new();
    for follower in FOLLOWERS {
        for parked in durable.keyring.parked(follower.name()).await? {
            let before = Position::new(parked.position.number().saturating_sub(1));
            let event = log.read(before, 1).await?.into_iter().next();
            let event = event.map_or_else(|| "-".to_owned(), |recorded| recorded.event_type.to_string());
            lines.push(Line::new(follower.name(), parked, event));
        }
    }
    let heads = ["POSITION", "EVENT", "FOLLOWER", "SINCE", "REASON"];
    output.table(&heads, &lines, |line| {
        vec![
            line.position.clone(),
            line.event.clone(),
            line.follower.to_owned(),
            line.since.clone(),
            line.reason.clone(),
        ]
    })?;
    Ok(())
}
