use doorbook_domain::id::SessionId;
use poem_openapi::{Object, OpenApi};
use uuid::Uuid;

use super::Tag;
use crate::{
    app::{LoginEntry, SessionEntry},
    caller::{Actor, Reader},
    checked::{Checked, page},
    param::{Cursor, ExceptCurrent, Limit, Path, Query},
    problem::Kind,
    refused::{READ, Refused, WRITE, kinds},
    reply::{Done, Reply},
    scalar::Instant,
};

/// One session of a user.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SessionItem {
    /// Names the session.
    id: Uuid,
    /// Whether it is the session that asks.
    current: bool,
    /// When it started.
    started_at: Instant,
    /// When it was last seen in use, roughly.
    last_seen_at: Instant,
    /// Dead from then on, unless used or refreshed.
    idle_expires_at: Instant,
    /// Dead from then on.
    expires_at: Instant,
    /// How it was opened: `password`, `social`.
    method: String,
    /// The identity provider that it was opened by: `github`.
    provider: Option<String>,
    /// From where.
    ip: Option<String>,
    /// With what.
    user_agent: Option<String>,
}

impl SessionItem {
    pub(super) fn new(entry: SessionEntry, own: SessionId) -> Self {
        Self {
            id: entry.id.0,
            current: entry.id == own,
            started_at: Instant(entry.started_at),
            last_seen_at: Instant(entry.last_seen_at),
            idle_expires_at: Instant(entry.idle_until),
            expires_at: Instant(entry.absolute_until),
            method: entry.method,
            provider: entry.provider,
            ip: entry.ip,
            user_agent: entry.user_agent,
        }
    }
}

/// A page of sessions, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct SessionPage {
    /// Newest first.
    pub(super) items: Vec<SessionItem>,
    /// For the next page; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// A login of the user, or an attempt.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct LoginItem {
    /// Names the row.
    id: String,
    /// When.
    at: Instant,
    /// `success` or `failure`.
    outcome: String,
    /// Why it failed.
    reason: Option<String>,
    /// `password`, `social`.
    method: String,
    /// The identity provider, where there is one: `github`.
    provider: Option<String>,
    /// From where.
    ip: Option<String>,
    /// With what.
    user_agent: Option<String>,
    /// The session that it opened.
    session_id: Option<Uuid>,
    /// When that session ended, where it did.
    ended_at: Option<Instant>,
    /// How it ended: `logged_out`, `revoked`, `replaced`, `expired` ….
    end_reason: Option<String>,
}

impl From<LoginEntry> for LoginItem {
    fn from(entry: LoginEntry) -> Self {
        Self {
            id: entry.id,
            at: Instant(entry.at),
            outcome: entry.outcome,
            reason: entry.reason,
            method: entry.method,
            provider: entry.provider,
            ip: entry.ip,
            user_agent: entry.user_agent,
            session_id: entry.session.map(|session| session.0),
            ended_at: entry.ended_at.map(Instant),
            end_reason: entry.end_reason,
        }
    }
}

/// A page of a login history, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct LoginPage {
    /// Newest first.
    items: Vec<LoginItem>,
    /// For the next page; absent on the last.
    next_cursor: Option<String>,
}

pub(crate) struct Sessions;

#[OpenApi(prefix_path = "/api", tag = "Tag::Sessions")]
impl Sessions {
    /// List my sessions
    ///
    /// Those that live, newest first.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessions")]
    async fn list(
        &self,
        reader: Reader,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<SessionPage>, Refused<{ READ | kinds(&[Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = reader.call.gate().app.sessions(reader.session.user, page).await?;
        let own = reader.session.id;
        let items = page
            .items
            .into_iter()
            .map(|entry| SessionItem::new(entry, own))
            .collect();
        Ok(Reply::json(&SessionPage {
            items,
            next_cursor: page.next_cursor,
        }))
    }

    /// End one of my sessions
    ///
    /// Where it is the session that asks, this is as a logout. For any other it needs a proof of who asks from the last five
    /// minutes.
    #[oai(path = "/sessions/:id", method = "delete", operation_id = "revokeSession")]
    async fn revoke(
        &self,
        actor: Actor,
        /// The session.
        id: Path<SessionId>,
    ) -> Result<
        Done,
        Refused<{ READ | WRITE | kinds(&[Kind::ReauthenticationRequired, Kind::NotFound, Kind::Conflict]) }>,
    > {
        let gate = actor.call.gate();
        gate.app.revoke(&actor.session, id.0, &actor.call.origin).await?;
        if id.0 != actor.session.id {
            return Ok(Done::default());
        }
        Ok(Done::default().headers(gate.farewell()))
    }

    /// End all my other sessions
    ///
    /// The session that asks gets a new cookie; the old one is dead. Needs a proof of who asks from the last five minutes.
    #[oai(path = "/sessions", method = "delete", operation_id = "revokeOtherSessions")]
    async fn revoke_others(
        &self,
        actor: Actor,
        /// Which session is to stay.
        #[oai(name = "except")]
        _except: Query<ExceptCurrent>,
    ) -> Result<Done, Refused<{ READ | WRITE | kinds(&[Kind::ReauthenticationRequired, Kind::Invalid, Kind::Conflict]) }>>
    {
        let gate = actor.call.gate();
        let opened = gate.app.revoke_others(&actor.session, &actor.call.origin).await?;
        Ok(Done::default()
            .cookie(gate.session_cookie(&opened))
            .cookie(gate.device_cookie(&opened)))
    }

    /// List my logins
    ///
    /// Successes and failures, and how each session ended.
    #[oai(path = "/me/logins", method = "get", operation_id = "listMyLogins")]
    async fn logins(
        &self,
        reader: Reader,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<LoginPage>, Refused<{ READ | kinds(&[Kind::Invalid]) }>> {
        let page = page(cursor, limit)?;
        let page = reader.call.gate().app.logins(reader.session.user, page).await?;
        let items = page.items.into_iter().map(LoginItem::from).collect();
        Ok(Reply::json(&LoginPage {
            items,
            next_cursor: page.next_cursor,
        }))
    }
}
