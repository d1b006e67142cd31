//! Lists of users, newest first.

use std::fmt::Write as _;

use doorbook_domain::role::Role;

use super::{NAME, State, UserRow};
use crate::{
    cursor::Cursor,
    db::Value,
    engine::{Reads, View},
    fault::Fault,
};

/// Which users a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those with this role only.
    pub role: Option<Role>,
    /// Those in this state only. Erased users are shown to those who ask for them, and to nobody else.
    pub state: Option<State>,
    /// Those whose address was proven, or was not, only.
    pub email_verified: Option<bool>,
}

impl Filter {
    /// Whether a list shows the row.
    #[must_use]
    pub fn admits(self, row: &UserRow) -> bool {
        let there = match self.state {
            Some(state) => row.state == state,
            None => row.state != State::Erased,
        };
        there
            && (row.claimed || row.state == State::Erased)
            && self.role.is_none_or(|role| row.roles.contains(role))
            && self
                .email_verified
                .is_none_or(|verified| row.email_verified == verified)
    }

    /// The column `claimed`, and where the rows come from.
    fn source(self, view: &View) -> String {
        // Few have a role. They come first: SQLite keeps the order of a cross join, and so goes through them alone.
        let first = self
            .role
            .map_or_else(String::new, |_| format!("{} r cross join ", view.table("user_roles")));
        let users = view.table("users");
        // Who is erased has given its address up.
        if self.state == Some(State::Erased) {
            return format!("cast(0 as bigint) as claimed from {first}{users} u");
        }
        format!(
            "c.held as claimed from {first}{users} u
             join {} c on c.claim = u.claim and c.user_id = u.user_id and c.held = 1",
            view.table("user_claims")
        )
    }
}

/// The users that own their address, newest first, after `after`.
///
/// # Errors
///
/// [`Fault`] when the read model is not there yet or the database fails.
pub async fn page(reads: &Reads, after: &Cursor, limit: u32) -> Result<Vec<UserRow>, Fault> {
    search(reads, Filter::default(), after, limit).await
}

/// The users that `filter` admits, newest first, after `after`.
///
/// # Errors
///
/// As [`page`].
pub async fn search(reads: &Reads, filter: Filter, after: &Cursor, limit: u32) -> Result<Vec<UserRow>, Fault> {
    let view = reads.view(NAME)?;
    let mut values = vec![after.at.into(), after.id().into(), limit.into()];
    let mut also = String::new();
    let mut and = |condition: &str, value: Value| {
        values.push(value);
        write!(also, " and {condition} ${}", values.len()).unwrap_or_default();
    };
    match filter.state {
        Some(state) => and("u.state =", state.as_str().into()),
        None => and("u.state <>", State::Erased.as_str().into()),
    }
    if let Some(verified) = filter.email_verified {
        and("u.email_verified =", verified.into());
    }
    if let Some(role) = filter.role {
        and(
            "r.user_id = u.user_id and r.held = 1 and r.role =",
            role.as_str().into(),
        );
    }
    let sql = format!(
        "select u.*, {} where (u.registered_at, u.user_id) < ($1, $2){also}
         order by u.registered_at desc, u.user_id desc limit $3",
        filter.source(&view)
    );
    view.fetch(&sql, values).await?.iter().map(UserRow::read).collect()
}
