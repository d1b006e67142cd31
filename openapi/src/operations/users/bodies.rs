//! What admins send.

use doorbook_domain::role::{Role, Roles};
use poem_openapi::{Object, types::Example};

use crate::{
    form::{Form, FromForm},
    schema::RoleName,
};

/// A user to be.
#[derive(Object)]
#[oai(example)]
pub(super) struct NewUser {
    /// The address. A link to set a password is mailed to it.
    pub(super) email: String,
    /// How the user is called.
    #[oai(nullable)]
    pub(super) name: Option<String>,
    /// What the user may do beyond using its own account; nothing unless told.
    #[oai(nullable)]
    pub(super) roles: Option<Vec<RoleName>>,
}

impl Example for NewUser {
    fn example() -> Self {
        Self {
            email: "grace@example.org".to_owned(),
            name: Some("Grace Hopper".to_owned()),
            roles: Some(vec![RoleName::Auditor]),
        }
    }
}

impl FromForm for NewUser {
    fn take(form: &mut Form) -> Self {
        Self {
            email: form.email(),
            name: form.name().flatten(),
            roles: form.optional_words("roles", Role::ALL.map(Role::as_str)).map(named),
        }
    }
}

/// All roles of a user.
#[derive(Object)]
#[oai(example)]
pub(super) struct RoleSet {
    /// What the user may do beyond using its own account; an empty list takes everything away.
    pub(super) roles: Vec<RoleName>,
}

impl Example for RoleSet {
    fn example() -> Self {
        Self {
            roles: vec![RoleName::Auditor, RoleName::Admin],
        }
    }
}

impl FromForm for RoleSet {
    fn take(form: &mut Form) -> Self {
        let words = form.words("roles", Role::ALL.map(Role::as_str));
        Self { roles: named(words) }
    }
}

fn named(words: Vec<String>) -> Vec<RoleName> {
    let roles = words.into_iter().filter_map(|word| word.parse::<Role>().ok());
    roles.map(RoleName::from).collect()
}

/// The set that was sent.
pub(super) fn roles(names: Vec<RoleName>) -> Roles {
    let roles: Vec<Role> = names.into_iter().map(Role::from).collect();
    roles.into()
}
