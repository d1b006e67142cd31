//! Sign-ups: which attempts were made at an address, and what became of them.

use doorbook_domain::{
    event::Event,
    id::{SignUpId, UserId},
    seal::ClaimId,
    signup::SignUpEvent,
    time::Timestamp,
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

/// The read model `signups`.
#[derive(Debug, Clone, Copy)]
pub struct SignUps;

/// Its name.
pub const NAME: &str = "signups";

static TABLES: [Table; 1] = [Table {
    name: "signups",
    key: &[text("signup_id")],
    columns: &[
        text("claim"),
        text("user_id"),
        text("password_key"),
        int("verify"),
        int("requested_at"),
        int("until"),
        text("state"),
    ],
    indices: &[Index {
        name: "by_claim",
        on: "claim, requested_at desc, signup_id desc",
    }],
}];

impl Projection for SignUps {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        1
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
            Event::User(_) | Event::Claim(_) | Event::Session(_) | Event::LoginAttempts(_) => {}
        }
        Ok(())
    }
}

fn sign_up(recorded: &Recorded, event: &SignUpEvent, out: &mut Patches) {
    let row = out.row_of(recorded, &TABLES[0], [(&*recorded.stream_id).into()]);
    let row = match event {
        SignUpEvent::Requested {
            user_id,
            claim,
            password,
            verify,
            until,
            at,
            ..
        } => row
            .set("claim", &*claim.0)
            .set("user_id", user_id.0)
            .set("password_key", password.key())
            .set("verify", *verify)
            .set("requested_at", *at)
            .set("until", Value::Int(until.map(Timestamp::micros)))
            .set("state", State::Pending.as_str()),
        SignUpEvent::LinkRequested { .. } => row,
        SignUpEvent::Verified { .. } => row.set("state", State::Verified.as_str()),
        SignUpEvent::Completed { .. } => row.set("state", State::Completed.as_str()),
        SignUpEvent::Refused { .. } => row.set("state", State::Refused.as_str()),
    };
    row.done();
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its link, where it needs one, was not followed yet. It may be dead.
    Pending,
    /// Its link was followed.
    Verified,
    /// It became a user.
    Completed,
    /// It came to nothing.
    Refused,
}

impl State {
    const ALL: [Self; 4] = [Self::Pending, Self::Verified, Self::Completed, Self::Refused];

    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Verified => "verified",
            Self::Completed => "completed",
            Self::Refused => "refused",
        }
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let known = Self::ALL.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| Fault::plain("a sign-up has a state of another version"))
    }
}

/// An attempt to sign up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUpRow {
    /// The attempt. Its stream is `signup-<id>`.
    pub signup_id: SignUpId,
    /// The claim that its address needs.
    pub claim: ClaimId,
    /// The id that the user has or would have had: names the key of what it typed.
    pub user_id: UserId,
    /// Name of the key of its password.
    pub password_key: String,
    /// Whether its address must be proven first.
    pub verify: bool,
    /// When it was made.
    pub requested_at: Timestamp,
    /// From when on its link is dead, where it has one.
    pub until: Option<Timestamp>,
    /// What became of it.
    pub state: State,
}

impl SignUpRow {
    /// The last row's cursor gives the next page.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.requested_at,
            key: self.signup_id.to_string(),
        }
    }

    fn read(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            signup_id: SignUpId(row.id("signup_id")?),
            claim: ClaimId(row.text("claim")?.into()),
            user_id: UserId(row.id("user_id")?),
            password_key: row.text("password_key")?,
            verify: row.int("verify")? != 0,
            requested_at: row.at("requested_at")?,
            until: row.find_at("until")?,
            state: State::parse(&row.text("state")?)?,
        })
    }
}

/// The attempts at an address, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn of_claim(reads: &Reads, claim: &ClaimId, after: &Cursor, limit: u32) -> Result<Vec<SignUpRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select * from {signups} where claim = $1 and (requested_at, signup_id) < ($2, $3)
         order by requested_at desc, signup_id desc limit $4",
        signups = view.table("signups"),
    );
    let values = vec![
        (&*claim.0).into(),
        after.at.into(),
        after.key.as_str().into(),
        limit.into(),
    ];
    view.fetch(&sql, values).await?.iter().map(SignUpRow::read).collect()
}

/// The latest attempt at an address whose link can still be followed at `now`.
///
/// # Errors
///
/// As [`of_claim`].
pub async fn latest_waiting(reads: &Reads, claim: &ClaimId, now: Timestamp) -> Result<Option<SignUpRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select * from {signups} where claim = $1 and state = $2 and verify = 1 and (until is null or until > $3)
         order by requested_at desc, signup_id desc limit 1",
        signups = view.table("signups"),
    );
    let values = vec![(&*claim.0).into(), State::Pending.as_str().into(), now.into()];
    let row = view.find(&sql, values).await?;
    row.as_ref().map(SignUpRow::read).transpose()
}
