//! Which events are posted, and how patiently.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Recorded},
};

use super::{
    body, queue_name,
    receiver::{Receiver, Undelivered},
};
use crate::{
    clock::Clock,
    config::Webhook,
    ids,
    keys::{Queued, Waiting},
    outbox::{Errand, Outcome},
};

/// How long one is tried. Standard Webhooks ask for days: somebody has to come back from a weekend.
pub(super) const PATIENCE: Duration = Duration::from_hours(72);
/// Requests to one receiver at once.
const AT_ONCE: usize = 4;
/// What waits beyond these waits in the log.
const BOUNDS: Waiting = Waiting {
    pending: 1_000,
    parked: 10_000,
};
/// The pause after the first failure; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_hours(8);

/// The errand of one webhook.
pub(super) struct Delivery {
    queue: String,
    receiver: Receiver,
    log: Arc<dyn EventLog>,
    clock: Clock,
    pub(super) bounds: Waiting,
}

impl Delivery {
    pub(super) fn new(settings: &Webhook, log: Arc<dyn EventLog>, clock: Clock) -> Result<Self, Fault> {
        Ok(Self {
            queue: queue_name(&settings.name),
            receiver: Receiver::new(settings)?,
            log,
            clock,
            bounds: BOUNDS,
        })
    }

    /// Whose stream it is, where the event does not say so itself.
    async fn owner(&self, recorded: &Recorded) -> Result<Option<String>, Fault> {
        match &*recorded.aggregate {
            "user" => Ok(Some(recorded.stream_id.to_string())),
            // Their first event says so.
            "session" | "signup" => {
                let stream = self.log.stream(&recorded.aggregate, &recorded.stream_id, 0).await?;
                let fields = stream.first().and_then(|first| body::fields(&first.payload).ok());
                let owner = fields.and_then(|fields| Some(fields.get("user_id")?.as_str()?.to_owned()));
                Ok(owner)
            }
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl Errand for Delivery {
    fn name(&self) -> &str {
        &self.queue
    }

    fn words(&self) -> (&'static str, &'static str) {
        ("a webhook", "doorbook webhooks parked")
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn bounds(&self) -> Option<Waiting> {
        Some(self.bounds)
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn pause(&self, tries: u32) -> Duration {
        let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(tries));
        jittered(doubled.min(LONGEST_PAUSE), u16::from_le_bytes(ids::random()))
    }

    fn concerns(&self, recorded: &Recorded) -> bool {
        self.receiver.settings().events.hold(&recorded.event_type)
    }

    async fn attempt(&self, row: &Queued, recorded: &Recorded) -> Result<Outcome, Fault> {
        let owner = self.owner(recorded).await?;
        let Ok(body) = body::of(recorded, owner.as_deref()) else {
            return Ok(Outcome::Parked("the event cannot be read".to_owned()));
        };
        let posted = self.receiver.post(row.event, body, self.clock.now()).await;
        Ok(match posted {
            Ok(()) => Outcome::Sent,
            Err(Undelivered::Never(reason)) => Outcome::Parked(reason),
            Err(Undelivered::NotNow(reason)) => Outcome::Later {
                reason,
                after: Duration::ZERO,
            },
            Err(Undelivered::Busy { reason, after }) => Outcome::Later {
                reason,
                after: after.min(LONGEST_PAUSE),
            },
        })
    }
}

/// From four fifths of the pause to six fifths: many that failed at once do not come back at once.
pub(super) fn jittered(pause: Duration, random: u16) -> Duration {
    pause.mul_f64(0.8 + 0.4 * f64::from(random) / f64::from(u16::MAX))
}
