//! The book: what auditors ask, answered from read models and from the log, opened row by row.
//!
//! * `reading` records every question before it is answered.
//! * `logins` searches the history, `records` opens what it finds, `export` hands all of it out.
//! * `past` tells who was signed in at an instant, and who a user was.
//! * `events` searches the log itself.

mod client;
mod events;
mod export;
mod logins;
mod past;
mod reading;
mod records;

use async_trait::async_trait;
use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    audit::{Audit, EventFilter, EventRecord, LoginBatches, LoginFilter, LoginRecord, SessionRecord, UserRecord},
};

use super::Service;

#[async_trait]
impl Audit for Service {
    async fn search_logins(
        &self,
        reader: &LiveSession,
        filter: LoginFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<LoginRecord>, Refusal> {
        self.find_logins(reader, &filter, &page, origin).await
    }

    async fn export_logins(
        &self,
        reader: &LiveSession,
        filter: LoginFilter,
        format: &'static str,
        origin: &Origin,
    ) -> Result<Box<dyn LoginBatches>, Refusal> {
        self.hand_out_logins(reader, &filter, format, origin).await
    }

    async fn sessions_as_of(
        &self,
        reader: &LiveSession,
        at: Timestamp,
        user: Option<UserId>,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<SessionRecord>, Refusal> {
        self.sessions_at(reader, at, user, &page, origin).await
    }

    async fn user_as_of(
        &self,
        reader: &LiveSession,
        user: UserId,
        at: Option<Timestamp>,
        origin: &Origin,
    ) -> Result<UserRecord, Refusal> {
        self.user_at(reader, user, at, origin).await
    }

    async fn search_events(
        &self,
        reader: &LiveSession,
        filter: EventFilter,
        page: PageRequest,
        origin: &Origin,
    ) -> Result<Page<EventRecord>, Refusal> {
        self.find_events(reader, &filter, &page, origin).await
    }
}
