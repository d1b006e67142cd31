use std::net::IpAddr;

use doorbook_domain::{id::UserId, time::Timestamp};
use doorbook_projections::login_history::Won;
use poem_openapi::{Object, OpenApi};

use super::Tag;
use crate::{
    audit::{EventFilter, EventRecord, LoginFilter, LoginRecord, SessionRecord, UserRecord},
    caller::Auditor,
    checked::{Checked, Findings},
    formats::{Download, Format},
    param::{Cursor, Limit, Line, Path},
    problem::{Kind, Problem, field_error},
    refused::{ROLE, Refused, kinds},
    reply::Reply,
};

/// What may refuse a question: each is recorded, so they are counted.
const QUESTION: u64 = ROLE | kinds(&[Kind::Invalid, Kind::TooManyRequests]);

/// A page of logins, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditLoginPage {
    /// Newest first. There may be fewer than asked for, or none, and still a next page: rows whose address of the network
    /// turns out to be another are left out.
    items: Vec<LoginRecord>,
    /// For the next page; absent on the last. Good for ever.
    next_cursor: Option<String>,
}

/// A page of sessions that were alive, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditSessionPage {
    /// Newest first.
    items: Vec<SessionRecord>,
    /// For the next page; absent on the last. Good for ever.
    next_cursor: Option<String>,
}

/// A page of events, newest first.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct AuditEventPage {
    /// Newest first. There may be fewer than asked for, or none, and still a next page.
    items: Vec<EventRecord>,
    /// For the next page; absent on the last. Good for ever.
    next_cursor: Option<String>,
}

/// The parameters of a search, as they came.
struct LoginParams {
    user_id: Checked<Option<UserId>>,
    email: Checked<Option<Line>>,
    ip: Checked<Option<IpAddr>>,
    outcome: Checked<Option<Won>>,
    method: Checked<Option<Line>>,
    provider: Checked<Option<Line>>,
    reason: Checked<Option<Line>>,
    from: Checked<Option<Timestamp>>,
    to: Checked<Option<Timestamp>>,
}

impl LoginParams {
    fn read(self, findings: &mut Findings) -> LoginFilter {
        let filter = LoginFilter {
            user: findings.take(self.user_id).flatten(),
            email: line(findings.take(self.email).flatten()),
            ip: findings.take(self.ip).flatten(),
            outcome: findings.take(self.outcome).flatten(),
            method: line(findings.take(self.method).flatten()),
            provider: line(findings.take(self.provider).flatten()),
            reason: line(findings.take(self.reason).flatten()),
            from: findings.take(self.from).flatten(),
            to: findings.take(self.to).flatten(),
        };
        in_order(filter.from, filter.to, findings);
        filter
    }
}

fn line(read: Option<Line>) -> Option<String> {
    read.map(|line| line.0)
}

/// A span that ends before it begins holds nothing, and is most likely a slip.
fn in_order(from: Option<Timestamp>, to: Option<Timestamp>, findings: &mut Findings) {
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        findings.add(field_error("to", "before_from", "This must not be before `from`."));
    }
}

fn not_later(at: Timestamp, now: Timestamp) -> Result<(), Problem> {
    if at <= now {
        Ok(())
    } else {
        let error = field_error("as_of", "in_the_future", "This must not be in the future.");
        Err(Problem::invalid(vec![error]))
    }
}

pub(crate) struct AuditApi;

