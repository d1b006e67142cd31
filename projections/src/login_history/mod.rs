//! Login history: every login, every failed one, and how each session ended.
//!
//! A row goes by its instant and its place in the log. It belongs to a class, which says its outcome, method, provider and
//! reason at once, and is all that is stored of them: `success/social/github`, `failure/wrong_password`. There are as many
//! classes as ways to log in and to fail, a dozen or two; rows have their numbers. Every search is a merge of one walk along
//! an index for each class that it wants, so that no combination of filters reads rows in vain.
//!
//! On `PostgreSQL` the rows lie in months (`docs/adr/0010-login-history-lies-in-months.md`). So nothing changes a row: what comes
//! later of a session knows when it came, and not in which month the login was. It stands in tables of its own.

mod class;
mod row;
mod search;

use doorbook_domain::{
    attempts::LoginAttemptsEvent, event::Event, id::UserId, seal::Sealed, session::SessionEvent, time::Timestamp,
};

pub use self::{
    class::{SEVERAL, Won},
    row::{LoginRow, Outcome},
    search::{Address, Filter, Holder, of_user, page, search},
};
use crate::{
    ending,
    fault::Fault,
    log::Recorded,
    patch::{Patches, RowPatch},
    projection::Projection,
    table::{Index, Rows, Table, id, int, text},
};

/// The read model `login_history`.
#[derive(Debug, Clone, Copy)]
pub struct LoginHistory;

/// Its name.
pub const NAME: &str = "login_history";

static TABLES: [Table; 5] = [
    // What happened, which nothing changes later.
    Table {
        name: "logins",
        key: &[int("at"), int("position")],
        columns: &[
            int("class"),
            // Of a success.
            id("session_id"),
            id("user_id"),
            int("first_epoch"),
            // Of a failure: its event.
            text("address"),
            int("sequence"),
            text("email"),
            text("origin"),
            int("ip_bucket"),
            int("failures"),
            int("since"),
        ],
        indices: &[
            Index {
                name: "by_class",
                on: "class, at desc, position desc",
            },
            Index {
                name: "by_user",
                on: "user_id, class, at desc, position desc where user_id is not null",
            },
            Index {
                name: "by_ip",
                on: "ip_bucket, class, at desc, position desc where ip_bucket is not null",
            },
            Index {
                name: "by_address",
                on: "address, class, at desc, position desc where address is not null",
            },
        ],
        rows: Rows::ByMonth("at"),
    },
    // One row for every time that all sessions of a user ended at once.
    ending::table("login_epochs"),
    // Every class that a row has.
    Table {
        name: "login_classes",
        key: &[int("class")],
        columns: &[text("name")],
        indices: &[],
        rows: Rows::Changing,
    },
    // How sessions were ended.
    Table {
        name: "login_ends",
        key: &[id("session_id")],
        columns: &[int("ended_at"), text("end_reason"), id("ended_by")],
        indices: &[],
        rows: Rows::Lasting,
    },
    // The epochs of sessions that went on beyond the end of all others of their user.
    Table {
        name: "login_rotations",
        key: &[id("session_id")],
        columns: &[int("epoch")],
        indices: &[],
        rows: Rows::Changing,
    },
];

impl Projection for LoginHistory {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        6
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
            Event::SignUp(_) | Event::Claim(_) | Event::Reading(_) | Event::Projection(_) => {}
        }
        Ok(())
    }
}

/// The new row of an event, of its instant and class. The class comes to be with its first row.
fn row<'a>(recorded: &Recorded, at: Timestamp, class: &str, out: &'a mut Patches) -> RowPatch<'a> {
    let number = class::number(class);
    out.row(&TABLES[2], [number.into()]).set("name", class).done();
    out.new_row(&TABLES[0], [at.into(), recorded.position.number().into()])
        .set("class", number)
}

fn session(recorded: &Recorded, event: &SessionEvent, out: &mut Patches) {
    let id = recorded.id();
    match event {
        SessionEvent::Started {
            user_id,
            epoch,
            method,
            origin,
            ip_bucket,
            at,
            ..
        } => row(recorded, *at, &class::success(method), out)
            .set("session_id", id)
            .set("user_id", user_id.0)
            .set("first_epoch", *epoch)
            .set("origin", origin.as_ref().map(Sealed::as_str))
            .set("ip_bucket", ip_bucket.map(i64::from))
            .done(),
        SessionEvent::Rotated { epoch, .. } => out.row(&TABLES[4], [id.into()]).set("epoch", *epoch).done(),
        // Nothing comes after it.
        SessionEvent::Ended { reason, by, at } => out
            .new_row(&TABLES[3], [id.into()])
            .set("ended_at", *at)
            .set("end_reason", reason.as_str())
            .set("ended_by", by.map(|UserId(id)| id))
            .done(),
        SessionEvent::Refreshed { .. } | SessionEvent::Reauthenticated { .. } => {}
    }
}

fn attempt(recorded: &Recorded, event: &LoginAttemptsEvent, out: &mut Patches) {
    let user = |user_id: &Option<UserId>| user_id.map(|UserId(id)| id);
    let (class, at) = match event {
        LoginAttemptsEvent::Failed {
            reason, provider, at, ..
        } => (class::failure(reason.as_str(), provider.as_deref()), at),
        LoginAttemptsEvent::Summarized { provider, at, .. } => (class::failure(SEVERAL, provider.as_deref()), at),
        // A link is no login.
        LoginAttemptsEvent::LinkRefused { .. } => return,
    };
    let row = row(recorded, *at, &class, out)
        .set("address", &*recorded.stream_id)
        .set("sequence", recorded.sequence);
    let row = match event {
        LoginAttemptsEvent::Failed {
            user_id,
            email,
            origin,
            ip_bucket,
            ..
        } => row
            .set("user_id", user(user_id))
            .set("email", email.as_str())
            .set("origin", origin.as_ref().map(Sealed::as_str))
            .set("ip_bucket", ip_bucket.map(i64::from))
            .set("failures", 1_i64),
        LoginAttemptsEvent::Summarized {
            user_id, count, from, ..
        } => row
            .set("user_id", user(user_id))
            .set("failures", *count)
            .set("since", *from),
        LoginAttemptsEvent::LinkRefused { .. } => row,
    };
    row.done();
}
