//! Opening what a search found: keys and rows of other read models are fetched for many rows at once.

use std::collections::{HashMap, HashSet};

use doorbook_domain::{
    id::{SessionId, UserId},
    seal::Sealed,
    time::Timestamp,
};
use doorbook_openapi::{
    audit::{Client, LoginRecord},
    export::Instant,
};
use doorbook_projections::{
    addresses::{self, Named},
    as_of,
    fault::Fault,
    keyring::{ERASED, Place},
    login_history::{LoginRow, Outcome, SEVERAL, Won},
    sessions::Ended,
    users::SealedIn,
};

use super::client;
use crate::atlas::Spot;
use crate::service::{Service, seals::Whence};

/// Users that are remembered from one batch to the next.
pub(super) const REMEMBERED: usize = 20_000;
/// User agents that are remembered.
const REMEMBERED_CLIENTS: usize = 5_000;

/// When sessions are over, unless they are ended before; as it was known at an instant.
pub(super) struct Deadlines {
    at: Timestamp,
    of: HashMap<SessionId, Timestamp>,
}

/// A login, and from where it came.
pub(super) struct Opened {
    pub(super) row: LoginRow,
    pub(super) whence: Whence,
}

/// Who a user is.
#[derive(Clone)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) name: Option<String>,
}

/// Users that were opened, and user agents that were understood already.
#[derive(Default)]
pub(super) struct People {
    users: HashMap<UserId, Person>,
    clients: HashMap<String, Option<Client>>,
}

impl People {
    pub(super) fn find(&self, user: UserId) -> Option<&Person> {
        self.users.get(&user)
    }

    /// Who they are is learned anew.
    pub(super) fn forget_users(&mut self) {
        self.users.clear();
    }

    /// Before those of more logins are learned.
    pub(super) fn make_room(&mut self) {
        if self.users.len() > REMEMBERED {
            self.users.clear();
        }
    }

    fn client(&mut self, user_agent: Option<&str>) -> Option<Client> {
        let user_agent = user_agent?;
        if let Some(known) = self.clients.get(user_agent) {
            return known.clone();
        }
        if self.clients.len() >= REMEMBERED_CLIENTS {
            self.clients.clear();
        }
        let client = understood(Some(user_agent));
        self.clients.insert(user_agent.to_owned(), client.clone());
        client
    }
}

/// How a session ended, or that it lives.
pub(super) struct End {
    pub(super) at: Option<Timestamp>,
    pub(super) reason: Option<String>,
    pub(super) by: Option<UserId>,
}

impl End {
    /// What came first: an event, or a deadline that has passed.
    pub(super) fn of(ended: Option<Ended>, deadline: Option<Timestamp>, now: Timestamp) -> Self {
        match (ended, deadline) {
            (Some(ended), deadline) if deadline.is_none_or(|deadline| ended.at <= deadline) => Self {
                at: Some(ended.at),
                reason: Some(ended.reason),
                by: ended.by,
            },
            (_, Some(deadline)) if deadline <= now => Self {
                at: Some(deadline),
                reason: Some("expired".to_owned()),
                by: None,
            },
            _ => Self {
                at: None,
                reason: None,
                by: None,
            },
        }
    }
}

impl Service {
    /// Fetches the keys of what [`Self::open_rows`] and [`Self::records_of`] open.
    pub(super) async fn warm_rows(&self, rows: &[LoginRow]) -> Result<(), Fault> {
        let mut sealed: Vec<&Sealed> = rows.iter().filter_map(|row| row.origin.as_ref()).collect();
        sealed.extend(rows.iter().filter_map(|row| match &row.outcome {
            Outcome::Failure { email, .. } => Some(email),
            Outcome::Success { .. } | Outcome::Failures { .. } => None,
        }));
        self.keyring.warm(&sealed).await
    }

    /// Opens where logins came from.
    pub(super) async fn open_rows(&self, rows: Vec<LoginRow>) -> Result<Vec<Opened>, Fault> {
        self.warm_rows(&rows).await?;
        let mut opened = Vec::with_capacity(rows.len());
        for row in rows {
            let place = Place {
                stream: row.stream(),
                event_type: row.event_type(),
                field: "origin",
            };
            let whence = self.seals.open_origin(row.origin.as_ref(), &place).await?;
            opened.push(Opened { row, whence });
        }
        Ok(opened)
    }

    /// The rows as auditors see them.
    pub(super) async fn records(&self, opened: Vec<Opened>, people: &mut People) -> Result<Vec<LoginRecord>, Fault> {
        let (users, sessions) = mentioned(opened.iter().map(|opened| &opened.row));
        people.make_room();
        self.meet(&users, people).await?;
        let deadlines = self.deadlines(&sessions).await?;
        self.records_of(opened, people, &deadlines).await
    }

    /// As [`Self::records`], where their users and the deadlines of their sessions are known.
    pub(super) async fn records_of(
        &self,
        opened: Vec<Opened>,
        people: &mut People,
        deadlines: &Deadlines,
    ) -> Result<Vec<LoginRecord>, Fault> {
        let places = self.atlas.today().await;
        let mut records = Vec::with_capacity(opened.len());
        for opened in opened {
            let client = people.client(opened.whence.user_agent.as_deref());
            let person = opened.row.user_id.and_then(|user| people.find(user));
            let Spot { city, country } = places.find(opened.whence.ip.as_deref());
            let record = self.record(opened, person, deadlines).await?;
            records.push(LoginRecord {
                client,
                city,
                country,
                ..record
            });
        }
        Ok(records)
    }

