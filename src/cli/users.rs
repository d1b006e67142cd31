//! `doorbook user …`: what is asked of the service, and how users are shown.

use std::io::{self, IsTerminal as _};

use async_trait::async_trait;
use doorbook_domain::{
    id::UserId,
    role::{Role, Roles},
    time::Timestamp,
};
use doorbook_openapi::app::Secret;
use doorbook_projections::fault::Fault;
use serde::Serialize;

use super::{args::UserCommand, exit::Failure, import, output::Output, password};

pub use crate::service::accounts::{Change, NewPassword, NewUser, Newcomer, Outcome};

/// What the commands ask of the service. A change returns once a running service has read it.
#[async_trait]
pub trait Users: Send + Sync {
    /// Creates a user.
    ///
    /// # Errors
    ///
    /// The address is taken or none, the password or the hash will not do, or something broke.
    async fn create(&self, user: NewUser) -> Result<UserLine, Failure>;
    /// Takes over users of another system, and says in their order what became of each. With `dry` nothing is written.
    /// Returns before a running service has read it: see [`Self::settle`].
    ///
    /// # Errors
    ///
    /// Something broke; it can be repeated.
    async fn import(&self, newcomers: Vec<Newcomer>, dry: bool) -> Result<Vec<Outcome>, Failure>;
    /// Waits until a running service has read everything.
    ///
    /// # Errors
    ///
    /// It did not, or something broke.
    async fn settle(&self) -> Result<(), Failure>;
    /// A page of users, and where the next one begins.
    ///
    /// # Errors
    ///
    /// Something broke.
    async fn page(&self, after: Option<String>) -> Result<(Vec<UserLine>, Option<String>), Failure>;
    /// Changes the user with this address or id.
    ///
    /// # Errors
    ///
    /// There is no such user, a rule forbids it, or something broke.
    async fn change(&self, user: &str, change: Change) -> Result<UserLine, Failure>;
    /// Erases the user with this address or id.
    ///
    /// # Errors
    ///
    /// There is no such user, it is the last admin, or something broke.
    async fn erase(&self, user: &str) -> Result<UserId, Failure>;
}

/// Carries a command out.
///
/// # Errors
///
/// As of [`Users`]; or no password was given.
pub async fn run(command: &UserCommand, users: &dyn Users, output: &Output) -> Result<(), Failure> {
    let (user, change, what) = match command {
        UserCommand::Create { .. } => {
            let user = users.create(new_user(command).await?).await?;
            return Ok(one(&user, "was created", output)?);
        }
        UserCommand::Import(options) => return import::run(options, users, output).await,
        UserCommand::List => return list_all(users, output).await,
        UserCommand::Grant(of) => (&of.user, Change::Grant(of.role), format!("is now {}", of.role)),
        UserCommand::Revoke(of) => (&of.user, Change::Revoke(of.role), format!("is no longer {}", of.role)),
        UserCommand::Deactivate { user } => (user, Change::Deactivate, "was deactivated".to_owned()),
        UserCommand::Erase { user, yes } => return erase(user, *yes, users, output).await,
        UserCommand::Reactivate { user } => (user, Change::Reactivate, "was reactivated".to_owned()),
    };
    Ok(one(&users.change(user, change).await?, &what, output)?)
}

async fn new_user(command: &UserCommand) -> Result<NewUser, Failure> {
    let UserCommand::Create {
        email,
        roles,
        name,
        password_stdin,
        password_hash,
    } = command
    else {
        return Err(Failure::Usage("another command than `user create`".to_owned()));
    };
    let password = match password_hash {
        Some(hash) => NewPassword::Hashed(Secret(hash.clone())),
        None if *password_stdin => NewPassword::Plain(password::from_stdin().await?),
        None => NewPassword::Plain(password::prompt().await?),
    };
    Ok(NewUser {
        email: email.clone(),
        name: name.clone(),
        roles: roles.clone().into(),
        password,
    })
}

async fn erase(user: &str, yes: bool, users: &dyn Users, output: &Output) -> Result<(), Failure> {
    if !yes {
        confirm(user, output).await?;
    }
    let id = users.erase(user).await?;
    let erased = serde_json::json!({"erased": id});
    // The address is not repeated: terminals keep what they show.
    Ok(output.value(&erased, || format!("The user {id} was erased."))?)
}

/// Asks at the terminal; without one, only `--yes` will do.
async fn confirm(user: &str, output: &Output) -> Result<(), Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::Usage("there is no terminal to ask at: say --yes".to_owned()));
    }
    output.note(&format!(
        "Erase {} for good? Nothing brings it back. Type `erase`:",
        printable(user)
    ));
    let answer = tokio::task::spawn_blocking(|| io::stdin().lines().next())
        .await
        .map_err(Fault::because("the answer cannot be read"))?;
    match answer.transpose()? {
        Some(answer) if answer.trim() == "erase" => Ok(()),
        Some(_) | None => Err(Failure::Refused("nothing was erased".to_owned())),
    }
}

async fn list_all(users: &dyn Users, output: &Output) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let (page, next) = users.page(after).await?;
        list(&page, output)?;
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}

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
        let roles: Vec<&str> = user.roles.iter().map(Role::as_str).collect();
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
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
