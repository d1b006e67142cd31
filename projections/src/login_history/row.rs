use doorbook_domain::{
    id::{SessionId, UserId},
    seal::Sealed,
    time::Timestamp,
};

use super::class::{Class, SEVERAL, Won};
use crate::{cursor::Cursor, db::Row, ending::Ended, fault::Fault, log::Position};

/// What [`LoginRow::read`] reads of the login `l`, beside its class and its end.
pub(super) const COLUMNS: &str =
    "l.position, l.at, l.session_id, l.user_id, l.address, l.sequence, l.email, l.origin, l.failures, l.since";

/// What became of one login, or of several that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// Which: `session-<id>` of a success, `attempts-<claim>#<sequence>` of a failure.
    pub entry: String,
    /// Its place in the log.
    pub position: Position,
    /// When; of several, the last.
    pub at: Timestamp,
    /// Who, if anybody has the address.
    pub user_id: Option<UserId>,
    /// From where: field `origin`.
    pub origin: Option<Sealed>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A session started.
    Success {
        /// How: `password`, `social`.
        method: String,
        /// The identity provider, where there is one.
        provider: Option<String>,
        /// How the session was ended, if it was.
        ended: Option<Ended>,
    },
    /// It failed.
    Failure {
        /// Why: `wrong_password` ….
        reason: String,
        /// The identity provider that it was tried by, unless it was a password.
        provider: Option<String>,
        /// The address as it was typed: field `email`.
        email: Sealed,
    },
    /// More logins failed than are recorded singly.
    Failures {
        /// The identity provider that they were tried by, unless it was passwords.
        provider: Option<String>,
        /// How many.
        count: u32,
        /// The first of them.
        since: Timestamp,
    },
}

impl LoginRow {
    /// The last row's cursor gives the next page.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.at,
            key: self.position.to_string(),
        }
    }

    /// The stream that the sealed values stand in.
    #[must_use]
    pub fn stream(&self) -> &str {
        self.entry.split_once('#').map_or(&self.entry, |(stream, _)| stream)
    }

    /// The session of a success.
    #[must_use]
    pub fn session(&self) -> Option<SessionId> {
        self.entry.strip_prefix("session-").and_then(|id| id.parse().ok())
    }

    /// The type of the event that the sealed values stand in.
    #[must_use]
    pub const fn event_type(&self) -> &'static str {
        match self.outcome {
            Outcome::Success { .. } => "session.started",
            Outcome::Failure { .. } => "login.failed",
            Outcome::Failures { .. } => "login.failures_summarized",
        }
    }

    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        let entry = match row.find_id("session_id")? {
            Some(session) => format!("session-{session}"),
            None => format!("attempts-{}#{}", row.text("address")?, row.int("sequence")?),
        };
        Ok(Self {
            entry,
            position: Position::new(row.count("position")?),
            at: row.at("at")?,
            user_id: row.find_id("user_id")?.map(UserId),
            origin: row.find_text("origin")?.map(Sealed::new),
            outcome: Outcome::read(row)?,
        })
    }
}

impl Outcome {
    /// How it was tried: `password`, `social`.
    #[must_use]
    pub fn method(&self) -> &str {
        match self {
            Self::Success { method, .. } => method,
            Self::Failure { provider, .. } | Self::Failures { provider, .. } => match provider {
                None => "password",
                Some(_) => "social",
            },
        }
    }

    fn read(row: &Row) -> Result<Self, Fault> {
        let class = row.text("class_name")?;
        let Class { won, kind, provider } =
            Class::parse(&class).ok_or_else(|| Fault::plain("the login history holds an unknown class"))?;
        let provider = provider.map(str::to_owned);
        Ok(match won {
            Won::Success => Self::Success {
                method: kind.to_owned(),
                provider,
                ended: Ended::read(row)?,
            },
            Won::Failure if kind == SEVERAL => Self::Failures {
                provider,
                count: row.count("failures")?,
                since: row.at("since")?,
            },
            Won::Failure => Self::Failure {
                reason: kind.to_owned(),
                provider,
                email: Sealed::new(row.text("email")?),
            },
        })
    }
}
