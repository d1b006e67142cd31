//! Everything that is known about a user, for that user.

mod events;

use doorbook_domain::{
    event::Event,
    id::UserId,
    user::{User, UserEvent},
};
use doorbook_openapi::{
    app::{LiveSession, LoginEntry, Refusal},
    export::{
        Export, ExportedAddress, ExportedLogin, ExportedProfile, ExportedRequest, ExportedSession,
        ExportedSocialAccount, Instant,
    },
};
use doorbook_projections::{
    cursor::Cursor,
    fault::Fault,
    keyring::{ERASED, Place},
    login_history,
    sessions::{self, SessionRow, Which},
    signups,
};

use super::Service;
use doorbook_domain::{seal::Sealed, time::Timestamp};

/// Most sessions and most logins of an export: it is made in memory.
const ROWS: usize = 2000;
/// Rows that are read at once.
const PAGE: u32 = 200;

impl Service {
    pub(super) async fn do_export(&self, session: &LiveSession) -> Result<Export, Refusal> {
        self.must_be_proven(session)?;
        self.has_all(login_history::NAME).await?;
        self.has_all(sessions::NAME).await?;
        self.has_all(signups::NAME).await?;
        let user = self.user_of(session).await?;
        let (rows, all_sessions) = self.every_session(session.user).await?;
        let (logins, all_logins) = self.every_login(session.user).await?;
        let (events, all_events) = self.every_event(session.user, &rows).await?;
        let mut sessions = Vec::with_capacity(rows.len());
        for row in rows {
            sessions.push(self.exported_session(row).await?);
        }
        Ok(Export {
            exported_at: Instant(self.clock.now()),
            complete: all_sessions && all_logins && all_events,
            profile: ExportedProfile::new(
                session.user.0,
                session.identity.email().to_owned(),
                user.email_verified(),
                session.identity.name().map(str::to_owned),
                user.roles(),
                user.registered_at().unwrap_or_default(),
            ),
            addresses: self.addresses(session.user).await?,
            social_accounts: self.social_accounts(session.user, &user).await?,
            pending: self.pending(session.user, &user).await?,
            sessions,
            logins,
            events,
        })
    }

    /// The latest sessions, and whether they are all.
    async fn every_session(&self, user: UserId) -> Result<(Vec<SessionRow>, bool), Fault> {
        let (mut rows, mut after) = (Vec::new(), Cursor::start());
        loop {
            let page = sessions::page(&self.engine.reads(), user, Which::All, &after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok((rows, true));
            };
            if rows.len() >= ROWS {
                return Ok((rows, false));
            }
            after = last.cursor();
            rows.extend(page);
        }
    }

    /// The latest logins, and whether they are all.
    async fn every_login(&self, user: UserId) -> Result<(Vec<ExportedLogin>, bool), Fault> {
        let (mut logins, mut after) = (Vec::new(), Cursor::start());
        loop {
            let page = login_history::of_user(&self.engine.reads(), user, &after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok((logins, true));
            };
            if logins.len() >= ROWS {
                return Ok((logins, false));
            }
            after = last.cursor();
            for row in page {
                logins.push(exported_login(self.login_entry(row).await?));
            }
        }
    }

    async fn exported_session(&self, row: SessionRow) -> Result<ExportedSession, Fault> {
        let (ended_at, end_reason) = self.end_of(row.session_id).await?;
        let entry = self.session_entry(row).await?;
        Ok(ExportedSession {
            id: entry.id.0,
            started_at: Instant(entry.started_at),
            last_seen_at: Instant(entry.last_seen_at),
            method: entry.method,
            ip: entry.ip,
            user_agent: entry.user_agent,
            ended_at: ended_at.map(Instant),
            end_reason,
        })
    }

    /// What stands under a seal in the user's own stream.
    async fn own(&self, user: UserId, event_type: &str, field: &str, sealed: &Sealed) -> Result<String, Fault> {
        let stream = format!("user-{user}");
        let place = Place {
            stream: &stream,
            event_type,
            field,
        };
        Ok(self
            .seals
            .open(sealed, &place)
            .await?
            .unwrap_or_else(|| ERASED.to_owned()))
    }

    async fn addresses(&self, user: UserId) -> Result<Vec<ExportedAddress>, Fault> {
        let mut addresses = Vec::new();
        for recorded in self.store.log().stream("user", &user.to_string(), 0).await? {
            let had: Option<(Sealed, Timestamp)> = match recorded.event() {
                Ok(Event::User(
                    UserEvent::Registered { email, at, .. } | UserEvent::EmailChanged { email, at, .. },
                )) => Some((email, at)),
                Ok(_) | Err(_) => None,
            };
            if let Some((sealed, since)) = had {
                addresses.push(ExportedAddress {
                    email: self.own(user, &recorded.event_type, "email", &sealed).await?,
                    since: Instant(since),
                });
            }
        }
        Ok(addresses)
    }

    async fn social_accounts(&self, id: UserId, user: &User) -> Result<Vec<ExportedSocialAccount>, Fault> {
        const LINKED: &str = "social_account.linked";
        let mut accounts = Vec::new();
        for account in user.social_accounts() {
            accounts.push(ExportedSocialAccount {
                id: account.link.0,
                provider: account.provider.to_string(),
                subject: self.own(id, LINKED, "subject", &account.subject).await?,
                label: match &account.label {
                    Some(label) => Some(self.own(id, LINKED, "label", label).await?),
                    None => None,
                },
            });
        }
        Ok(accounts)
    }

    async fn pending(&self, id: UserId, user: &User) -> Result<Vec<ExportedRequest>, Fault> {
        let mut pending = Vec::new();
        if let Some(reset) = user.reset() {
            pending.push(ExportedRequest {
                kind: "password_reset".to_owned(),
                email: None,
                until: Instant(reset.until),
            });
        }
        if let Some(change) = user.email_change() {
            let email = self
                .own(id, "user.email_change_requested", "email", &change.email)
                .await?;
            pending.push(ExportedRequest {
                kind: "email_change".to_owned(),
                email: Some(email),
                until: Instant(change.until),
            });
        }
        Ok(pending)
    }
}

fn exported_login(entry: LoginEntry) -> ExportedLogin {
    ExportedLogin {
        at: Instant(entry.at),
        outcome: entry.outcome,
        reason: entry.reason,
        failures: entry.failures,
        method: entry.method,
        ip: entry.ip,
        user_agent: entry.user_agent,
        session_id: entry.session.map(|session| session.0),
    }
}