#[OpenApi(prefix_path = "/api/audit", tag = "Tag::Audit")]
impl AuditApi {
    /// Search logins
    ///
    /// Successes and failures, newest first: who, when, from where, how, and how the session ended. Filters combine. A row
    /// never changes its place, so a cursor is good for ever.
    #[expect(clippy::too_many_arguments, reason = "one for each filter of the contract")]
    #[oai(path = "/logins", method = "get", operation_id = "searchLogins")]
    async fn logins(
        &self,
        auditor: Auditor,
        /// Of this user.
        user_id: Checked<Option<UserId>>,
        /// At this address: its failures, and the successes of whoever held it then.
        email: Checked<Option<Line>>,
        /// From this address of the network, IPv4 or IPv6.
        ip: Checked<Option<IpAddr>>,
        /// `success` or `failure`.
        outcome: Checked<Option<Won>>,
        /// `password`, `social`.
        method: Checked<Option<Line>>,
        /// The identity provider: `github`.
        provider: Checked<Option<Line>>,
        /// Why it failed: `wrong_password`, `unknown_address`, `several` ….
        reason: Checked<Option<Line>>,
        /// Not before this instant.
        from: Checked<Option<Timestamp>>,
        /// Before this instant.
        to: Checked<Option<Timestamp>>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<AuditLoginPage>, Refused<{ QUESTION }>> {
        let params = LoginParams {
            user_id,
            email,
            ip,
            outcome,
            method,
            provider,
            reason,
            from,
            to,
        };
        let mut findings = Findings::default();
        let (filter, page) = (params.read(&mut findings), findings.page(cursor, limit));
        findings.settle()?;
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        let page = app.search_logins(&auditor.session, filter, page, origin).await?;
        Ok(Reply::json(&AuditLoginPage {
            items: page.items,
            next_cursor: page.next_cursor,
        }))
    }

    /// Export logins
    ///
    /// Every login that fits, newest first, as a file that is streamed. Needs a proof of who asks from the last five minutes.
    /// The stream breaks off without its end when the session dies or the role is taken away.
    ///
    /// `csv` is for spreadsheets: RFC 4180, UTF-8 without a byte order mark, and what a spreadsheet could take for a formula
    /// made inert by an apostrophe before it. `ndjson` is for programs: one JSON object a line, as `searchLogins` shows it,
    /// nothing changed. `ocsf` is for security lakes: one OCSF 1.3.0 Authentication event (class 3002) a line.
    #[expect(clippy::too_many_arguments, reason = "one for each filter of the contract")]
    #[oai(path = "/logins/export", method = "get", operation_id = "exportLogins")]
    async fn export(
        &self,
        auditor: Auditor,
        /// The form of the file.
        format: Checked<Format>,
        /// Of this user.
        user_id: Checked<Option<UserId>>,
        /// At this address: its failures, and the successes of whoever held it then.
        email: Checked<Option<Line>>,
        /// From this address of the network, IPv4 or IPv6.
        ip: Checked<Option<IpAddr>>,
        /// `success` or `failure`.
        outcome: Checked<Option<Won>>,
        /// `password`, `social`.
        method: Checked<Option<Line>>,
        /// The identity provider: `github`.
        provider: Checked<Option<Line>>,
        /// Why it failed: `wrong_password`, `unknown_address`, `several` ….
        reason: Checked<Option<Line>>,
        /// Not before this instant.
        from: Checked<Option<Timestamp>>,
        /// Before this instant.
        to: Checked<Option<Timestamp>>,
    ) -> Result<Download, Refused<{ QUESTION | kinds(&[Kind::ReauthenticationRequired, Kind::Busy]) }>> {
        let params = LoginParams {
            user_id,
            email,
            ip,
            outcome,
            method,
            provider,
            reason,
            from,
            to,
        };
        let mut findings = Findings::default();
        let (format, filter) = (findings.take(format), params.read(&mut findings));
        findings.settle()?;
        let format = format.unwrap_or(Format::Ndjson);
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        let batches = app
            .export_logins(&auditor.session, filter, format.as_str(), origin)
            .await?;
        Ok(Download::new(format, batches))
    }

    /// Who was signed in at an instant
    ///
    /// The sessions that were alive then, newest first: started, not ended, no deadline passed, and no event that ended all
    /// sessions of the user.
    #[oai(path = "/sessions", method = "get", operation_id = "listSessionsAsOf")]
    async fn sessions(
        &self,
        auditor: Auditor,
        /// The instant.
        as_of: Checked<Timestamp>,
        /// Of this user.
        user_id: Checked<Option<UserId>>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<AuditSessionPage>, Refused<{ QUESTION }>> {
        let mut findings = Findings::default();
        let as_of = findings.take(as_of).unwrap_or_default();
        let (user, page) = (findings.take(user_id).flatten(), findings.page(cursor, limit));
        findings.settle()?;
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        not_later(as_of, app.now())?;
        let page = app.sessions_as_of(&auditor.session, as_of, user, page, origin).await?;
        Ok(Reply::json(&AuditSessionPage {
            items: page.items,
            next_cursor: page.next_cursor,
        }))
    }

    /// A user as it was at an instant
    ///
    /// Folded from the user's own events up to then.
    #[oai(path = "/users/:id", method = "get", operation_id = "getUserAsOf")]
    async fn user(
        &self,
        auditor: Auditor,
        /// The user.
        id: Path<UserId>,
        /// The instant; now, where none is given.
        as_of: Checked<Option<Timestamp>>,
    ) -> Result<Reply<UserRecord>, Refused<{ QUESTION | kinds(&[Kind::NotFound]) }>> {
        let mut findings = Findings::default();
        let as_of = findings.take(as_of).flatten();
        findings.settle()?;
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        if let Some(as_of) = as_of {
            not_later(as_of, app.now())?;
        }
        let user = app.user_as_of(&auditor.session, id.0, as_of, origin).await?;
        Ok(Reply::json(&user))
    }

    /// Search events
    ///
    /// Every event of the log, newest first, with what was sealed in it and without secrets. Filters combine.
    #[expect(clippy::too_many_arguments, reason = "one for each filter of the contract")]
    #[oai(path = "/events", method = "get", operation_id = "searchEvents")]
    async fn events(
        &self,
        auditor: Auditor,
        /// What happened: `user.role_granted`.
        #[oai(name = "type")]
        event_type: Checked<Option<Line>>,
        /// The stream: `user-<id>`, `session-<id>` ….
        stream: Checked<Option<Line>>,
        /// Who did it: `user-<id>`, `cli`, `anonymous`, `system`.
        actor: Checked<Option<Line>>,
        /// Recorded not before this instant.
        from: Checked<Option<Timestamp>>,
        /// Recorded before this instant.
        to: Checked<Option<Timestamp>>,
        /// From the page before.
        cursor: Checked<Cursor>,
        /// How many items.
        limit: Checked<Limit>,
    ) -> Result<Reply<AuditEventPage>, Refused<{ QUESTION }>> {
        let mut findings = Findings::default();
        let filter = EventFilter {
            event_type: line(findings.take(event_type).flatten()),
            stream: line(findings.take(stream).flatten()),
            actor: line(findings.take(actor).flatten()),
            from: findings.take(from).flatten(),
            to: findings.take(to).flatten(),
        };
        in_order(filter.from, filter.to, &mut findings);
        let page = findings.page(cursor, limit);
        findings.settle()?;
        let (app, origin) = (&auditor.call.gate().app, &auditor.call.origin);
        let page = app.search_events(&auditor.session, filter, page, origin).await?;
        Ok(Reply::json(&AuditEventPage {
            items: page.items,
            next_cursor: page.next_cursor,
        }))
    }
}
