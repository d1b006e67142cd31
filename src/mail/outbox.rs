//! Letters in an [`Outbox`]. It asks for the letters of a queued event, gives each a row of its own, and sends them; one
//! that is sent again has the same `Message-ID`. What cannot leave goes on with `doorbook mail retry`.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use doorbook_projections::{
    fault::Fault,
    log::{EventLog, Recorded},
};

use super::{Letters, Post, Undelivered};
use crate::{
    clock::Clock,
    keys::{Keyring, Queued, Waiting},
    outbox::{Errand, Outbox, Outcome},
};

#[cfg(test)]
mod tests;

/// Name of the queue and of its cursor.
pub const QUEUE: &str = "outbox";
/// How long a letter is tried. One whose event is older when it is first seen is not sent: nobody expects it any more,
/// as on the first start of a program that sends mail on a log that is years old.
pub const PATIENCE: Duration = Duration::from_hours(24);

/// Letters on their way at once.
const AT_ONCE: usize = 8;
/// Pauses between the first tries; afterwards the last of them.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(1),
];

/// The outbox of letters. It does nothing by itself.
#[must_use]
pub fn outbox(
    log: Arc<dyn EventLog>,
    keyring: Arc<Keyring>,
    letters: impl Letters,
    post: Arc<Post>,
    clock: Clock,
) -> Outbox {
    let delivery = Delivery {
        keyring: Arc::clone(&keyring),
        letters: Box::new(letters),
        post,
        clock: clock.clone(),
    };
    Outbox::new(log, keyring, delivery, clock)
}

struct Delivery {
    keyring: Arc<Keyring>,
    letters: Box<dyn Letters>,
    post: Arc<Post>,
    clock: Clock,
}

#[async_trait]
impl Errand for Delivery {
    fn name(&self) -> &str {
        QUEUE
    }

    fn words(&self) -> (&'static str, &'static str) {
        ("a letter", "doorbook mail list")
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }

    fn bounds(&self) -> Option<Waiting> {
        None
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }

    fn pause(&self, tries: u32) -> Duration {
        let place = usize::try_from(tries).unwrap_or(usize::MAX);
        PAUSES.get(place).or(PAUSES.last()).copied().unwrap_or(PATIENCE)
    }

    fn concerns(&self, recorded: &Recorded) -> bool {
        recorded.recorded_at >= self.clock.now().minus(PATIENCE) && self.letters.concerns(recorded)
    }

    async fn attempt(&self, row: &Queued, recorded: &Recorded) -> Result<Outcome, Fault> {
        let making = self.post.making().await?;
        let letters = self.letters.letters(recorded).await?;
        let Some(number) = row.slot.letter else {
            let count = u32::try_from(letters.len()).unwrap_or(u32::MAX);
            self.keyring.queue(QUEUE).spread(row, count).await?;
            return Ok(Outcome::Spread);
        };
        let wanted = usize::try_from(number).unwrap_or(usize::MAX);
        let now = self.clock.now();
        let Some(addressed) = letters.into_iter().nth(wanted) else {
            return Ok(Outcome::Dropped);
        };
        if addressed.letter.until().is_some_and(|until| until <= now) {
            tracing::info!(position = %row.slot.position, letter = addressed.letter.name(), "not sent: its link is dead");
            return Ok(Outcome::Dropped);
        }
        let sent = self.post.send(&addressed, now).await;
        drop(making);
        Ok(match sent {
            Ok(()) => Outcome::Sent,
            Err(Undelivered::Never(reason)) => Outcome::Parked(reason),
            Err(Undelivered::NotNow(reason)) => Outcome::Later {
                reason,
                after: Duration::ZERO,
            },
        })
    }
}
