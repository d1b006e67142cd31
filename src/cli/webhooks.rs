//! `doorbook webhooks …`

use doorbook_projections::log::{EventLog, Position};
use serde::Serialize;

use super::{
    args::{WebhooksCommand, Which},
    exit::Failure,
    output::Output,
};
use crate::{
    config::{Config, Webhook},
    ids,
    keys::{Queue, Queued, Slot},
    open::Durable,
    webhooks::{Receiver, queue_name},
};

/// Carries one out. The service may be running.
///
/// # Errors
///
/// There is no such webhook or event, the receiver did not take a test, a database fails, or the output cannot be written.
pub(super) async fn run(command: &WebhooksCommand, config: &Config, output: &Output) -> Result<(), Failure> {
    if let WebhooksCommand::Test { name } = command {
        return test(find(config, name)?, config, output).await;
    }
    let durable = Durable::open(config).await?;
    let done = match command {
        WebhooksCommand::List => list(config, &durable, output).await,
        WebhooksCommand::Parked { name } => parked(name.as_deref(), config, &durable, output).await,
        WebhooksCommand::Retry(which) => retry(which, config, &durable, output).await,
        WebhooksCommand::Drop(which) => discard(which, config, &durable, output).await,
        WebhooksCommand::Test { .. } => Ok(()),
    };
    durable.store.close().await;
    done
}

fn find<'a>(config: &'a Config, name: &str) -> Result<&'a Webhook, Failure> {
    let found = config.webhooks.iter().find(|webhook| webhook.name == name);
    found.ok_or_else(|| {
        Failure::Refused(format!(
            "there is no webhook `{name}`: `doorbook webhooks list` names them"
        ))
    })
}

fn queue(durable: &Durable, webhook: &Webhook) -> Queue {
    durable.keyring.queue(&queue_name(&webhook.name))
}

#[derive(Serialize)]
struct Line {
    webhook: String,
    url: String,
    events: String,
    /// Events of the log that were not looked at; absent before the first start with this webhook.
    lag: Option<u64>,
    pending: u64,
    parked: u64,
    /// Why the last try failed that has to be repeated.
    reason: Option<String>,
}

async fn list(config: &Config, durable: &Durable, output: &Output) -> Result<(), Failure> {
    if config.webhooks.is_empty() && !output.is_json() {
        output.line("No webhook is configured here.")?;
        return Ok(());
    }
    let head = durable.store.log().head().await?.number();
    let begun = durable.keyring.followers("").await?;
    let mut lines = Vec::new();
    for webhook in &config.webhooks {
        let name = queue_name(&webhook.name);
        let passed = durable.keyring.cursor(&name).await?.number();
        let queue = queue(durable, webhook);
        let waiting = queue.waiting().await?;
        lines.push(Line {
            webhook: webhook.name.clone(),
            url: webhook.shown_url(),
            events: webhook.events.to_string(),
            lag: begun.contains(&name).then(|| head.saturating_sub(passed)),
            pending: waiting.pending,
            parked: waiting.parked,
            reason: queue.all().await?.into_iter().rev().find_map(|row| row.reason),
        });
    }
    let heads = ["WEBHOOK", "URL", "EVENTS", "LAG", "PENDING", "PARKED", "REASON"];
    output.table(&heads, &lines, |line| {
        vec![
            line.webhook.clone(),
            line.url.clone(),
            line.events.clone(),
            line.lag.map_or_else(|| "-".to_owned(), |lag| lag.to_string()),
            line.pending.to_string(),
            line.parked.to_string(),
            line.reason.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    })?;
    Ok(())
}

#[derive(Serialize)]
struct Parked {
    webhook: String,
    position: String,
    /// What the receiver knows it by.
    id: String,
    event: String,
    since: String,
    tries: u32,
    reason: Option<String>,
}

async fn parked(name: Option<&str>, config: &Config, durable: &Durable, output: &Output) -> Result<(), Failure> {
    let webhooks: Vec<&Webhook> = match name {
        Some(name) => vec![find(config, name)?],
        None => config.webhooks.iter().collect(),
    };
    let log = durable.store.log();
    let mut lines = Vec::new();
    for webhook in webhooks {
        let rows = queue(durable, webhook).all().await?;
        for (row, since) in rows.iter().filter_map(|row| Some((row, row.parked_at?))) {
            lines.push(Parked {
                webhook: webhook.name.clone(),
                position: row.slot.position.to_string(),
                id: row.event.to_string(),
                event: event_type(log.as_ref(), row).await?,
                since: since.to_string(),
                tries: row.tries,
                reason: row.reason.clone(),
            });
        }
    }
    let heads = ["WEBHOOK", "POSITION", "EVENT", "PARKED SINCE", "TRIES", "REASON"];
    output.table(&heads, &lines, |line| {
        vec![
            line.webhook.clone(),
            line.position.clone(),
            line.event.clone(),
            line.since.clone(),
            line.tries.to_string(),
            line.reason.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    })?;
    Ok(())
}

async fn event_type(log: &dyn EventLog, row: &Queued) -> Result<String, Failure> {
    let before = Position::new(row.slot.position.number().saturating_sub(1));
    let read = log.read(before, 1).await?;
    let event = read.first().filter(|recorded| recorded.position == row.slot.position);
    Ok(event.map_or_else(|| "-".to_owned(), |recorded| recorded.event_type.to_string()))
}

fn slot(which: &Which) -> Option<Slot> {
    which.position.map(|position| Slot { position, letter: None })
}

async fn retry(which: &Which, config: &Config, durable: &Durable, output: &Output) -> Result<(), Failure> {
    let queue = queue(durable, find(config, &which.name)?);
    let retried = queue.retry(slot(which), config.service_clock().now()).await?;
    some(which, retried)?;
    let value = serde_json::json!({"retried": retried});
    output.value(&value, || match retried {
        1 => "1 event is posted again.".to_owned(),
        events => format!("{events} events are posted again."),
    })?;
    Ok(())
}

async fn discard(which: &Which, config: &Config, durable: &Durable, output: &Output) -> Result<(), Failure> {
    let queue = queue(durable, find(config, &which.name)?);
    let dropped = queue.discard(slot(which)).await?;
    some(which, dropped)?;
    let value = serde_json::json!({"dropped": dropped});
    output.value(&value, || match dropped {
        1 => "1 event is forgotten.".to_owned(),
        events => format!("{events} events are forgotten."),
    })?;
    Ok(())
}

/// Refuses a position at which nothing is parked.
fn some(which: &Which, found: u64) -> Result<(), Failure> {
    match (which.position, found) {
        (Some(position), 0) => Err(Failure::Refused(format!(
            "no event at {position} is parked for `{}`: `doorbook webhooks parked` names them",
            which.name
        ))),
        _ => Ok(()),
    }
}

/// Posts past the queue.
async fn test(webhook: &Webhook, config: &Config, output: &Output) -> Result<(), Failure> {
    let now = config.service_clock().now();
    let (receiver, id) = (Receiver::new(webhook)?, ids::uuid_v7(now));
    receiver
        .test(id, now)
        .await
        .map_err(|undelivered| Failure::Refused(format!("the receiver did not take it: {undelivered}")))?;
    let value = serde_json::json!({"taken": webhook.name, "id": id});
    output.value(&value, || format!("The receiver of `{}` took it.", webhook.name))?;
    Ok(())
}
