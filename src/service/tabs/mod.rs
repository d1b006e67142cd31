//! Pages that follow their session: what they hear, how many there may be, and when they are sent away. Files on their way
//! to somebody have places beside theirs.
//!
//! A [`page::Page`] is woken by the session directory and asks it anew; it keeps what it has told and nothing else, so
//! that a page that reads slowly costs no memory. It asks SQL only when the session is over, for the reason.

mod page;
mod seats;

use std::{sync::Arc, time::Duration};

use doorbook_domain::id::{SessionId, UserId};
use doorbook_openapi::app::{Refusal, Tab};
use rustix::process::{Resource, getrlimit};
use tokio_util::sync::CancellationToken;

use self::{page::Page, seats::Seats};
use super::{Service, token::Tokens};

/// Most pages of one session. Browsers open six connections to a host over HTTP/1.1, and a hundred streams over HTTP/2.
const PER_SESSION: usize = 16;
/// Most pages of one user.
const PER_USER: usize = 64;
/// Most pages of this node, however many descriptors it may have.
const ON_NODE: usize = 16_384;
/// Most files of one user that are on their way at a time.
const EXPORTS_PER_USER: usize = 2;
/// Most files that are on their way on this node: each holds some ten thousand rows in memory.
const EXPORTS_ON_NODE: usize = 8;
/// When to come again where the user has too many.
const LATER: Duration = Duration::from_secs(30);
/// When to come again where the node has too many, or is about to stop.
const SOON: Duration = Duration::from_secs(5);

/// Every page that follows its session on this node.
#[derive(Clone)]
pub(super) struct Tabs {
    seats: Arc<Seats>,
    exports: Arc<Seats>,
    closing: CancellationToken,
}

impl Tabs {
    pub(super) fn new() -> Self {
        Self {
            seats: Arc::new(Seats::new(room(), PER_USER, PER_SESSION)),
            exports: Arc::new(Seats::new(EXPORTS_ON_NODE, EXPORTS_PER_USER, EXPORTS_PER_USER)),
            closing: CancellationToken::new(),
        }
    }

    /// Is cancelled when the service is about to stop.
    pub(super) const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// A place for something else that a session follows, until it is dropped.
    pub(super) fn place(&self, session: SessionId, user: UserId) -> Result<Box<dyn Send + Sync>, Refusal> {
        Ok(Box::new(self.seat(&self.seats, session, user)?))
    }

    /// A place for a file on its way to a session, until it is dropped.
    pub(super) fn place_for_export(&self, session: SessionId, user: UserId) -> Result<Box<dyn Send + Sync>, Refusal> {
        Ok(Box::new(self.seat(&self.exports, session, user)?))
    }

    fn seat(&self, seats: &Arc<Seats>, session: SessionId, user: UserId) -> Result<seats::Seat, Refusal> {
        if self.closing.is_cancelled() {
            return Err(Refusal::Busy(SOON));
        }
        Seats::take(seats, session, user).map_err(|full| match full {
            seats::Full::Node => Refusal::Busy(SOON),
            seats::Full::User => Refusal::Throttled(LATER),
        })
    }
}

/// Half of the descriptors that this process may open: the other half is for everything else.
fn room() -> usize {
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(descriptors / 2).unwrap_or(ON_NODE).min(ON_NODE)
}

impl Service {
    /// Follows the session of a cookie.
    pub(super) async fn follow_session(&self, cookie: &str) -> Result<Box<dyn Tab>, Refusal> {
        let presented = Tokens::parse(cookie).filter(|presented| self.tokens.wrote(presented));
        let presented = presented.ok_or(Refusal::NotSignedIn)?;
        let (id, now) = (presented.id, self.clock.now());
        let live = self.directory.resolve(id, &presented.secret, now).await?;
        let live = live.ok_or(Refusal::NotSignedIn)?;
        let seat = self.tabs.seat(&self.tabs.seats, id, live.user)?;
        // Listens first and asks again: what happened in between is not missed.
        let ear = self.directory.listen(id, live.user);
        let live = self.directory.resolve(id, &presented.secret, now).await?;
        let live = live.ok_or(Refusal::NotSignedIn)?;
        if !self.directory.is_trusted(now) {
            return Err(Refusal::Busy(SOON));
        }
        let (parts, closing) = (Arc::clone(&self.parts), self.tabs.closing.clone());
        Ok(Box::new(Page::new(parts, ear, seat, closing, live, presented.secret)))
    }

    /// How many pages follow their session now.
    #[must_use]
    pub fn tabs_open(&self) -> usize {
        self.tabs.seats.taken()
    }

    /// Sends every page away and lets none in: the first thing at shutdown, which would else wait for them.
    pub fn close_tabs(&self) {
        self.tabs.closing.cancel();
    }
}
