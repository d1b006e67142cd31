//! Searching the log itself, newest first. The audit trail says where to look; what stands there is looked at again.

use doorbook_domain::time::Timestamp;
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    audit::{EventFilter, EventRecord},
    export::{Instant, Json},
};
use doorbook_projections::{
    fault::Fault,
    log::{Metadata, Position, Recorded},
    trail::{self, BLOCK, Facet},
};
use serde_json::Value;
use std::time::Duration;

use crate::service::{Service, signup::field};

/// Events that are read at once where the whole log is walked.
const WINDOW: u64 = 256;
/// Blocks that are read at once.
const BLOCKS: u32 = 4;
/// Events that are looked at for one page: then it ends, short as it may be.
const MOST: usize = 8192;
/// Positions are given in the order of commits: an event may stand behind others that were recorded so much later.
const DISORDER: Duration = Duration::from_mins(5);

/// Where to look.
enum Source<'a> {
    /// Everywhere.
    Log,
    /// In one stream, which was read.
    Stream(Vec<Recorded>),
    /// Where the trail says.
    Facet(Facet<'a>),
}

/// What was read, newest first, and before which position to go on.
struct Chunk {
    events: Vec<Recorded>,
    rest: Option<Position>,
}

impl Service {
    pub(super) async fn find_events(
        &self,
        reader: &LiveSession,
        filter: &EventFilter,
        page: &PageRequest,
        origin: &Origin,
    ) -> Result<Page<EventRecord>, Refusal> {
        let cursor = position(page)?;
        self.has_all(trail::NAME).await?;
        let head = self.store.log().head().await?;
        self.note_reading(reader, "searchEvents", self.event_wish(filter).page(page), origin)
            .await?;
        let newest = Position::new(head.number().saturating_add(1));
        let before = cursor.map_or(newest, |cursor| cursor.min(newest));
        let limit = usize::from(page.limit);
        let (mut found, rest) = self.matching_events(filter, before, limit.saturating_add(1)).await?;
        let next = if found.len() > limit {
            found.get(limit.saturating_sub(1)).map(|last| last.position)
        } else {
            rest
        };
        found.truncate(limit);
        let mut items = Vec::with_capacity(found.len());
        for recorded in &found {
            items.push(self.event_record(recorded).await?);
        }
        Ok(Page {
            items,
            next_cursor: next.map(|next| next.to_string()),
        })
    }

    /// At least `want` events that fit, unless there are fewer; and where to go on where the rest has to wait.
    async fn matching_events(
        &self,
        filter: &EventFilter,
        before: Position,
        want: usize,
    ) -> Result<(Vec<Recorded>, Option<Position>), Fault> {
        let lowest = match filter.from {
            Some(from) => self.first_since(from.minus(DISORDER)).await?,
            None => Position::START,
        };
        let mut at = match filter.to {
            Some(to) => before.min(self.first_since(to.plus(DISORDER)).await?),
            None => before,
        };
        let mut source = self.source(filter).await?;
        let (mut found, mut seen) = (Vec::new(), 0);
        loop {
            let Chunk { events, rest } = self.chunk(&mut source, at).await?;
            seen += events.len();
            found.extend(events.into_iter().filter(|recorded| fits(filter, recorded)));
            match rest.filter(|rest| *rest > lowest) {
                Some(rest) if found.len() < want => at = rest,
                Some(_) | None => return Ok((found, None)),
            }
            if seen >= MOST {
                return Ok((found, Some(at)));
            }
        }
    }

