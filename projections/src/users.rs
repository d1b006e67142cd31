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
    table::{Index, Rows, Table, id, int, text},
};

mod search;

pub use self::search::{Filter, page, search};

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
        key: &[id("user_id")],
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
            text("state"),
            int("position"),
        ],
        indices: &[
            Index {
                name: "by_age",
                on: "registered_at desc, user_id desc",
            },
            Index {
                name: "by_state",
                on: "state, registered_at desc, user_id desc",
            },
            Index {
                name: "by_proof",
                on: "email_verified, registered_at desc, user_id desc",
            },
        ],
        rows: Rows::Changing,
    },
    // Who owns an address. A user counts from when the claim that its address needs is its own.
    Table {
        name: "user_claims",
        key: &[text("claim")],
        columns: &[id("user_id"), int("held")],
        indices: &[],
        rows: Rows::Changing,
    },
    // Those who were ever given a role, few beside the users: who manages the others is asked whenever one of them goes.
    Table {
        name: "user_roles",
        key: &[text("role"), id("user_id")],
        columns: &[int("held")],
        indices: &[],
        rows: Rows::Changing,
    },
];

impl Projection for Users {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        4
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
            Event::SignUp(_)
            | Event::Session(_)
            | Event::LoginAttempts(_)
            | Event::Reading(_)
            | Event::Projection(_) => {}
        }
        Ok(())
    }
}

fn user(recorded: &Recorded, event: &UserEvent, out: &mut Patches) {
    let id = recorded.id();
    if let UserEvent::RoleGranted { role, .. } | UserEvent::RoleRevoked { role, .. } = event {
        out.row(&TABLES[2], [role.as_str().into(), id.into()])
            .set("held", matches!(event, UserEvent::RoleGranted { .. }))
            .done();
    }
    let kind: &str = &recorded.event_type;
    let row = out
        .row_of(recorded, &TABLES[0], [id.into()])
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
            .set("state", State::Active.as_str()),
        UserEvent::ProfileChanged { name, at: _ } => row
            .set("name", name.as_ref().map_or(REMOVED, Sealed::as_str))
            .set("name_event", kind),
        UserEvent::RoleGranted { role, .. } => set_role(row, *role, true),
        UserEvent::RoleRevoked { role, .. } => set_role(row, *role, false),
        UserEvent::Reactivated { .. } => row.set("state", State::Active.as_str()),
        UserEvent::EmailVerified { .. } => row.set("email_verified", true),
        UserEvent::EmailChanged { email, claim, at: _ } => row
            .set("claim", &*claim.0)
            .set("email", email.as_str())
            .set("email_event", kind)
            .set("email_verified", true),
        UserEvent::Deactivated { .. } => row.set("state", State::Deactivated.as_str()),
        // Nothing follows it: no later event sets another state.
        UserEvent::Erased { .. } => row.set("state", State::Erased.as_str()),
        UserEvent::PasswordChanged { .. }
        | UserEvent::PasswordUpgraded { .. }
        | UserEvent::PasswordRemoved { .. }
        | UserEvent::Unlocked { .. }
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

/// Whether a user may log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It may.
    Active,
    /// It may not until it is reactivated.
    Deactivated,
    /// It is gone for good.
    Erased,
}

impl State {
    /// As stored and shown: `active`, `deactivated`, `erased`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Erased => "erased",
        }
    }

    pub(crate) fn read(text: &str) -> Result<Self, Fault> {
        let all = [Self::Active, Self::Deactivated, Self::Erased];
        let known = all.into_iter().find(|state| state.as_str() == text);
        known.ok_or_else(|| Fault::plain("the read model of users holds an unknown state"))
    }
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
    /// Whether it may log in.
    pub state: State,
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
            state: State::read(&row.text("state")?)?,
            position: Position::new(row.count("position")?),
        })
    }
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
         from {roles} r join {users} u on u.user_id = r.user_id
             join {claims} c on c.claim = u.claim and c.user_id = u.user_id and c.held = 1
         where r.role = $2 and r.held = 1 and u.state = $3
         order by u.registered_at, u.user_id limit $1",
        roles = view.table("user_roles"),
        users = view.table("users"),
        claims = view.table("user_claims"),
    );
    let (role, state) = (Role::Admin.as_str(), State::Active.as_str());
    let rows = view.fetch(&sql, vec![ADMINS.into(), role.into(), state.into()]).await?;
    rows.iter().map(|row| row.id("user_id").map(UserId)).collect()
}
