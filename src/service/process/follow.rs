//! How a follower gets on.

use std::{sync::Arc, time::Duration};

use doorbook_projections::{
    fault::Fault,
    log::{Position, Recorded},
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Reaction;
use crate::{
    keys::{Parked, Progress},
    rest::{POLL, rest},
    service::Service,
};

/// Events that are read at once.
pub(super) const BATCH: usize = 512;
/// The pause after the first failure; doubles with each further one, so that a minute passes before an event is parked.
const RETRY: Duration = Duration::from_secs(2);
/// How often an event is tried while the others wait for it.
const TRIES: u32 = 6;
/// How often a follower that waits for an event to ripen looks whether it should stop, and how time has moved.
const RIPENING: Duration = Duration::from_mins(1);
/// How often parked events are tried again.
const SECOND_CHANCE: Duration = Duration::from_hours(1);

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// There may be more.
    Moved,
    /// Everything was dealt with.
    AtHead,
    /// The next event may be acted on after so long.
    Unripe(Duration),
}

/// Follows the log until cancelled.
pub async fn follow(service: Service, reaction: &dyn Reaction, cancel: CancellationToken) {
    let mut follower = Follower::new(&service, reaction);
    let mut wake = service.store.log().wake();
    let mut again = Instant::now();
    while !cancel.is_cancelled() {
        if Instant::now() >= again {
            follower.retry_parked().await;
            again = Instant::now() + SECOND_CHANCE;
        }
        let pause = match follower.step(&cancel).await {
            Ok(Step::Moved) => continue,
            Ok(Step::AtHead) => POLL,
            Ok(Step::Unripe(wait)) => wait.min(RIPENING),
            Err(fault) => {
                tracing::error!(error = fault.cause(), process = reaction.name(), "will be tried again");
                follower.pause()
            }
        };
        rest(pause, &mut wake, &cancel).await;
    }
    follower.keep().await;
}

/// One follower and the event that holds it up, if one does.
pub(super) struct Follower<'a> {
    service: &'a Service,
    reaction: &'a dyn Reaction,
    /// None until it is known, and after a failure.
    progress: Option<Progress>,
    failing: Option<Position>,
    failures: u32,
}

impl<'a> Follower<'a> {
    pub(super) const fn new(service: &'a Service, reaction: &'a dyn Reaction) -> Self {
        Self {
            service,
            reaction,
            progress: None,
            failing: None,
            failures: 0,
        }
    }

    /// Deals with the next events.
    pub(super) async fn step(&mut self, cancel: &CancellationToken) -> Result<Step, Fault> {
        let keyring = Arc::clone(&self.service.keyring);
        let mut progress = match self.progress.take() {
            Some(progress) => progress,
            None => Progress::load(&keyring, self.reaction.name()).await?,
        };
        let events = self.service.store.log().follow(progress.at(), BATCH).await?;
        let mut step = if events.is_empty() { Step::AtHead } else { Step::Moved };
        let (mut acted, mut outcome) = (false, Ok(()));
        for recorded in &events {
            if self.reaction.concerns(&recorded.event_type) {
                let unripe = self.reaction.ripe_at(recorded).since(self.service.clock.now());
                if !unripe.is_zero() {
                    step = Step::Unripe(unripe);
                    break;
                }
                acted = true;
                outcome = self.attend(recorded).await;
                if outcome.is_err() {
                    break;
                }
            }
            progress.pass(recorded.position);
            if cancel.is_cancelled() {
                break;
            }
        }
        if acted || progress.is_due() {
            progress.keep(&keyring).await?;
        }
        self.service.followers.set(self.reaction.name(), |figure| {
            figure.position = progress.at();
            figure.waits = matches!(step, Step::Unripe(_));
        });
        self.progress = Some(progress);
        outcome.map(|()| step)
    }

    /// Keeps what was passed since it was last kept.
    async fn keep(&mut self) {
        let Some(progress) = &mut self.progress else { return };
        if let Err(fault) = progress.keep(&self.service.keyring).await {
            let name = self.reaction.name();
            tracing::warn!(
                error = fault.cause(),
                process = name,
                "the next start passes some events again"
            );
        }
    }

    /// Acts on the event, or parks it when that failed too often.
    async fn attend(&mut self, recorded: &Recorded) -> Result<(), Fault> {
        let fault = match self.reaction.react(self.service, recorded).await {
            Ok(()) => {
                (self.failing, self.failures) = (None, 0);
                return Ok(());
            }
            Err(fault) => fault,
        };
        if self.failing != Some(recorded.position) {
            (self.failing, self.failures) = (Some(recorded.position), 0);
        }
        self.failures += 1;
        if self.failures < TRIES {
            return Err(fault);
        }
        self.park(recorded.position, &fault).await?;
        (self.failing, self.failures) = (None, 0);
        Ok(())
    }

    async fn park(&self, position: Position, fault: &Fault) -> Result<(), Fault> {
        let name = self.reaction.name();
        tracing::error!(error = fault.cause(), process = name, %position, "parked: it is tried again every hour");
        let parked = Parked {
            position,
            reason: fault.to_string(),
            since: self.service.clock.now(),
        };
        self.service.keyring.park(name, &parked).await?;
        self.service.followers.set(name, |figure| figure.parked += 1);
        Ok(())
    }

    /// Gives every parked event another try.
    pub(super) async fn retry_parked(&self) {
        let name = self.reaction.name();
        match self.try_parked().await {
            Ok(left) => self.service.followers.set(name, |figure| figure.parked = left),
            Err(fault) => tracing::error!(
                error = fault.cause(),
                process = name,
                "parked events were not tried again"
            ),
        }
    }

    async fn try_parked(&self) -> Result<usize, Fault> {
        let name = self.reaction.name();
        let parked = self.service.keyring.parked(name).await?;
        let mut left = 0;
        for Parked { position, .. } in parked {
            let before = Position::new(position.number().saturating_sub(1));
            let events = self.service.store.log().read(before, 1).await?;
            let tried = match events.first() {
                Some(recorded) if recorded.position == position => self.reaction.react(self.service, recorded).await,
                Some(_) | None => Ok(()),
            };
            match tried {
                Ok(()) => self.service.keyring.unpark(name, position).await?,
                Err(fault) => {
                    tracing::error!(error = fault.cause(), process = name, %position, "still parked");
                    left += 1;
                }
            }
        }
        Ok(left)
    }

    fn pause(&self) -> Duration {
        RETRY * 2_u32.saturating_pow(self.failures.saturating_sub(1).min(TRIES))
    }
}
