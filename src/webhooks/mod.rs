//! Events, told to others: posted to URLs of the operator and signed, as <https://www.standardwebhooks.com> says.
//!
//! Each webhook has an outbox of its own ([`crate::outbox`]), with its cursor and its queue, so that one whose receiver is slow or
//! dead holds up no other. What is posted is made from the event at each try: a row of the queue names an event and nothing else.
//!
//! * `body` is what a receiver is told: no secret, and nothing of a person but ids.
//! * `signing` makes the signed request; the hook of social logins goes by it, too.
//! * `receiver` posts it, by the client that calls no internal address ([`crate::outbound`]).
//! * `delivery` says how patiently, and `retry_after` what the receiver says to that.

mod body;
mod delivery;
mod receiver;
mod retry_after;
mod signing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use doorbook_projections::{fault::Fault, log::EventLog};
use hashbrown::HashSet;

use self::delivery::Delivery;
pub use self::receiver::{Receiver, Undelivered};
pub(crate) use self::signing::signed;
use crate::{clock::Clock, config::Webhook, keys::Keyring, outbox::Outbox};

/// What the names of their queues and cursors begin with.
const PREFIX: &str = "webhook-";

/// Name of the queue and of the cursor of a webhook.
#[must_use]
pub fn queue_name(webhook: &str) -> String {
    format!("{PREFIX}{webhook}")
}

/// The outboxes of all webhooks, with their names. One that is new begins at the end of the log; one that is not configured
/// any more is forgotten, with what waited for it.
///
/// # Errors
///
/// [`Fault`] when a database fails, or the system gives no HTTP client.
pub async fn open(
    webhooks: &[Webhook],
    log: &Arc<dyn EventLog>,
    keyring: &Arc<Keyring>,
    clock: &Clock,
) -> Result<Vec<(String, Outbox)>, Fault> {
    let names: HashSet<String> = webhooks.iter().map(|webhook| queue_name(&webhook.name)).collect();
    for name in keyring.followers(PREFIX).await? {
        if !names.contains(&name) {
            let waited = keyring.forget_follower(&name).await?;
            tracing::warn!(
                process = name,
                waited,
                "a webhook is not configured any more, and forgotten"
            );
        }
    }
    let mut outboxes = Vec::with_capacity(webhooks.len());
    for webhook in webhooks {
        let delivery = Delivery::new(webhook, Arc::clone(log), clock.clone())?;
        keyring.begin_at(&queue_name(&webhook.name), log.head().await?).await?;
        let outbox = Outbox::new(Arc::clone(log), Arc::clone(keyring), delivery, clock.clone());
        outboxes.push((webhook.name.clone(), outbox));
    }
    Ok(outboxes)
}
