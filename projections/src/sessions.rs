//! Sessions: who is signed in, since when, and how it ended.

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
    seal::Sealed,
    session::SessionEvent,
    time::Timestamp,
    user::{PasswordCause, UserEvent},
};

use crate::{
    cursor::Cursor,
    db::{Row, Value},
    engine::Reads,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::{Index, Table, int, text},
};

/// The read model `sessions`.
#[derive(Debug, Clone, Copy)]
pub struct Sessions;

/// Its name.
pub const NAME: &str = "sessions";
/// The type of the event that [`SessionRow::origin`] stands in, in the field `origin` of the session's stream.
pub const ORIGIN_EVENT: &str = "session.started";

static TABLES: [Table; 2] = [
    Table {
        name: "sessions",
        key: &[text("session_id")],
        columns: &[
            text("user_id"),
            int("epoch"),
            text("method"),
            int("remember"),
            int("started_at"),
            int("last_seen_at"),
            int("authenticated_at"),
            int("idle_until"),
            int("absolute_until"),
            text("origin"),
            int("ended_at"),
            text("end_reason"),
            text("ended_by"),
        ],
        indices: &[Index {
            name: "by_user",
            on: "user_id, started_at desc, session_id desc",
        }],
    },
    // One row for every time that all sessions of a user ended at once.
    Table {
        name: "session_epochs",
        key: &[text("user_id"), int("epoch")],
        columns: &[int("at"), text("cause")],
        indices: &[],
    },
];

impl Projection for Sessions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &["session", "user"]
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        match event {
            Event::Session(event) => session(recorded, event, out),
            Event::User(event) => user(&recorded.stream_id, event, out),
            Event::SignUp(_) | Event::Claim(_) | Event::LoginAttempts(_) => {}
        }
        Ok(())
    }
}

fn session(recorded: &Recorded, event: &SessionEvent, out: &mut Patches) {
    let row = out.row_of(recorded, &TABLES[0], [(&*recorded.stream_id).into()]);
    let row = match event {
        SessionEvent::Started {
            user_id,
            epoch,
            secret: _,
            method,
            remember,
            idle_until,
            absolute_until,
            idle_ms: _,
            origin,
            at,
        } => row
            .set("user_id", user_id.0)
            .set("epoch", *epoch)
            .set("method", method.as_str())
            .set("remember", *remember)
            .set("started_at", *at)
            .set("last_seen_at", *at)
            .set("authenticated_at", *at)
            .set("idle_until", *idle_until)
            .set("absolute_until", *absolute_until)
            .set("origin", origin.as_ref().map(Sealed::as_str)),
        SessionEvent::Refreshed { idle_until, at } => row.set("idle_until", *idle_until).set("last_seen_at", *at),
        SessionEvent::Reauthenticated { method: _, at } => row.set("authenticated_at", *at).set("last_seen_at", *at),
        SessionEvent::Rotated { secret: _, epoch, at } => row.set("epoch", *epoch).set("last_seen_at", *at),
        SessionEvent::Ended { reason, by, at } => row
            .set("ended_at", *at)
            .set("end_reason", reason.as_str())
            .set("ended_by", by.map(|UserId(id)| id.to_string())),
    };
    row.done();
}

fn user(id: &str, event: &UserEvent, out: &mut Patches) {
    let (epoch, at, cause) = match event {
        UserEvent::PasswordChanged { epoch, cause, at, .. } => (epoch, at, password_cause(*cause)),
        UserEvent::RoleGranted { epoch, at, .. } => (epoch, at, "role_granted"),
        UserEvent::RoleRevoked { epoch, at, .. } => (epoch, at, "role_revoked"),
        UserEvent::Deactivated { epoch, at } => (epoch, at, "deactivated"),
        UserEvent::SessionsEnded { epoch, at } => (epoch, at, "sessions_ended"),
        UserEvent::Registered { .. }
        | UserEvent::ProfileChanged { .. }
        | UserEvent::PasswordUpgraded { .. }
        | UserEvent::Reactivated { .. } => return,
    };
    let row = out.row(&TABLES[1], [id.into(), (*epoch).into()]);
    row.set("at", *at).set("cause", cause).done();
}

const fn password_cause(cause: PasswordCause) -> &'static str {
    match cause {
        PasswordCause::Changed => "password_changed",
        PasswordCause::Reset => "password_reset",
        PasswordCause::Set => "password_set",
    }
}

