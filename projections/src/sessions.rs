//! Sessions: who is signed in, since when, and how it ended.

use doorbook_domain::{
    event::Event,
    id::{SessionId, UserId},
    seal::Sealed,
    session::SessionEvent,
    time::Timestamp,
};
use uuid::Uuid;

pub use crate::ending::{Ended, raised_epoch};
use crate::{
    cursor::Cursor,
    db::{Row, Value},
    ending,
    engine::{Reads, View},
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::{Index, Rows, Table, id, int, text},
};

/// The read model `sessions`.
#[derive(Debug, Clone, Copy)]
pub struct Sessions;

/// Its name.
pub const NAME: &str = "sessions";
/// The type of the event that [`SessionRow::origin`] stands in, in the field `origin` of the session's stream.
pub const ORIGIN_EVENT: &str = "session.started";

/// Most sessions that [`beyond`] names at once.
pub const SURPLUS: usize = 1000;

static TABLES: [Table; 5] = [
    Table {
        name: "sessions",
        key: &[id("session_id")],
        columns: &[
            id("user_id"),
            int("first_epoch"),
            int("epoch"),
            text("method"),
            text("provider"),
            int("remember"),
            int("started_at"),
            int("last_seen_at"),
            int("authenticated_at"),
            int("idle_until"),
            int("absolute_until"),
            int("until"),
            int("ended_at"),
            text("end_reason"),
            id("ended_by"),
        ],
        indices: &[
            Index {
                name: "by_user",
                on: "user_id, started_at desc, session_id desc",
            },
            // `until` is where the session's own stream ends it: see `as_of`.
            Index {
                name: "by_age",
                on: "started_at desc, session_id desc, until",
            },
        ],
        rows: Rows::Changing,
    },
    // One row for every time that all sessions of a user ended at once.
    ending::table("session_epochs"),
    // Which epoch a session went on with, and from when.
    Table {
        name: "session_rotations",
        key: &[id("session_id"), int("sequence")],
        columns: &[int("epoch"), int("at")],
        indices: &[],
        rows: Rows::Changing,
    },
    // Every absolute lifetime that a session had, in microseconds: nothing lives longer.
    Table {
        name: "session_lifetimes",
        key: &[int("lifetime")],
        columns: &[],
        indices: &[],
        rows: Rows::Changing,
    },
    // From where sessions were started: as long as all the rest of a row, which changes more than once.
    Table {
        name: "session_origins",
        key: &[id("session_id")],
        columns: &[text("origin")],
        indices: &[],
        rows: Rows::Lasting,
    },
];

impl Projection for Sessions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        5
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
            Event::User(event) => ending::fold(&TABLES[1], recorded, event, out),
            Event::SignUp(_) | Event::Claim(_) | Event::LoginAttempts(_) | Event::Reading(_) | Event::Projection(_) => {
            }
        }
        Ok(())
    }
}

fn session(recorded: &Recorded, event: &SessionEvent, out: &mut Patches) {
    let id = recorded.id();
    beside((id, recorded.sequence), event, out);
    let row = out.row_of(recorded, &TABLES[0], [id.into()]);
    let row = match event {
        SessionEvent::Started {
            user_id,
            epoch,
            secret: _,
            method,
            remember,
            new_device: _,
            idle_until,
            absolute_until,
            idle_ms: _,
            origin: _,
            ip_bucket: _,
            at,
        } => row
            .set("user_id", user_id.0)
            .set("first_epoch", *epoch)
            .set("epoch", *epoch)
            .set("method", method.as_str())
            .set("provider", method.provider())
            .set("remember", *remember)
            .set("started_at", *at)
            .set("last_seen_at", *at)
            .set("authenticated_at", *at)
            .set("idle_until", *idle_until)
            .set("absolute_until", *absolute_until)
            .set("until", (*idle_until).min(*absolute_until)),
        SessionEvent::Refreshed { idle_until, at } => row
            .set("idle_until", *idle_until)
            .set("until", *idle_until)
            .set("last_seen_at", *at),
        SessionEvent::Reauthenticated { method: _, at } => row.set("authenticated_at", *at).set("last_seen_at", *at),
        SessionEvent::Rotated { secret: _, epoch, at } => row.set("epoch", *epoch).set("last_seen_at", *at),
        SessionEvent::Ended { reason, by, at } => row
            .set("ended_at", *at)
            .set("until", *at)
            .set("end_reason", reason.as_str())
            .set("ended_by", by.map(|UserId(id)| id)),
    };
    row.done();
}

