//! How users are shown.

use doorbook_domain::{id::UserId, role::Roles, time::Timestamp};
use serde::Serialize;

use super::output::Output;

/// A user, for operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserLine {
    /// The user.
    pub id: UserId,
    /// Its address; `[erased]` where its key is gone.
    pub email: String,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// What it may do.
    pub roles: Roles,
    /// Whether it may log in.
    pub active: bool,
    /// When it registered.
    pub since: Timestamp,
}

#[derive(Serialize)]
struct Shown {
    id: UserId,
    email: String,
    name: Option<String>,
    roles: Roles,
    active: bool,
    since: String,
}

impl From<&UserLine> for Shown {
    fn from(user: &UserLine) -> Self {
        Self {
            id: user.id,
            email: user.email.clone(),
            name: user.name.clone(),
            roles: user.roles,
            active: user.active,
            since: user.since.to_string(),
        }
    }
}

/// Writes users as a table, or as JSON.
///
/// # Errors
///
/// The output cannot be written.
pub fn list(users: &[UserLine], output: &Output) -> std::io::Result<()> {
    let shown: Vec<Shown> = users.iter().map(Shown::from).collect();
    output.table(&["ID", "ADDRESS", "NAME", "ROLES", "STATE", "SINCE"], &shown, |user| {
        let roles: Vec<&str> = user.roles.iter().map(doorbook_domain::role::Role::as_str).collect();
        let state = if user.active { "active" } else { "deactivated" };
        vec![
            user.id.to_string(),
            printable(&user.email),
            user.name.as_deref().map(printable).unwrap_or_default(),
            roles.join(","),
            state.to_owned(),
            user.since.clone(),
        ]
    })
}

/// Writes one user after a change: `what` happened to it.
///
/// # Errors
///
/// The output cannot be written.
pub fn one(user: &UserLine, what: &str, output: &Output) -> std::io::Result<()> {
    output.value(&Shown::from(user), || {
        format!("{} {what} ({}).", printable(&user.email), user.id)
    })
}

/// A text of a stranger without what a terminal could take for commands.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