/// A session, as far as the log tells. Deadlines that have passed end it too: see [`SessionRow::is_live`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id. Its stream is `session-<id>`.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How its owner logged in: `password` ….
    pub method: String,
    /// Whether the cookie outlives the browser.
    pub remember: bool,
    /// When its owner logged in.
    pub started_at: Timestamp,
    /// When it was last used, as far as it was recorded.
    pub last_seen_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// It is dead from this instant on unless it is refreshed.
    pub idle_until: Timestamp,
    /// It is dead from this instant on.
    pub absolute_until: Timestamp,
    /// From where: see [`ORIGIN_EVENT`].
    pub origin: Option<Sealed>,
    /// How it ended, if it was ended: by itself, or with all sessions of its user.
    pub ended: Option<Ended>,
}

/// How a session was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// `logged_out`, `revoked`, `replaced`; with all sessions of the user: `password_changed`, `password_reset`,
    /// `password_set`, `role_granted`, `role_revoked`, `deactivated`, `sessions_ended`.
    pub reason: String,
    /// Who ended it, where that is known.
    pub by: Option<UserId>,
}

impl SessionRow {
    /// Whether it is alive at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.idle_until && now < self.absolute_until
    }

    /// The last row's cursor gives the next page.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.started_at,
            key: self.session_id.to_string(),
        }
    }

    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            session_id: SessionId(row.id("session_id")?),
            user_id: UserId(row.id("user_id")?),
            method: row.text("method")?,
            remember: row.int("remember")? != 0,
            started_at: row.at("started_at")?,
            last_seen_at: row.at("last_seen_at")?,
            authenticated_at: row.at("authenticated_at")?,
            idle_until: row.at("idle_until")?,
            absolute_until: row.at("absolute_until")?,
            origin: row.find_text("origin")?.map(Sealed::new),
            ended: Ended::read(row)?,
        })
    }
}

impl Ended {
    /// What came first counts: its own end, or that of all sessions of its epoch.
    fn read(row: &Row) -> Result<Option<Self>, Fault> {
        let own = row.find_at("ended_at")?;
        let common = row.find_at("epoch_ended_at")?;
        Ok(match (own, common) {
            (None, None) => None,
            (Some(at), common) if common.is_none_or(|common| at <= common) => Some(Self {
                at,
                reason: row.text("end_reason")?,
                by: row.find_id("ended_by")?.map(UserId),
            }),
            (_, Some(at)) => Some(Self {
                at,
                reason: row.text("epoch_ended_by")?,
                by: None,
            }),
            (Some(_), None) => None,
        })
    }
}

/// Which sessions a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, also those that are over.
    All,
    /// Those that are alive at the instant.
    Live(Timestamp),
}

/// The sessions of a user, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn page(
    reads: &Reads,
    user: UserId,
    which: Which,
    after: &Cursor,
    limit: u32,
) -> Result<Vec<SessionRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select s.*, {EPOCH_END}
         from {sessions} s
         where s.user_id = $1 and (s.started_at, s.session_id) < ($2, $3)
           and ($5 = 0 or (s.ended_at is null and s.idle_until > $6 and s.absolute_until > $6
                and not exists (select 1 from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch)))
         order by s.started_at desc, s.session_id desc limit $4",
        sessions = view.table("sessions"),
        epochs = view.table("session_epochs"),
    )
    .replace("{epochs}", &view.table("session_epochs"));
    let (live, now) = match which {
        Which::All => (false, Timestamp::default()),
        Which::Live(now) => (true, now),
    };
    let values = vec![
        user.0.into(),
        after.at.into(),
        after.key.as_str().into(),
        limit.into(),
        live.into(),
        now.into(),
    ];
    view.fetch(&sql, values).await?.iter().map(SessionRow::read).collect()
}

/// One session.
///
/// # Errors
///
/// As [`page`].
pub async fn find(reads: &Reads, session: SessionId) -> Result<Option<SessionRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select s.*, {EPOCH_END} from {} s where s.session_id = $1",
        view.table("sessions")
    )
    .replace("{epochs}", &view.table("session_epochs"));
    let id: Value = session.0.into();
    view.find(&sql, vec![id])
        .await?
        .as_ref()
        .map(SessionRow::read)
        .transpose()
}

/// When and why all sessions of a session's epoch ended.
const EPOCH_END: &str = "
    (select e.at from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch order by e.epoch limit 1)
        as epoch_ended_at,
    (select e.cause from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch order by e.epoch limit 1)
        as epoch_ended_by";
