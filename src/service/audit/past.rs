//! The past: who was signed in at an instant, and who a user was.

use cqrs_es::Aggregate as _;
use doorbook_domain::{event::Event, id::UserId, seal::Sealed, time::Timestamp, user::User};
use doorbook_openapi::{
    app::{LiveSession, Origin, Page, PageRequest, Refusal},
    audit::{SessionRecord, UserRecord},
    export::Instant,
};
use doorbook_projections::{
    as_of::{self, AsOf},
    fault::Fault,
    keyring::{ERASED, Place},
    sessions::{self, SessionRow},
    users,
};

use super::{
    reading::Wish,
    records::{End, People, understood},
};
use crate::service::{
    Service,
    lists::{cut, one_more, start},
};

impl Service {
    pub(super) async fn sessions_at(
        &self,
        reader: &LiveSession,
        at: Timestamp,
        user: Option<UserId>,
        page: &PageRequest,
        origin: &Origin,
    ) -> Result<Page<SessionRecord>, Refusal> {
        let after = start(page)?;
        for name in [sessions::NAME, users::NAME] {
            self.has_all(name).await?;
        }
        let wish = Wish::default().with("as_of", Some(at)).with("user_id", user).page(page);
        self.note_reading(reader, "listSessionsAsOf", wish, origin).await?;
        let reads = self.engine.reads();
        let rows = as_of::page(&reads, AsOf { at, user }, &after, one_more(page)).await?;
        let (rows, next_cursor) = cut(rows, page, SessionRow::cursor);
        let mut people = People::default();
        let users: Vec<UserId> = rows.iter().map(|row| row.user_id).collect();
        self.meet(&users, &mut people).await?;
        let sealed: Vec<&Sealed> = rows.iter().filter_map(|row| row.origin.as_ref()).collect();
        self.keyring.warm(&sealed).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.session_record(row, &people).await?);
        }
        Ok(Page { items, next_cursor })
    }

    async fn session_record(&self, row: SessionRow, people: &People) -> Result<SessionRecord, Fault> {
        let deadline = row.idle_until.min(row.absolute_until);
        let end = End::of(row.ended.clone(), Some(deadline), self.clock.now());
        let (user, person) = (row.user_id, people.find(row.user_id));
        let entry = self.session_entry(row).await?;
        Ok(SessionRecord {
            id: entry.id.0,
            user_id: user.0,
            email: person.map(|person| person.email.clone()),
            name: person.and_then(|person| person.name.clone()),
            started_at: Instant(entry.started_at),
            method: entry.method,
            provider: entry.provider,
            client: understood(entry.user_agent.as_deref()),
            ip: entry.ip,
            user_agent: entry.user_agent,
            expires_at: Instant(entry.absolute_until),
            ended_at: end.at.map(Instant),
            end_reason: end.reason,
            ended_by: end.by.map(|user| user.0),
        })
    }

    pub(super) async fn user_at(
        &self,
        reader: &LiveSession,
        id: UserId,
        at: Option<Timestamp>,
        origin: &Origin,
    ) -> Result<UserRecord, Refusal> {
        let wish = Wish::default().with("user_id", Some(id)).with("as_of", at);
        self.note_reading(reader, "getUserAsOf", wish, origin).await?;
        let at = at.unwrap_or_else(|| self.clock.now());
        let user = self.folded(id, at).await?;
        let registered_at = user.registered_at().ok_or(Refusal::NotFound)?;
        let email = match (user.email(), user.email_event()) {
            (Some(email), Some(event_type)) => self.own_text(id, event_type, "email", email).await?,
            _ => ERASED.to_owned(),
        };
        let name = match user.name() {
            Some(name) => Some(self.own_text(id, "user.profile_changed", "name", name).await?),
            None => None,
        };
        Ok(UserRecord {
            id: id.0,
            as_of: Instant(at),
            email,
            email_verified: user.email_verified(),
            name,
            roles: user.roles().iter().map(|role| role.to_string()).collect(),
            active: user.is_active(),
            erased: user.is_erased(),
            has_password: user.password().is_some(),
            providers: user
                .social_accounts()
                .iter()
                .map(|account| account.provider.to_string())
                .collect(),
            registered_at: Instant(registered_at),
        })
    }

    /// The user as its events up to the instant make it.
    async fn folded(&self, id: UserId, at: Timestamp) -> Result<User, Fault> {
        let mut user = User::default();
        for recorded in self.store.log().stream("user", &id.to_string(), 0).await? {
            let event = recorded
                .event()
                .map_err(Fault::because("an event of a user cannot be read"))?;
            if let Event::User(event) = event
                && event.at() <= at
            {
                user.apply(event);
            }
        }
        Ok(user)
    }

    async fn own_text(&self, user: UserId, event_type: &str, field: &str, sealed: &Sealed) -> Result<String, Fault> {
        let stream = format!("user-{user}");
        let place = Place {
            stream: &stream,
            event_type,
            field,
        };
        let opened = self.seals.open(sealed, &place).await?;
        Ok(opened.unwrap_or_else(|| ERASED.to_owned()))
    }
}
