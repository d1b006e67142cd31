//! From a command to committed events.

use std::{mem, time::Duration};

use cqrs_es::{
    Aggregate, AggregateError, EventStore,
    persist::{EventStoreAggregateContext, PersistedEventStore},
};
use doorbook_domain::decide::Decide;
use doorbook_projections::fault::Fault;

use super::{Appended, CommandMetadata, Committed, Failure, Loaded, repository::Repository};

/// How often a command is decided anew when another writer was faster. With jitter, eight writers on one stream
/// practically always get through.
const ATTEMPTS: u32 = 8;
/// Longest pause before the second attempt; doubles with each further one.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) async fn load<A>(repository: &Repository, id: &str) -> Result<Loaded<A>, Fault>
where
    A: Aggregate,
    A::Error: Send + Sync + 'static,
{
    let store = PersistedEventStore::<_, A>::new_event_store(repository.clone());
    let context = store
        .load_aggregate(id)
        .await
        .map_err(fault::<A>("cannot load a stream"))?;
    Ok(Loaded {
        sequence: sequence(&context)?,
        aggregate: context.aggregate,
    })
}

pub(super) async fn execute<A>(
    repository: &Repository,
    id: &str,
    command: A::Command,
    metadata: &CommandMetadata,
) -> Result<Committed<A, A::Event>, Failure<A::Error>>
where
    A: Decide,
    A::Command: Clone,
    A::Error: Send + Sync + 'static,
{
    let store = PersistedEventStore::<_, A>::new_event_store(repository.clone());
    for attempt in 0..ATTEMPTS {
        if attempt > 0 {
            tokio::time::sleep(pause(attempt)).await;
        }
        if let Some(committed) = once(&store, id, command.clone(), metadata).await? {
            return Ok(committed);
        }
    }
    Err(Failure::Conflict)
}

/// As [`execute`], of a stream whose id was made for this command: nothing is there to be loaded.
pub(super) async fn begin<A>(
    repository: &Repository,
    id: &str,
    command: A::Command,
    metadata: &CommandMetadata,
) -> Result<Committed<A, A::Event>, Failure<A::Error>>
where
    A: Decide,
    A::Error: Send + Sync + 'static,
{
    let store = PersistedEventStore::<_, A>::new_event_store(repository.clone());
    let nothing = EventStoreAggregateContext {
        aggregate_id: id.to_owned(),
        aggregate: A::default(),
        current_sequence: 0,
        current_snapshot: None,
    };
    let committed = commit(&store, nothing, command, metadata).await?;
    committed.ok_or(Failure::Conflict)
}

/// Loads, decides and commits; `None` when another writer was faster.
async fn once<A>(
    store: &PersistedEventStore<Repository, A>,
    id: &str,
    command: A::Command,
    metadata: &CommandMetadata,
) -> Result<Option<Committed<A, A::Event>>, Failure<A::Error>>
where
    A: Decide,
    A::Error: Send + Sync + 'static,
{
    let context = store
        .load_aggregate(id)
        .await
        .map_err(fault::<A>("cannot load a stream"))?;
    commit(store, context, command, metadata).await
}

/// Decides and commits; `None` when another writer was faster.
async fn commit<A>(
    store: &PersistedEventStore<Repository, A>,
    mut context: EventStoreAggregateContext<A>,
    command: A::Command,
    metadata: &CommandMetadata,
) -> Result<Option<Committed<A, A::Event>>, Failure<A::Error>>
where
    A: Decide,
    A::Error: Send + Sync + 'static,
{
    let before = sequence(&context)?;
    // An event store needs only the id and the sequence of the context that it is given back.
    let mut aggregate = mem::take(&mut context.aggregate);
    let events = aggregate.decide(command).map_err(Failure::Refused)?;
    if events.is_empty() {
        return Ok(Some(Committed {
            aggregate,
            sequence: before,
            events: Vec::new(),
        }));
    }
    let envelopes = match store.commit(events, context, metadata.to_map()).await {
        Ok(envelopes) => envelopes,
        Err(AggregateError::AggregateConflict) => return Ok(None),
        Err(error) => return Err(fault::<A>("cannot append to a stream")(error).into()),
    };
    let numbered = envelopes.into_iter().zip(before + 1..);
    let events: Vec<_> = numbered
        .map(|(envelope, sequence)| Appended {
            sequence,
            event: envelope.payload,
        })
        .collect();
    for appended in &events {
        aggregate.apply(appended.event.clone());
    }
    let sequence = events.last().map_or(before, |last| last.sequence);
    Ok(Some(Committed {
        aggregate,
        sequence,
        events,
    }))
}

fn sequence<A: Aggregate>(context: &EventStoreAggregateContext<A>) -> Result<u64, Fault> {
    u64::try_from(context.current_sequence).map_err(Fault::because("a stream is too long"))
}

fn pause(attempt: u32) -> Duration {
    let longest = PAUSE.saturating_mul(1 << attempt.min(8));
    rand::random_range(Duration::ZERO..=longest)
}

fn fault<A>(what: &'static str) -> impl FnOnce(AggregateError<A::Error>) -> Fault
where
    A: Aggregate,
    A::Error: Send + Sync + 'static,
{
    move |error| match error {
        AggregateError::DatabaseConnectionError(source)
        | AggregateError::DeserializationError(source)
        | AggregateError::UnexpectedError(source) => Fault::new(what, source),
        AggregateError::AggregateConflict | AggregateError::UserError(_) => Fault::plain(what),
    }
}
