//! A page that follows its session.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::Caller;

/// Longest wait for something that does come.
const PATIENCE: Duration = Duration::from_secs(30);

/// An event: name and data.
pub(crate) type Event = (String, Value);

/// An open stream of events.
pub(crate) struct Follower {
    response: Response,
    unread: String,
}

impl Follower {
    /// Opens one, which must greet.
    pub(crate) async fn of(caller: &Caller) -> Self {
        let mut follower = Self::opened(caller, "/api/session/events").await;
        let (name, session) = follower.next().await.expect("a greeting");
        assert_eq!(name, "connected");
        assert_eq!(session["authenticated"], true);
        follower
    }

    /// Opens another stream of events.
    pub(crate) async fn opened(caller: &Caller, path: &str) -> Self {
        let response = caller.request(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            response,
            unread: String::new(),
        }
    }

    /// The next block as it is written; `None` at the end of the stream.
    pub(crate) async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.unread.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.unread = rest;
                return Some(block);
            }
            // A stream that is cut off ends, too.
            let chunk = timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("something, or the end").unwrap_or_default()?;
            self.unread.push_str(str::from_utf8(&chunk).unwrap());
        }
    }

    /// The next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let block = self.block().await?;
            if let Some(event) = block.strip_prefix("event: ") {
                let (name, data) = event.split_once("\ndata: ").unwrap();
                return Some((name.to_owned(), serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The next event of this name.
    pub(crate) async fn until(&mut self, name: &str) -> Value {
        loop {
            let (named, data) = self.next().await.unwrap_or_else(|| panic!("no `{name}` came"));
            if named == name {
                return data;
            }
        }
    }

    /// Asserts that the session is over for this reason, and that nothing follows.
    pub(crate) async fn is_signed_out(&mut self, reason: &str) {
        assert_eq!(self.until("signed-out").await["reason"], reason);
        assert_eq!(self.next().await, None, "that was the last event");
    }
}
