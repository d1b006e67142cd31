//! `doorbook mail …`

use doorbook_domain::email::EmailAddress;
use doorbook_projections::log::{EventLog, Position};
use serde::Serialize;

use super::{args::MailCommand, exit::Failure, output::Output};
use crate::{
    config::Config,
    ids,
    keys::{Queued, Slot},
    mail::{Addressed, Letter, Post, outbox::QUEUE},
    open::{Durable, StartError},
};

/// Carries one out. The service may be running.
pub(crate) async fn run(
    command: &MailCommand,
    durable: &Durable,
    config: &Config,
    output: &Output,
) -> Result<(), Failure> {
    match command {
        MailCommand::List => list(durable, output).await,
        MailCommand::Retry { id, all: _ } => retry(*id, durable, config, output).await,
        MailCommand::Test { address } => test(address, config, output).await,
    }
}

#[derive(Serialize)]
struct Line {
    id: String,
    state: &'static str,
    event: String,
    since: String,
    tries: u32,
    /// When it is tried next; absent for a parked one.
    next_try: Option<String>,
    reason: Option<String>,
}

impl Line {
    fn new(row: &Queued, event: String) -> Self {
        Self {
            id: row.slot.to_string(),
            state: if row.parked_at.is_some() { "parked" } else { "pending" },
            event,
            since: row.since.to_string(),
            tries: row.tries,
            next_try: row.parked_at.is_none().then(|| row.due_at.to_string()),
            reason: row.reason.clone(),
        }
    }
}

async fn list(durable: &Durable, output: &Output) -> Result<(), Failure> {
    let log = durable.store.log();
    let mut lines = Vec::new();
    for row in durable.keyring.queue(QUEUE).all().await? {
        let event = event_type(log.as_ref(), row.slot.position).await?;
        lines.push(Line::new(&row, event));
    }
    let heads = ["ID", "STATE", "EVENT", "SINCE", "TRIES", "NEXT TRY", "REASON"];
    output.table(&heads, &lines, |line| {
        vec![
            line.id.clone(),
            line.state.to_owned(),
            line.event.clone(),
            line.since.clone(),
            line.tries.to_string(),
            line.next_try.clone().unwrap_or_else(|| "-".to_owned()),
            line.reason.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    })?;
    Ok(())
}

async fn event_type(log: &dyn EventLog, position: Position) -> Result<String, Failure> {
    let before = Position::new(position.number().saturating_sub(1));
    let read = log.read(before, 1).await?;
    let event = read.first().filter(|recorded| recorded.position == position);
    Ok(event.map_or_else(|| "-".to_owned(), |recorded| recorded.event_type.to_string()))
}

async fn retry(id: Option<Slot>, durable: &Durable, config: &Config, output: &Output) -> Result<(), Failure> {
    let now = config.service_clock().now();
    let retried = durable.keyring.queue(QUEUE).retry(id, now).await?;
    if let (Some(id), 0) = (id, retried) {
        return Err(Failure::Refused(format!(
            "there is no parked letter `{id}`: `doorbook mail list` names them"
        )));
    }
    let value = serde_json::json!({"retried": retried});
    output.value(&value, || match retried {
        1 => "1 letter is sent again.".to_owned(),
        letters => format!("{letters} letters are sent again."),
    })?;
    Ok(())
}

/// Sends a letter past the queue.
pub(crate) async fn test(address: &str, config: &Config, output: &Output) -> Result<(), Failure> {
    let to = EmailAddress::parse(address).map_err(|error| Failure::Usage(format!("`{address}`: {error}")))?;
    let post = Post::open(config).map_err(StartError::from)?;
    let now = config.service_clock().now();
    let addressed = Addressed {
        to: to.as_typed().to_owned(),
        locale: config.mail.locale,
        letter: Letter::Test { at: now },
        key: ids::uuid_v7(now),
        caused_at: now,
    };
    post.send(&addressed, now)
        .await
        .map_err(|undelivered| Failure::Refused(format!("the letter did not leave: {undelivered}")))?;
    let value = serde_json::json!({"sent": address});
    output.value(&value, || format!("The letter to {address} has left."))?;
    Ok(())
}