    /// When the sessions are over, unless they are ended before.
    pub(super) async fn deadlines(&self, sessions: &[SessionId]) -> Result<Deadlines, Fault> {
        // Before they are read: what is refreshed later was alive until then.
        let at = self.clock.now();
        let deadlines = as_of::deadlines(&self.engine.reads(), sessions).await?;
        let of = deadlines.into_iter().collect();
        Ok(Deadlines { at, of })
    }

    /// Opens the addresses and names of users that are not known yet.
    pub(super) async fn meet(&self, users: &[UserId], people: &mut People) -> Result<(), Fault> {
        let users = users.iter().copied();
        let strangers = users.filter(|user| people.find(*user).is_none()).collect();
        let named = self.names_of(strangers).await?;
        self.introduce(named, people).await
    }

    /// What they are called, sealed.
    pub(super) async fn names_of(&self, users: HashSet<UserId>) -> Result<Vec<Named>, Fault> {
        let users: Vec<UserId> = users.into_iter().collect();
        addresses::of(&self.engine.reads(), &users).await
    }

    /// Fetches the keys of what they are called.
    pub(super) async fn warm_names(&self, named: &[Named]) -> Result<(), Fault> {
        let sealed = named.iter().map(|named| &named.email.sealed).collect::<Vec<_>>();
        self.keyring.warm(&sealed).await
    }

    /// Opens what they are called.
    pub(super) async fn introduce(&self, named: Vec<Named>, people: &mut People) -> Result<(), Fault> {
        self.warm_names(&named).await?;
        for named in named {
            let Named { user, email, name } = named;
            let email = self.own_value(user, "email", &email).await?;
            let name = match &name {
                Some(name) => Some(self.own_value(user, "name", name).await?),
                None => None,
            };
            people.users.insert(user, Person { email, name });
        }
        Ok(())
    }

    async fn own_value(&self, user: UserId, field: &str, value: &SealedIn) -> Result<String, Fault> {
        let stream = format!("user-{user}");
        let place = Place {
            stream: &stream,
            event_type: &value.event_type,
            field,
        };
        let opened = self.seals.open(&value.sealed, &place).await?;
        Ok(opened.unwrap_or_else(|| ERASED.to_owned()))
    }

    /// The address of a failure, as it was typed.
    async fn typed(&self, row: &LoginRow) -> Result<Option<String>, Fault> {
        let Outcome::Failure { email, .. } = &row.outcome else {
            return Ok(None);
        };
        let place = Place {
            stream: row.stream(),
            event_type: row.event_type(),
            field: "email",
        };
        let typed = self.seals.open(email, &place).await?;
        Ok(Some(typed.unwrap_or_else(|| ERASED.to_owned())))
    }

    async fn record(
        &self,
        opened: Opened,
        person: Option<&Person>,
        deadlines: &Deadlines,
    ) -> Result<LoginRecord, Fault> {
        let Opened { row, whence } = opened;
        let session = row.session();
        let typed = self.typed(&row).await?;
        let mut record = blank(&row, whence, person);
        match row.outcome {
            Outcome::Success { provider, ended, .. } => {
                let deadline = session.and_then(|session| deadlines.of.get(&session).copied());
                let end = End::of(ended, deadline, deadlines.at);
                record.provider = provider;
                record.session_id = session.map(|session| session.0);
                record.duration_seconds = end.at.map(|ended| ended.since(row.at).as_secs());
                record.ended_at = end.at.map(Instant);
                record.end_reason = end.reason;
                record.ended_by = end.by.map(|user| user.0);
            }
            Outcome::Failure { reason, provider, .. } => {
                record.email = typed;
                record.reason = Some(reason);
                record.provider = provider;
            }
            Outcome::Failures { provider, count, since } => {
                record.provider = provider;
                record.reason = Some(SEVERAL.to_owned());
                record.failures = Some(count);
                record.since = Some(Instant(since));
            }
        }
        Ok(record)
    }
}

/// What every row has; a failure, as far as it goes.
fn blank(row: &LoginRow, whence: Whence, person: Option<&Person>) -> LoginRecord {
    let outcome = match row.outcome {
        Outcome::Success { .. } => Won::Success,
        Outcome::Failure { .. } | Outcome::Failures { .. } => Won::Failure,
    };
    LoginRecord {
        id: row.entry.clone(),
        at: Instant(row.at),
        outcome: outcome.as_str().to_owned(),
        reason: None,
        failures: None,
        since: None,
        method: row.outcome.method().to_owned(),
        provider: None,
        user_id: row.user_id.map(|user| user.0),
        email: person.map(|person| person.email.clone()),
        name: person.and_then(|person| person.name.clone()),
        client: None,
        ip: whence.ip,
        city: None,
        country: None,
        user_agent: whence.user_agent,
        session_id: None,
        ended_at: None,
        end_reason: None,
        ended_by: None,
        duration_seconds: None,
    }
}

/// What a user agent tells; nothing of one that was erased.
pub(super) fn understood(user_agent: Option<&str>) -> Option<Client> {
    user_agent.filter(|agent| *agent != ERASED).and_then(client::understand)
}

/// The users and the sessions of logins.
pub(super) fn mentioned<'a>(rows: impl Iterator<Item = &'a LoginRow>) -> (Vec<UserId>, Vec<SessionId>) {
    let (mut users, mut sessions) = (Vec::new(), Vec::new());
    for row in rows {
        users.extend(row.user_id);
        sessions.extend(row.session());
    }
    (users, sessions)
}
