//! Login history: every login, every failed one, and how each session ended.

use doorbook_domain::{
    attempts::LoginAttemptsEvent, event::Event, id::UserId, seal::Sealed, session::SessionEvent, time::Timestamp,
};

use crate::{
    cursor::Cursor,
    db::Row,
    ending::{self, Ended},
    engine::Reads,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::{Index, Table, int, text},
};

/// The read model `login_history`.
#[derive(Debug, Clone, Copy)]
pub struct LoginHistory;

/// Its name.
pub const NAME: &str = "login_history";

static TABLES: [Table; 2] = [
    Table {
        name: "logins",
        key: &[text("entry")],
        columns: &[
            text("stream"),
            text("event_type"),
            text("outcome"),
            int("at"),
            text("user_id"),
            int("epoch"),
            text("method"),
            text("provider"),
            text("reason"),
            text("email"),
            text("origin"),
            int("failures"),
            int("since"),
            int("ended_at"),
            text("end_reason"),
            text("ended_by"),
        ],
        indices: &[
            Index {
                name: "by_user",
                on: "user_id, at desc, entry desc",
            },
            Index {
                name: "by_age",
                on: "at desc, entry desc",
            },
        ],
    },
    // One row for every time that all sessions of a user ended at once.
    ending::table("login_epochs"),
];

impl Projection for LoginHistory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &["session", "attempts", "user"]
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        match event {
            Event::Session(event) => session(recorded, event, out),
            Event::LoginAttempts(event) => attempt(recorded, event, out),
            Event::User(event) => ending::fold(&TABLES[1], recorded, event, out),
            Event::SignUp(_) | Event::Claim(_) | Event::Projection(_) => {}
        }
        Ok(())
    }
}

fn session(recorded: &Recorded, event: &SessionEvent, out: &mut Patches) {
    let stream = format!("session-{}", recorded.stream_id);
    match event {
        SessionEvent::Started {
            user_id,
            epoch,
            method,
            origin,
            at,
            ..
        } => out
            .row_of(recorded, &TABLES[0], [stream.as_str().into()])
            .set("stream", stream)
            .set("event_type", &*recorded.event_type)
            .set("outcome", "success")
            .set("at", *at)
            .set("user_id", user_id.0)
            .set("epoch", *epoch)
            .set("method", method.as_str())
            .set("provider", method.provider())
            .set("origin", origin.as_ref().map(Sealed::as_str))
            .done(),
        SessionEvent::Rotated { epoch, .. } => out
            .row_of(recorded, &TABLES[0], [stream.into()])
            .set("epoch", *epoch)
            .done(),
        SessionEvent::Ended { reason, by, at } => out
            .row_of(recorded, &TABLES[0], [stream.into()])
            .set("ended_at", *at)
            .set("end_reason", reason.as_str())
            .set("ended_by", by.map(|UserId(id)| id.to_string()))
            .done(),
        SessionEvent::Refreshed { .. } | SessionEvent::Reauthenticated { .. } => {}
    }
}

fn attempt(recorded: &Recorded, event: &LoginAttemptsEvent, out: &mut Patches) {
    let stream = format!("attempts-{}", recorded.stream_id);
    let entry = format!("{stream}#{}", recorded.sequence);
    let user = |user_id: &Option<UserId>| user_id.map(|UserId(id)| id.to_string());
    // A link is no login.
    if matches!(event, LoginAttemptsEvent::LinkRefused { .. }) {
        return;
    }
    let row = out
        .new_row(&TABLES[0], [entry.into()])
        .set("stream", stream)
        .set("event_type", &*recorded.event_type);
    let row = match event {
        LoginAttemptsEvent::Failed {
            user_id,
            email,
            reason,
            origin,
            at,
        } => row
            .set("outcome", "failure")
            .set("at", *at)
            .set("user_id", user(user_id))
            .set("reason", reason.as_str())
            .set("email", email.as_str())
            .set("origin", origin.as_ref().map(Sealed::as_str))
            .set("failures", 1_i64),
        LoginAttemptsEvent::Summarized {
            user_id,
            count,
            from,
            at,
        } => row
            .set("outcome", "failures")
            .set("at", *at)
            .set("user_id", user(user_id))
            .set("failures", *count)
            .set("since", *from),
        LoginAttemptsEvent::LinkRefused { .. } => row,
    };
    row.done();
}

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
        /// The address as it was typed: field `email`.
        email: Sealed,
    },
    /// More logins failed than are recorded singly.
    Failures {
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

    fn read(row: &Row) -> Result<Self, Fault> {
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
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(match row.text("outcome")?.as_str() {
            "success" => Self::Success {
                method: row.text("method")?,
                provider: row.find_text("provider")?,
                ended: Ended::read(row)?,
            },
            "failure" => Self::Failure {
                reason: row.text("reason")?,
                email: Sealed::new(row.text("email")?),
            },
            "failures" => Self::Failures {
                count: row.count("failures")?,
                since: row.at("since")?,
            },
            _ => return Err(Fault::plain("the login history holds an unknown outcome")),
        })
    }
}

/// The logins of a user, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn of_user(reads: &Reads, user: UserId, after: &Cursor, limit: u32) -> Result<Vec<LoginRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select l.*, {} from {} l where user_id = $1 and (at, entry) < ($2, $3) order by at desc, entry desc limit $4",
        ending::columns("l", &view.table("login_epochs")),
        view.table("logins"),
    );
    let values = vec![user.0.into(), after.at.into(), after.key.as_str().into(), limit.into()];
    view.fetch(&sql, values).await?.iter().map(LoginRow::read).collect()
}

/// Everybody's logins, newest first, after `after`.
///
/// # Errors
///
/// As [`of_user`].
pub async fn page(reads: &Reads, after: &Cursor, limit: u32) -> Result<Vec<LoginRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select l.*, {} from {} l where (at, entry) < ($1, $2) order by at desc, entry desc limit $3",
        ending::columns("l", &view.table("login_epochs")),
        view.table("logins"),
    );
    let values = vec![after.at.into(), after.key.as_str().into(), limit.into()];
    view.fetch(&sql, values).await?.iter().map(LoginRow::read).collect()
}
