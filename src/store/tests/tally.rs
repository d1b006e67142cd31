//! A small aggregate: a sum that never exceeds ten thousand.

use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use doorbook_domain::decide::Decide;
use serde::{Deserialize, Serialize};

/// The sum.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) sum: u32,
}

#[derive(Debug, Clone)]
pub(super) enum TallyCommand {
    /// Adds each as an event of its own.
    Add(Vec<u32>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum TallyEvent {
    Added { number: u32, text: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the sum would be too large")]
pub(super) struct TooLarge;

impl DomainEvent for TallyEvent {
    fn event_type(&self) -> String {
        "tally.added".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

impl Decide for Tally {
    fn decide(&self, TallyCommand::Add(numbers): TallyCommand) -> Result<Vec<TallyEvent>, TooLarge> {
        if self.sum + numbers.iter().sum::<u32>() > 10_000 {
            return Err(TooLarge);
        }
        let text = "ä\u{1F511} \" \\ \t\n".to_owned();
        let added = |number| TallyEvent::Added {
            number,
            text: text.clone(),
        };
        Ok(numbers.into_iter().map(added).collect())
    }
}

impl Aggregate for Tally {
    const TYPE: &'static str = "tally";

    type Command = TallyCommand;
    type Event = TallyEvent;
    type Error = TooLarge;
    type Services = ();

    async fn handle(&mut self, command: TallyCommand, (): &(), sink: &EventSink<Self>) -> Result<(), TooLarge> {
        for event in self.decide(command)? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, TallyEvent::Added { number, .. }: TallyEvent) {
        self.sum += number;
    }
}