    async fn source<'a>(&self, filter: &'a EventFilter) -> Result<Source<'a>, Fault> {
        if let Some(stream) = &filter.stream {
            let (aggregate, id) = stream.split_once('-').unwrap_or((stream, ""));
            let events = self.store.log().stream(aggregate, id, 0).await?;
            return Ok(Source::Stream(events));
        }
        let event_type = filter.event_type.as_deref().map(Facet::Type);
        let actor = filter.actor.as_deref().map(Facet::Actor);
        // What is rare leads: each of its positions is known.
        let rare = [actor, event_type]
            .into_iter()
            .flatten()
            .find(|facet| !facet.is_everyday());
        Ok(rare.or(event_type).or(actor).map_or(Source::Log, Source::Facet))
    }

    async fn chunk(&self, source: &mut Source<'_>, before: Position) -> Result<Chunk, Fault> {
        match source {
            Source::Log => {
                let after = Position::new(before.number().saturating_sub(1).saturating_sub(WINDOW));
                let events = self.between(after, before).await?;
                let rest = (after > Position::START).then(|| Position::new(after.number().saturating_add(1)));
                Ok(Chunk { events, rest })
            }
            Source::Stream(events) => {
                let mut events = std::mem::take(events);
                // What has no position yet comes with the next question.
                events.retain(|recorded| recorded.position > Position::START && recorded.position < before);
                events.reverse();
                Ok(Chunk { events, rest: None })
            }
            Source::Facet(facet) if facet.is_everyday() => self.blocks(*facet, before).await,
            Source::Facet(facet) => self.positions(*facet, before).await,
        }
    }

    async fn blocks(&self, facet: Facet<'_>, before: Position) -> Result<Chunk, Fault> {
        let blocks = trail::before(&self.engine.reads(), facet, before, BLOCKS).await?;
        let mut events = Vec::new();
        for block in &blocks {
            let after = Position::new(block.number().saturating_sub(1));
            let end = Position::new(block.number().saturating_add(BLOCK));
            events.extend(self.between(after, end.min(before)).await?);
        }
        Ok(Chunk {
            events,
            rest: blocks.last().copied(),
        })
    }

    async fn positions(&self, facet: Facet<'_>, before: Position) -> Result<Chunk, Fault> {
        const AT_ONCE: u32 = 64;
        let positions = trail::before(&self.engine.reads(), facet, before, AT_ONCE).await?;
        let mut events = Vec::with_capacity(positions.len());
        for position in &positions {
            let after = Position::new(position.number().saturating_sub(1));
            events.extend(self.store.log().read(after, 1).await?);
        }
        Ok(Chunk {
            events,
            rest: positions.last().copied(),
        })
    }

    /// What stands after `after` and before `before`, newest first.
    async fn between(&self, after: Position, before: Position) -> Result<Vec<Recorded>, Fault> {
        let count = before.number().saturating_sub(after.number()).saturating_sub(1);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut events = self.store.log().read(after, count).await?;
        events.retain(|recorded| recorded.position < before);
        events.reverse();
        Ok(events)
    }

    /// The first position whose event was recorded at the instant or later, by bisection; behind the last where there is
    /// none.
    async fn first_since(&self, at: Timestamp) -> Result<Position, Fault> {
        let log = self.store.log();
        let (mut low, mut high) = (1, log.head().await?.number().saturating_add(1));
        while low < high {
            let middle = low.midpoint(high);
            let event = log.read(Position::new(middle.saturating_sub(1)), 1).await?;
            match event.first() {
                Some(recorded) if recorded.recorded_at < at => low = middle.saturating_add(1),
                Some(_) | None => high = middle,
            }
        }
        Ok(Position::new(low))
    }

    async fn event_record(&self, recorded: &Recorded) -> Result<EventRecord, Fault> {
        let metadata = metadata(recorded);
        Ok(EventRecord {
            position: recorded.position.to_string(),
            stream: format!("{}-{}", recorded.aggregate, recorded.stream_id),
            sequence: recorded.sequence,
            r#type: recorded.event_type.to_string(),
            actor: metadata.as_ref().and_then(|metadata| metadata.actor.clone()),
            request_id: metadata.and_then(|metadata| metadata.request_id),
            recorded_at: Instant(recorded.recorded_at),
            data: Json(Value::Object(self.opened_fields(recorded).await?)),
        })
    }
}

fn metadata(recorded: &Recorded) -> Option<Metadata> {
    serde_json::from_str(&recorded.metadata).ok()
}

fn fits(filter: &EventFilter, recorded: &Recorded) -> bool {
    let of_type = filter
        .event_type
        .as_deref()
        .is_none_or(|wanted| *recorded.event_type == *wanted);
    let by = |wanted: &str| metadata(recorded).and_then(|metadata| metadata.actor).as_deref() == Some(wanted);
    of_type
        && filter.from.is_none_or(|from| recorded.recorded_at >= from)
        && filter.to.is_none_or(|to| recorded.recorded_at < to)
        && filter.actor.as_deref().is_none_or(by)
}

/// A cursor is the position of the last event of the page before.
fn position(page: &PageRequest) -> Result<Option<Position>, Refusal> {
    let read = page.cursor.as_deref().map(str::parse).transpose();
    read.map_err(|_| {
        let message = "take `next_cursor` of the page before, unchanged";
        Refusal::Invalid(vec![field("cursor", "not_a_cursor", message)])
    })
}