/// What an event changes beside the session's own row.
fn beside((id, sequence): (Uuid, u64), event: &SessionEvent, out: &mut Patches) {
    match event {
        SessionEvent::Started {
            absolute_until,
            origin,
            at,
            ..
        } => {
            let lifetime = absolute_until.micros().saturating_sub(at.micros());
            out.row(&TABLES[3], [lifetime.into()]).done();
            if let Some(origin) = origin {
                out.new_row(&TABLES[4], [id.into()])
                    .set("origin", origin.as_str())
                    .done();
            }
        }
        SessionEvent::Rotated { epoch, at, .. } => out
            .new_row(&TABLES[2], [id.into(), sequence.into()])
            .set("epoch", *epoch)
            .set("at", *at)
            .done(),
        SessionEvent::Refreshed { .. } | SessionEvent::Reauthenticated { .. } | SessionEvent::Ended { .. } => {}
    }
}

/// A session, as far as the log tells. Deadlines that have passed end it too: see [`SessionRow::is_live`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Its id. Its stream is `session-<id>`.
    pub session_id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// How its owner logged in: `password`, `social`.
    pub method: String,
    /// The identity provider, where there is one.
    pub provider: Option<String>,
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

    pub(crate) fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            session_id: SessionId(row.id("session_id")?),
            user_id: UserId(row.id("user_id")?),
            method: row.text("method")?,
            provider: row.find_text("provider")?,
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

/// What [`SessionRow::read`] reads of the session `s`.
pub(crate) fn columns(view: &View) -> String {
    format!(
        "s.*, (select o.origin from {} o where o.session_id = s.session_id) as origin, {}",
        view.table("session_origins"),
        ending::column("s", &view.table("session_epochs")),
    )
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
        "select {columns}
         from {sessions} s
         where s.user_id = $1 and (s.started_at, s.session_id) < ($2, $3)
           and ($5 = 0 or (s.ended_at is null and s.idle_until > $6 and s.absolute_until > $6
                and not exists (select 1 from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch)))
         order by s.started_at desc, s.session_id desc limit $4",
        sessions = view.table("sessions"),
        epochs = view.table("session_epochs"),
        columns = columns(&view),
    );
    let (live, now) = match which {
        Which::All => (false, Timestamp::default()),
        Which::Live(now) => (true, now),
    };
    let values = vec![
        user.0.into(),
        after.at.into(),
        after.id().into(),
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
        "select {} from {} s where s.session_id = $1",
        columns(&view),
        view.table("sessions")
    );
    let id: Value = session.0.into();
    view.find(&sql, vec![id])
        .await?
        .as_ref()
        .map(SessionRow::read)
        .transpose()
}

/// The live sessions of a user beyond the newest `keep`, oldest last.
///
/// # Errors
///
/// As [`page`].
pub async fn beyond(reads: &Reads, user: UserId, now: Timestamp, keep: u32) -> Result<Vec<SessionId>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select s.session_id from {sessions} s
         where s.user_id = $1 and s.ended_at is null and s.idle_until > $2 and s.absolute_until > $2
           and not exists (select 1 from {epochs} e where e.user_id = s.user_id and e.epoch > s.epoch)
         order by s.started_at desc, s.session_id desc limit {SURPLUS} offset $3",
        sessions = view.table("sessions"),
        epochs = view.table("session_epochs"),
    );
    let rows = view.fetch(&sql, vec![user.0.into(), now.into(), keep.into()]).await?;
    rows.iter().map(|row| Ok(SessionId(row.id("session_id")?))).collect()
}
