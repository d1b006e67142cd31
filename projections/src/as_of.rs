//! Who was signed in at an instant of the past.
//!
//! A session is alive from its start until what comes first: its end, its deadline, or an epoch of its user that it does not
//! go on with. That is one span, although refreshing moves the deadline: a session that was refreshed was alive when it was,
//! so the last deadline bounds the whole span. Only around a raised epoch it may be dead for a moment, until it rotates:
//! the epochs that it had are rows of their own.

use doorbook_domain::{
    id::{SessionId, UserId},
    time::Timestamp,
};

use crate::{
    cursor::Cursor,
    db::{Value, lists},
    engine::{Reads, View},
    fault::Fault,
    sessions::{NAME, SessionRow, columns},
};

/// Which sessions are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// Alive at this instant.
    pub at: Timestamp,
    /// Of this user.
    pub user: Option<UserId>,
}

/// The sessions that were alive, newest first, after `after`.
///
/// Walks the index backwards from the instant, at most as far as a session can live.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn page(reads: &Reads, which: AsOf, after: &Cursor, limit: u32) -> Result<Vec<SessionRow>, Fault> {
    let view = reads.view(NAME)?;
    let Some(earliest) = earliest_start(&view, which.at).await? else {
        return Ok(Vec::new());
    };
    // Nobody starts after the instant and is alive at it.
    let just_after = Cursor {
        at: Timestamp::from_micros(which.at.micros().saturating_add(1)),
        key: String::new(),
    };
    let before = if after.at < just_after.at { after } else { &just_after };
    let mut values: Vec<Value> = vec![
        which.at.into(),
        before.at.into(),
        before.id().into(),
        limit.into(),
        earliest.into(),
    ];
    let of_user = which.user.map_or("", |user| {
        values.push(user.0.into());
        " and s.user_id = $6"
    });
    let sql = format!(
        "select {columns} from {sessions} s
         where (s.started_at, s.session_id) < ($2, $3) and s.started_at > $5{of_user}
           and s.until > $1 and s.idle_until > $1 and s.absolute_until > $1
           and not exists (
               select 1 from {epochs} e where e.user_id = s.user_id and e.at <= $1
                   and e.epoch > coalesce(
                       (select r.epoch from {rotations} r where r.session_id = s.session_id and r.at <= $1
                        order by r.sequence desc limit 1),
                       s.first_epoch))
         order by s.started_at desc, s.session_id desc limit $4",
        columns = columns(&view),
        sessions = view.table("sessions"),
        epochs = view.table("session_epochs"),
        rotations = view.table("session_rotations"),
    );
    view.fetch(&sql, values).await?.iter().map(SessionRow::read).collect()
}

/// When a session that is alive at the instant cannot have started yet: as long before as the longest that one can live.
/// `None` when there never was one.
pub(crate) async fn earliest_start(view: &View, at: Timestamp) -> Result<Option<Timestamp>, Fault> {
    let sql = format!(
        "select max(lifetime) as longest from {}",
        view.table("session_lifetimes")
    );
    let longest = view.find(&sql, Vec::new()).await?;
    let longest = longest.map(|row| row.find_int("longest")).transpose()?.flatten();
    Ok(longest.map(|longest| Timestamp::from_micros(at.micros().saturating_sub(longest))))
}

/// The deadline of each of the sessions, where it is known: when it is over unless it is ended before.
///
/// # Errors
///
/// As [`page`].
pub async fn deadlines(reads: &Reads, sessions: &[SessionId]) -> Result<Vec<(SessionId, Timestamp)>, Fault> {
    let view = reads.view(NAME)?;
    let mut found = Vec::with_capacity(sessions.len());
    for (list, ids) in lists(sessions) {
        let sql = format!(
            "select session_id, idle_until, absolute_until from {} where session_id in ({list})",
            view.table("sessions"),
        );
        let ids = ids.into_iter().map(|id| id.map(|id| id.0).into()).collect();
        for row in view.fetch(&sql, ids).await? {
            let deadline = row.at("idle_until")?.min(row.at("absolute_until")?);
            found.push((SessionId(row.id("session_id")?), deadline));
        }
    }
    Ok(found)
}
