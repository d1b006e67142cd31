//! Sign-ups by the address that they were made for: which attempts at an address are still open.
//!
//! The address is a claim, an HMAC. Streams of attempts do not know of each other; a resend and an erasure need to find
//! them. Nothing is decided here: what an attempt may still do, its own stream says.

use doorbook_domain::{
    event::Event,
    id::{SignUpId, UserId},
    seal::ClaimId,
    signup::SignUpEvent,
    time::Timestamp,
};

use crate::{
    db::Row,
    engine::Reads,
    fault::Fault,
    log::Recorded,
    patch::Patches,
    projection::Projection,
    table::{Index, Rows, Table, id, int, text},
};

/// The read model `signups`.
#[derive(Debug, Clone, Copy)]
pub struct SignUps;

/// Its name.
pub const NAME: &str = "signups";

/// An attempt waits for its link.
const PENDING: &str = "pending";
/// Its link was followed, or none was needed.
const READY: &str = "ready";
/// It became a user.
const COMPLETED: &str = "completed";
/// It came to nothing.
const REFUSED: &str = "refused";

static TABLES: [Table; 1] = [Table {
    name: "signups",
    key: &[id("signup_id")],
    columns: &[
        text("claim"),
        id("user_id"),
        text("password_key"),
        text("state"),
        int("requested_at"),
        int("until"),
    ],
    indices: &[Index {
        name: "by_claim",
        on: "claim, requested_at desc, signup_id desc",
    }],
    rows: Rows::Changing,
}];

impl Projection for SignUps {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &["signup"]
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        match event {
            Event::SignUp(event) => sign_up(recorded, event, out),
            Event::User(_)
            | Event::Claim(_)
            | Event::Session(_)
            | Event::LoginAttempts(_)
            | Event::Reading(_)
            | Event::Projection(_) => {}
        }
        Ok(())
    }
}

fn sign_up(recorded: &Recorded, event: &SignUpEvent, out: &mut Patches) {
    let row = out.row_of(recorded, &TABLES[0], [recorded.id().into()]);
    let row = match event {
        SignUpEvent::Requested {
            user_id,
            email: _,
            claim,
            name: _,
            password,
            verify,
            until,
            origin: _,
            at,
        } => row
            .set("claim", &*claim.0)
            .set("user_id", user_id.0)
            .set("password_key", password.key())
            .set("state", if *verify { PENDING } else { READY })
            .set("requested_at", *at)
            .set("until", until.unwrap_or(*at)),
        SignUpEvent::LinkRequested { .. } => row,
        SignUpEvent::Verified { .. } => row.set("state", READY),
        SignUpEvent::Completed { .. } => row.set("state", COMPLETED),
        SignUpEvent::Refused { .. } => row.set("state", REFUSED),
    };
    row.done();
}

/// An attempt to sign up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpRow {
    /// Its id. Its stream is `signup-<id>`.
    pub id: SignUpId,
    /// The address that it was made for.
    pub claim: ClaimId,
    /// The user that it would become.
    pub user_id: UserId,
    /// Name of the key of its password hash.
    pub password_key: String,
    /// Whether it waits for its link to be followed.
    pub pending: bool,
    /// When it was made.
    pub requested_at: Timestamp,
    /// Its link is dead from this instant on.
    pub until: Timestamp,
}

impl SignUpRow {
    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: SignUpId(row.id("signup_id")?),
            claim: ClaimId(row.text("claim")?.into()),
            user_id: UserId(row.id("user_id")?),
            password_key: row.text("password_key")?,
            pending: row.text("state")? == PENDING,
            requested_at: row.at("requested_at")?,
            until: row.at("until")?,
        })
    }
}

/// Every attempt at an address, whatever became of it, newest first: at most `limit`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn at_claim(reads: &Reads, claim: &ClaimId, limit: u32) -> Result<Vec<SignUpRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select * from {signups} where claim = $1 order by requested_at desc, signup_id desc limit $2",
        signups = view.table("signups"),
    );
    let values = vec![(&*claim.0).into(), limit.into()];
    view.fetch(&sql, values).await?.iter().map(SignUpRow::read).collect()
}

/// The attempts at an address whose link nobody has followed, whether or not it still lives, newest first: at most `limit`.
///
/// # Errors
///
/// As [`at_claim`].
pub async fn unfollowed(reads: &Reads, claim: &ClaimId, limit: u32) -> Result<Vec<SignUpRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select * from {signups} where claim = $1 and state = '{PENDING}'
         order by requested_at desc, signup_id desc limit $2",
        signups = view.table("signups"),
    );
    let values = vec![(&*claim.0).into(), limit.into()];
    view.fetch(&sql, values).await?.iter().map(SignUpRow::read).collect()
}
