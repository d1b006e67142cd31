//! Given a history, when a command comes, then these events, or this refusal.

use std::fmt;

use cqrs_es::{Aggregate, DomainEvent};
use uuid::Uuid;

use crate::{
    decide::Decide,
    event::Event,
    id::UserId,
    seal::{ClaimId, Sealed, SecretHash},
    time::Timestamp,
};

/// 2026-01-02T03:04:05Z.
pub(crate) const T0: Timestamp = Timestamp::from_micros(1_767_323_045_000_000);
pub(crate) const ADA: UserId = UserId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0ada));
pub(crate) const BOB: UserId = UserId(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0b0b));

/// The instant `ms` milliseconds after [`T0`].
pub(crate) fn after_ms(ms: u64) -> Timestamp {
    T0.plus(std::time::Duration::from_millis(ms))
}

pub(crate) fn sealed(text: &str) -> Sealed {
    Sealed::new(format!("user-ada:{text}"))
}

pub(crate) fn claim_id(digit: char) -> ClaimId {
    ClaimId(format!("email-{}", digit.to_string().repeat(64)).into())
}

pub(crate) fn secret(byte: u8) -> SecretHash {
    SecretHash([byte; 32])
}

/// The state after `events`.
pub(crate) fn state<A: Aggregate>(events: impl IntoIterator<Item = A::Event>) -> A {
    events.into_iter().fold(A::default(), |mut state, event| {
        state.apply(event);
        state
    })
}

pub(crate) struct Given<A>(A);

pub(crate) fn given<A: Decide>(events: impl IntoIterator<Item = A::Event>) -> Given<A> {
    Given(state(events))
}

impl<A: Decide> Given<A> {
    pub(crate) fn when(self, command: impl Into<A::Command>) -> Decided<A> {
        Decided(self.0.decide(command.into()))
    }
}

pub(crate) struct Decided<A: Decide>(Result<Vec<A::Event>, A::Error>);

impl<A: Decide<Error: PartialEq>> Decided<A> {
    #[track_caller]
    pub(crate) fn then(self, events: impl IntoIterator<Item = A::Event>) {
        assert_eq!(self.0, Ok(events.into_iter().collect()));
    }

    #[track_caller]
    pub(crate) fn then_nothing(self) {
        self.then([]);
    }

    #[track_caller]
    pub(crate) fn then_refused(self, error: A::Error) {
        assert_eq!(self.0, Err(error));
    }
}

/// Runs `commands` one after the other, and returns the state and the history. Refused commands change nothing.
pub(crate) fn run<A: Decide>(commands: impl IntoIterator<Item = A::Command>) -> (A, Vec<A::Event>) {
    let mut state = A::default();
    let mut history = Vec::new();
    for command in commands {
        for event in state.decide(command).unwrap_or_default() {
            history.push(event.clone());
            state.apply(event);
        }
    }
    (state, history)
}

/// Asserts that the history of `commands`, stored and read back, gives the state that they left behind.
#[track_caller]
pub(crate) fn assert_replays<A>(commands: impl IntoIterator<Item = A::Command>)
where
    A: Decide + PartialEq + fmt::Debug,
    Event: From<A::Event>,
{
    let (left, history) = run::<A>(commands);
    let mut replayed = A::default();
    for event in history {
        let payload = serde_json::to_string(&event).unwrap();
        let read = Event::read(A::TYPE, &event.event_type(), &event.event_version(), &payload);
        assert_eq!(read, Ok(Event::from(event)));
        replayed.apply(serde_json::from_str(&payload).unwrap());
    }
    assert_eq!(replayed, left);
    let stored = serde_json::to_string(&left).unwrap();
    assert_eq!(serde_json::from_str::<A>(&stored).unwrap(), left);
}
