//! From the log to lines.

use std::io;

use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Position, Recorded},
};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    cloud::{CloudEvent, hidden},
    line::{EventLine, Foot, Head, Line},
};
use crate::proof::{hash::TreeHash, tree::Tree};

/// Events that are read at once.
const PAGE: usize = 500;
/// Checkpoints that are looked through at once.
const CHECKPOINTS: u32 = 500;

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// As they are stored, with what `audit verify --export` needs.
    #[default]
    Ndjson,
    /// `CloudEvents` 1.0; secrets and password hashes are hidden.
    Cloudevents,
}

/// Which events.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// How they are written.
    pub form: Form,
    /// The first.
    pub from: u64,
    /// The last; the last one of the log where it is less.
    pub to: u64,
}

/// Why an export broke off.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// A database failed.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// Nobody reads it any more, or it cannot be written.
    #[error(transparent)]
    Output(#[from] io::Error),
}

/// Writes events, and for the form `ndjson` the tree around them, as far as the stored one reaches.
///
/// # Errors
///
/// [`Broken`] when the log or the tree cannot be read, or `line` cannot be written.
pub async fn write(
    log: &dyn EventLog,
    tree: &Tree,
    wanted: Wanted,
    line: &mut (dyn FnMut(&str) -> io::Result<()> + Send),
    progress: &(dyn Fn(u64, u64) + Send + Sync),
) -> Result<u64, Broken> {
    let id = log.id().await?;
    let head = log.head().await?.number();
    let (before, to) = (wanted.from.saturating_sub(1), wanted.to.min(head));
    let with_tree = wanted.form == Form::Ndjson;
    if with_tree {
        line(&json(&begin(id, tree, wanted.from).await?)?)?;
    }
    let (mut at, mut written) = (before, 0);
    while at < to {
        let events = log.read(Position::new(at), PAGE).await?;
        let Some(last) = events.last() else { break };
        at = last.position.number();
        for event in events.iter().filter(|event| event.position.number() <= to) {
            line(&of_event(event, id, wanted.form)?)?;
            written += 1;
        }
        progress(at.saturating_sub(before), to.saturating_sub(before));
    }
    if with_tree {
        line(&json(&end(tree, to.max(before)).await?)?)?;
    }
    Ok(written)
}

async fn begin(log: Uuid, tree: &Tree, from: u64) -> Result<Line, Fault> {
    let before = from.saturating_sub(1);
    let size = tree.state().await?.map_or(0, |state| state.size);
    if size < before {
        return Err(Fault::plain(
            "the tree does not reach the first event yet: let the service run for a moment, or begin earlier",
        ));
    }
    let export = Head {
        form: 1,
        log,
        from,
        before: hashes(tree, 0, before).await?,
    };
    Ok(Line::Head { export })
}

/// Up to the latest checkpoint, if it covers the last event: whoever keeps checkpoints elsewhere has that one.
async fn end(tree: &Tree, to: u64) -> Result<Line, Fault> {
    let state = tree.state().await?;
    let page = tree.checkpoints(u64::MAX, CHECKPOINTS).await?;
    let own = page.into_iter().filter(|one| {
        let state = state.as_ref().filter(|state| state.origin == one.checkpoint.origin);
        state.is_some_and(|state| (to..=state.size).contains(&one.checkpoint.size))
    });
    let covering = own.max_by_key(|one| one.checkpoint.size);
    let size = covering.as_ref().map_or(to, |one| one.checkpoint.size);
    let end = Foot {
        to,
        size,
        after: hashes(tree, to, size).await?,
        checkpoint: covering.map(|one| one.note),
    };
    Ok(Line::Foot { end })
}

async fn hashes(tree: &Tree, from: u64, to: u64) -> Result<Vec<TreeHash>, Fault> {
    let blocks = tree.blocks(from..to).await?;
    Ok(blocks.into_iter().map(|(_, hash)| hash).collect())
}

fn of_event(event: &Recorded, log: Uuid, form: Form) -> Result<String, Fault> {
    match form {
        Form::Ndjson => {
            let line = EventLine::new(event).map_err(Fault::because("an event cannot be exported"))?;
            json(&Line::Event(Box::new(line)))
        }
        Form::Cloudevents => {
            let payload: Value = serde_json::from_str(&event.payload).unwrap_or_default();
            json(&CloudEvent::new(event, log, hidden(payload)))
        }
    }
}

fn json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::because("an event cannot be written as JSON"))
}
