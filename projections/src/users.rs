//! Users: who has an account, under which address, with which rights.

use doorbook_domain::{
    claim::ClaimEvent,
    event::Event,
    id::UserId,
    role::{Role, Roles},
    seal::{ClaimId, Sealed},
    time::Timestamp,
    user::UserEvent,
};

use crate::{
    cursor::Cursor,
    db::Row,
    engine::Reads,
    fault::Fault,
    log::{Position, Recorded},
    patch::{Patches, RowPatch},
    projection::Projection,
    table::{Index, Table, int, text},
};

/// The read model `users`.
#[derive(Debug, Clone, Copy)]
pub struct Users;

/// Its name.
pub const NAME: &str = "users";

/// Stands where a sealed value was removed; no sealed value is empty.
const REMOVED: &str = "";

static TABLES: [Table; 3] = [
    Table {
        name: "users",
        key: &[text("user_id")],
        columns: &[
            text("claim"),
            text("email"),
            text("email_event"),
            int("email_verified"),
            text("name"),
            text("name_event"),
            int("role_auditor"),
            int("role_admin"),
            int("registered_at"),
            int("deactivated"),
            int("position"),
        ],
        indices: &[Index {
            name: "by_age",
            on: "registered_at desc, user_id desc",
        }],
    },
    // Who owns an address. A user counts from when the claim that its address needs is its own.
    Table {
        name: "user_claims",
        key: &[text("claim")],
        columns: &[text("user_id"), int("held")],
        indices: &[],
    },
    // Those who were ever given the role, few beside the users: who manages the others is asked whenever one of them goes.
    Table {
        name: "user_admins",
        key: &[text("user_id")],
        columns: &[int("held")],
        indices: &[],
    },
];

impl Projection for Users {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        2
    }

    fn aggregates(&self) -> &'static [&'static str] {
        &["user", "claim"]
    }

    fn tables(&self) -> &'static [Table] {
        &TABLES
    }

    fn patches(&self, recorded: &Recorded, event: &Event, out: &mut Patches) -> Result<(), Fault> {
        match event {
            Event::User(event) => user(recorded, event, out),
            Event::Claim(event) => claim(recorded, event, out),
            Event::SignUp(_) | Event::Session(_) | Event::LoginAttempts(_) | Event::Reading(_) | Event::Projection(_) => {}
        }
        Ok(())
    }
}

fn user(recorded: &Recorded, event: &UserEvent, out: &mut Patches) {
    if let UserEvent::RoleGranted { role: Role::Admin, .. } | UserEvent::RoleRevoked { role: Role::Admin, .. } = event {
        out.row_of(recorded, &TABLES[2], [(&*recorded.stream_id).into()])
            .set("held", matches!(event, UserEvent::RoleGranted { .. }))
            .done();
    }
    let kind: &str = &recorded.event_type;
    let row = out
        .row_of(recorded, &TABLES[0], [(&*recorded.stream_id).into()])
        .set("position", recorded.position.number());
    let row = match event {
        UserEvent::Registered {
            email,
            claim,
            email_verified,
            password: _,
            at,
        } => row
            .set("claim", &*claim.0)
            .set("email", email.as_str())
            .set("email_event", kind)
            .set("email_verified", *email_verified)
            .set("role_auditor", false)
            .set("role_admin", false)
            .set("registered_at", *at)
            .set("deactivated", false),
        UserEvent::ProfileChanged { name, at: _ } => row
            .set("name", name.as_ref().map_or(REMOVED, Sealed::as_str))
            .set("name_event", kind),
        UserEvent::RoleGranted { role, .. } => set_role(row, *role, true),
        UserEvent::RoleRevoked { role, .. } => set_role(row, *role, false),
        UserEvent::Reactivated { .. } => row.set("deactivated", false),
        UserEvent::EmailVerified { .. } => row.set("email_verified", true),
        UserEvent::EmailChanged { email, claim, at: _ } => row
            .set("claim", &*claim.0)
            .set("email", email.as_str())
            .set("email_event", kind)
            .set("email_verified", true),
        UserEvent::Deactivated { .. } | UserEvent::Erased { .. } => row.set("deactivated", true),
        UserEvent::PasswordChanged { .. }
        | UserEvent::PasswordUpgraded { .. }
        | UserEvent::PasswordRemoved { .. }
        | UserEvent::SessionsEnded { .. }
        | UserEvent::PasswordResetRequested { .. }
        | UserEvent::EmailChangeRequested { .. }
        | UserEvent::EmailChangeConfirmed { .. }
        | UserEvent::EmailChangeRefused { .. }
        | UserEvent::SocialAccountLinked { .. }
        | UserEvent::SocialAccountUnlinked { .. } => row,
    };
    row.done();
}

