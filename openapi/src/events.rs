//! Server-sent events of a session, and how they are documented.

use std::{borrow::Cow, time::Duration};

use futures_util::{Stream, StreamExt as _, stream};
use poem::{
    IntoResponse, Response,
    web::sse::{Event, SSE},
};
use poem_openapi::{
    ApiResponse, Object,
    registry::{MetaMediaType, MetaResponses, MetaSchema, MetaSchemaRef, Registry},
    types::{ToJSON as _, Type},
};

use crate::{
    app::{Notice, Tab},
    reply,
    schema::{Session, SessionInfo, User, session_info_json, session_json, user_json},
};

/// A comment is sent after so long without one: proxies and connections time out after a minute or more.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(20);
/// When a browser connects again, in milliseconds. After a change of the cookie, the answer that brings the new one must
/// have arrived first.
pub(crate) const RETRY: u64 = 1000;

/// Nobody is signed in any more.
#[derive(Object)]
struct SignedOutEvent {
    /// How the session ended, as in the history of logins: `logged_out`, `revoked`, `replaced`, `too_many`, `expired`,
    /// `password_changed`, `deactivated`, `erased` ….
    reason: String,
}

/// The session lives on.
#[derive(Object)]
struct SessionRefreshedEvent {
    /// Whether the session has got a new cookie: the stream ends, and is to be opened anew.
    reconnect: bool,
    /// The session as it is now; absent where it has got a new cookie.
    session: Option<SessionInfo>,
}

/// The name of an event, and the schema of its data.
fn documented() -> [(&'static str, MetaSchemaRef); 4] {
    [
        ("connected", Session::schema_ref()),
        ("session-refreshed", SessionRefreshedEvent::schema_ref()),
        ("user-changed", User::schema_ref()),
        ("signed-out", SignedOutEvent::schema_ref()),
    ]
}

fn event(notice: &Notice) -> Event {
    let (name, data) = match notice {
        Notice::Connected(live) => ("connected", text(session_json(live))),
        Notice::Refreshed(live) => {
            let session = text(session_info_json(live));
            (
                "session-refreshed",
                format!("{{\"reconnect\":false,\"session\":{session}}}"),
            )
        }
        Notice::Renewed => ("session-refreshed", "{\"reconnect\":true}".to_owned()),
        Notice::UserChanged(live) => ("user-changed", text(user_json(live))),
        Notice::SignedOut(reason) => {
            let reason = (*reason).to_owned();
            ("signed-out", SignedOutEvent { reason }.to_json_string())
        }
    };
    Event::message(data).event_type(name)
}

/// What was written from texts is text.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}

/// The events of one page, as long as there are any.
pub(crate) struct SessionEvents(Box<dyn Tab>);

impl SessionEvents {
    pub(crate) const fn new(tab: Box<dyn Tab>) -> Self {
        Self(tab)
    }

    fn events(self) -> impl Stream<Item = Event> + Send {
        let notices = stream::unfold(self.0, async |mut tab| Some((tab.next().await?, tab)));
        stream::once(async { Event::retry(RETRY) }).chain(notices.map(|notice| event(&notice)))
    }
}

impl IntoResponse for SessionEvents {
    fn into_response(self) -> Response {
        SSE::new(self.events()).keep_alive(HEARTBEAT).into_response()
    }
}

impl ApiResponse for SessionEvents {
    fn meta() -> MetaResponses {
        let content = vec![MetaMediaType {
            content_type: "text/event-stream",
            schema: SessionEvent::schema_ref(),
        }];
        reply::one(200, "Events, each as documented by its name in `event`", content)
    }

    fn register(registry: &mut Registry) {
        SessionEvent::register(registry);
    }
}

/// One event of the stream: its name and the JSON of its data.
struct SessionEvent;

impl Type for SessionEvent {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "SessionEvent".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference("SessionEvent".to_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>("SessionEvent".to_owned(), |registry| {
            Session::register(registry);
            SessionRefreshedEvent::register(registry);
            User::register(registry);
            SignedOutEvent::register(registry);
            MetaSchema {
                description: Some("One event of the stream: its name, and the JSON of its data."),
                one_of: documented().into_iter().map(one_event).collect(),
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

pub(crate) fn one_event((name, data): (&'static str, MetaSchemaRef)) -> MetaSchemaRef {
    let event = MetaSchema {
        enum_items: vec![name.into()],
        ..MetaSchema::new("string")
    };
    MetaSchemaRef::Inline(Box::new(MetaSchema {
        required: vec!["event", "data"],
        properties: vec![("event", MetaSchemaRef::Inline(Box::new(event))), ("data", data)],
        ..MetaSchema::new("object")
    }))
}
