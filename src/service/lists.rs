//! What a user sees of its own sessions and logins: read models, caught up with the log as it was when asked.

use doorbook_domain::id::{SessionId, UserId};
use doorbook_openapi::app::{LoginEntry, Page, PageRequest, Refusal, SessionEntry};
use doorbook_projections::{
    cursor::Cursor,
    fault::Fault,
    keyring::Place,
    login_history::{self, LoginRow, Outcome},
    sessions::{self, SessionRow, Which},
};

use super::{Service, signup::field};

impl Service {
    pub(super) async fn list_sessions(&self, user: UserId, page: PageRequest) -> Result<Page<SessionEntry>, Refusal> {
        self.caught_up(sessions::NAME).await?;
        let after = start(&page)?;
        let which = Which::Live(self.clock.now());
        let rows = sessions::page(&self.engine.reads(), user, which, &after, one_more(&page)).await?;
        let (rows, next_cursor) = cut(rows, &page, SessionRow::cursor);
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.session_entry(row).await?);
        }
        Ok(Page { items, next_cursor })
    }

    pub(super) async fn session_entry(&self, row: SessionRow) -> Result<SessionEntry, Fault> {
        let stream = format!("session-{}", row.session_id);
        let place = Place {
            stream: &stream,
            event_type: sessions::ORIGIN_EVENT,
            field: "origin",
        };
        let whence = self.seals.open_origin(row.origin.as_ref(), &place).await?;
        Ok(SessionEntry {
            id: row.session_id,
            started_at: row.started_at,
            last_seen_at: row.last_seen_at,
            idle_until: row.idle_until,
            absolute_until: row.absolute_until,
            method: row.method,
            provider: row.provider,
            ip: whence.ip,
            user_agent: whence.user_agent,
        })
    }

    pub(super) async fn list_logins(&self, user: UserId, page: PageRequest) -> Result<Page<LoginEntry>, Refusal> {
        self.caught_up(login_history::NAME).await?;
        self.caught_up(sessions::NAME).await?;
        let after = start(&page)?;
        let rows = login_history::of_user(&self.engine.reads(), user, &after, one_more(&page)).await?;
        let (rows, next_cursor) = cut(rows, &page, LoginRow::cursor);
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.login_entry(row).await?);
        }
        Ok(Page { items, next_cursor })
    }

    pub(super) async fn login_entry(&self, row: LoginRow) -> Result<LoginEntry, Fault> {
        let place = Place {
            stream: row.stream(),
            event_type: row.event_type(),
            field: "origin",
        };
        let whence = self.seals.open_origin(row.origin.as_ref(), &place).await?;
        let session = row.session();
        let mut entry = LoginEntry {
            id: row.entry,
            at: row.at,
            outcome: "failure".to_owned(),
            reason: None,
            failures: None,
            method: row.outcome.method().to_owned(),
            provider: None,
            ip: whence.ip,
            user_agent: whence.user_agent,
            session: None,
            ended_at: None,
            end_reason: None,
        };
        match row.outcome {
            Outcome::Success { provider, .. } => {
                "success".clone_into(&mut entry.outcome);
                entry.provider = provider;
                entry.session = session;
                if let Some(session) = session {
                    (entry.ended_at, entry.end_reason) = self.end_of(session).await?;
                }
            }
            Outcome::Failure { reason, provider, .. } => {
                entry.reason = Some(reason);
                entry.provider = provider;
            }
            Outcome::Failures { provider, count, .. } => {
                entry.provider = provider;
                entry.reason = Some("several".to_owned());
                entry.failures = Some(count);
            }
        }
        Ok(entry)
    }

    /// When and how a session ended: by an event, with all sessions of its user, or by a deadline that has passed.
    pub(super) async fn end_of(
        &self,
        session: SessionId,
    ) -> Result<(Option<doorbook_domain::time::Timestamp>, Option<String>), Fault> {
        let Some(row) = sessions::find(&self.engine.reads(), session).await? else {
            return Ok((None, None));
        };
        let now = self.clock.now();
        let deadline = row.idle_until.min(row.absolute_until);
        Ok(match row.ended {
            Some(ended) if ended.at <= deadline => (Some(ended.at), Some(ended.reason)),
            _ if deadline <= now => (Some(deadline), Some("expired".to_owned())),
            _ => (None, None),
        })
    }
}

pub(super) fn start(page: &PageRequest) -> Result<Cursor, Refusal> {
    match page.cursor.as_deref().map(str::parse) {
        None => Ok(Cursor::start()),
        Some(Ok(cursor)) => Ok(cursor),
        Some(Err(_)) => Err(Refusal::Invalid(vec![field(
            "cursor",
            "not_a_cursor",
            "take `next_cursor` of the page before, unchanged",
        )])),
    }
}

/// One row more than asked for tells whether there is a next page.
pub(super) fn one_more(page: &PageRequest) -> u32 {
    u32::from(page.limit).saturating_add(1)
}

pub(super) fn cut<T>(mut rows: Vec<T>, page: &PageRequest, cursor: impl Fn(&T) -> Cursor) -> (Vec<T>, Option<String>) {
    let more = rows.len() > usize::from(page.limit);
    rows.truncate(usize::from(page.limit));
    let next = rows.last().filter(|_| more).map(|last| cursor(last).to_string());
    (rows, next)
}