fn set_role(row: RowPatch<'_>, role: Role, held: bool) -> RowPatch<'_> {
    match role {
        Role::Auditor => row.set("role_auditor", held),
        Role::Admin => row.set("role_admin", held),
    }
}

fn claim(recorded: &Recorded, event: &ClaimEvent, out: &mut Patches) {
    let (user_id, held) = match event {
        ClaimEvent::Taken { user_id, .. } => (user_id, true),
        ClaimEvent::Released { user_id, .. } => (user_id, false),
    };
    let row = out.row_of(recorded, &TABLES[1], [(&*recorded.stream_id).into()]);
    row.set("user_id", user_id.0).set("held", held).done();
}

/// A sealed value of a user's stream, and the type of the event it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedIn {
    /// The value.
    pub sealed: Sealed,
    /// `user.registered` ….
    pub event_type: String,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    /// Its id. Its stream is `user-<id>`.
    pub user_id: UserId,
    /// The claim that its address needs.
    pub claim: ClaimId,
    /// Whether that claim is its own. A user without its claim does not exist for others.
    pub claimed: bool,
    /// The address as it was typed: field `email`.
    pub email: SealedIn,
    /// Whether the address was proven.
    pub email_verified: bool,
    /// The name, if there is one: field `name`.
    pub name: Option<SealedIn>,
    /// Its rights.
    pub roles: Roles,
    /// When it registered.
    pub registered_at: Timestamp,
    /// Whether it may not log in.
    pub deactivated: bool,
    /// The last event of its stream that stands in this row.
    pub position: Position,
}

impl UserRow {
    /// The last row's cursor gives the next page.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor {
            at: self.registered_at,
            key: self.user_id.to_string(),
        }
    }

    fn read(row: &Row) -> Result<Self, Fault> {
        let name = row.find_text("name")?.filter(|name| name != REMOVED);
        let role = |column, role: Role, roles: Roles| -> Result<Roles, Fault> {
            Ok(if row.int(column)? == 0 { roles } else { roles.with(role) })
        };
        let roles = role("role_auditor", Role::Auditor, Roles::default())?;
        Ok(Self {
            user_id: UserId(row.id("user_id")?),
            claim: ClaimId(row.text("claim")?.into()),
            claimed: row.int("claimed")? != 0,
            email: SealedIn {
                sealed: Sealed::new(row.text("email")?),
                event_type: row.text("email_event")?,
            },
            email_verified: row.int("email_verified")? != 0,
            name: match name {
                None => None,
                Some(name) => Some(SealedIn {
                    sealed: Sealed::new(name),
                    event_type: row.text("name_event")?,
                }),
            },
            roles: role("role_admin", Role::Admin, roles)?,
            registered_at: row.at("registered_at")?,
            deactivated: row.int("deactivated")? != 0,
            position: Position::new(row.count("position")?),
        })
    }
}

/// The users that own their address, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn page(reads: &Reads, after: &Cursor, limit: u32) -> Result<Vec<UserRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select u.*, c.held as claimed
         from {users} u join {claims} c on c.claim = u.claim and c.user_id = u.user_id and c.held = 1
         where (u.registered_at, u.user_id) < ($1, $2)
         order by u.registered_at desc, u.user_id desc limit $3",
        users = view.table("users"),
        claims = view.table("user_claims"),
    );
    let values = vec![after.at.into(), after.key.as_str().into(), limit.into()];
    view.fetch(&sql, values).await?.iter().map(UserRow::read).collect()
}

/// One user, also one that does not own its address.
///
/// # Errors
///
/// As [`page`].
pub async fn find(reads: &Reads, user: UserId) -> Result<Option<UserRow>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select u.*, (select count(*) from {claims} c where c.claim = u.claim and c.user_id = u.user_id and c.held = 1)
             as claimed
         from {users} u where u.user_id = $1 and u.registered_at is not null",
        users = view.table("users"),
        claims = view.table("user_claims"),
    );
    view.find(&sql, vec![user.0.into()])
        .await?
        .as_ref()
        .map(UserRow::read)
        .transpose()
}

/// Most admins that [`admins`] names.
const ADMINS: u32 = 1000;

/// Users with the role `admin` that are not deactivated and own their address, longest-serving first, at most 1000.
///
/// # Errors
///
/// As [`page`].
pub async fn admins(reads: &Reads) -> Result<Vec<UserId>, Fault> {
    let view = reads.view(NAME)?;
    let sql = format!(
        "select u.user_id
         from {admins} a join {users} u on u.user_id = a.user_id
             join {claims} c on c.claim = u.claim and c.user_id = u.user_id and c.held = 1
         where a.held = 1 and u.deactivated = 0
         order by u.registered_at, u.user_id limit $1",
        admins = view.table("user_admins"),
        users = view.table("users"),
        claims = view.table("user_claims"),
    );
    let rows = view.fetch(&sql, vec![ADMINS.into()]).await?;
    rows.iter().map(|row| row.id("user_id").map(UserId)).collect()
}
