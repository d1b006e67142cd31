use doorbook_domain::{id::UserId, seal::Sealed, time::Timestamp};

use crate::{cursor::Cursor, db::Row, ending::Ended, fault::Fault};

/// What became of one login, or of several that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRow {
    /// Which: `session-<id>` of a success, `attempts-<claim>#<sequence>` of a failure.
    pub entry: String,
    /// The stream that the sealed values stand in.
    pub stream: String,
    /// The type of the event that the sealed values stand in.
    pub event_type: String,
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
            key: self.entry.clone(),
        }
    }

    pub(super) fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            entry: row.text("entry")?,
            stream: row.text("stream")?,
            event_type: row.text("event_type")?,
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
        Ok(match row.text("outcome")?.as_str() {
            "success" => Self::Success {
                method: row.text("method")?,
                provider: row.find_text("provider")?,
                ended: Ended::read(row)?,
            },
            "failure" => Self::Failure {
                reason: row.text("reason")?,
                provider: row.find_text("provider")?,
                email: Sealed::new(row.text("email")?),
            },
            "failures" => Self::Failures {
                provider: row.find_text("provider")?,
                count: row.count("failures")?,
                since: row.at("since")?,
            },
            _ => return Err(Fault::plain("the login history holds an unknown outcome")),
        })
    }
}
