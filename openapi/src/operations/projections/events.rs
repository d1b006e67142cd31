//! Server-sent events of a run, and how they are documented.

use std::borrow::Cow;

use futures_util::{Stream, StreamExt as _, stream};
use poem::{
    IntoResponse, Response,
    web::sse::{Event, SSE},
};
use poem_openapi::{
    ApiResponse,
    registry::{MetaMediaType, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON as _, Type},
};

use super::items::Run;
use crate::{
    events::{HEARTBEAT, RETRY, one_event},
    reply,
    runs::{RunEntry, RunWatch},
};

/// The name of an event whose data is a run that goes on.
const PROGRESS: &str = "progress";
/// The name of the last event.
const ENDED: &str = "ended";

/// The events of one run, as long as there are any.
pub(super) struct RunEvents(pub(super) Box<dyn RunWatch>);

fn event(entry: RunEntry) -> Event {
    let run = Run::from(entry);
    let name = if run.state == "running" { PROGRESS } else { ENDED };
    Event::message(run.to_json_string()).event_type(name)
}

impl RunEvents {
    fn events(self) -> impl Stream<Item = Event> + Send {
        let entries = stream::unfold(self.0, async |mut watch| Some((watch.next().await?, watch)));
        stream::once(async { Event::retry(RETRY) }).chain(entries.map(event))
    }
}

impl IntoResponse for RunEvents {
    fn into_response(self) -> Response {
        SSE::new(self.events()).keep_alive(HEARTBEAT).into_response()
    }
}

impl ApiResponse for RunEvents {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType {
            content_type: "text/event-stream",
            schema: RunEvent::schema_ref(),
        }];
        reply::one(200, "Events, each as documented by its name in `event`", content)
    }

    fn register(registry: &mut Registry) {
        RunEvent::register(registry);
    }
}

/// One event of the stream: its name and the JSON of its data.
struct RunEvent;

impl Type for RunEvent {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "RunEvent".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference("RunEvent".to_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>("RunEvent".to_owned(), |registry| {
            Run::register(registry);
            let documented = [PROGRESS, ENDED].map(|name| one_event((name, Run::schema_ref())));
            MetaSchema {
                description: Some("One event of the stream: its name, and the JSON of its data."),
                one_of: documented.into(),
                ..MetaSchema::ANY
            }
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}
