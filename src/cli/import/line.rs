//! One line of an import.

use chrono::{DateTime, Utc};
use doorbook_domain::role::{Role, Roles};
use doorbook_openapi::app::Secret;
use serde::Deserialize;

use crate::cli::users::{Newcomer, printable};

/// As it is written. What a type does not fit is told without the value.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    email: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    password_hash: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default = "yes")]
    active: bool,
    #[serde(default = "yes")]
    email_verified: bool,
    #[serde(default)]
    created_at: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Reads a line, or says why it is none.
pub(super) fn newcomer(text: &str) -> Result<Newcomer, String> {
    let written: Written = serde_json::from_str(text).map_err(|error| told(&error))?;
    let roles: Result<Vec<Role>, _> = written.roles.iter().map(|role| role.parse()).collect();
    let roles = roles.map_err(|error| format!("`roles`: {error}"))?;
    let created_at = written.created_at.as_deref().map(DateTime::parse_from_rfc3339);
    let created_at = created_at
        .transpose()
        .map_err(|_| "`created_at`: write an instant such as `2024-01-31T12:00:00Z`".to_owned())?;
    Ok(Newcomer {
        email: written.email,
        name: written.name,
        password_hash: written.password_hash.map(Secret),
        roles: Roles::from(roles),
        active: written.active,
        email_verified: written.email_verified,
        created_at: created_at.map(|at| at.with_timezone(&Utc).into()),
    })
}

/// An error of the JSON without the values that it found, of which one may be a hash.
fn told(error: &serde_json::Error) -> String {
    let column = error.column();
    if !error.is_data() {
        return format!("is no JSON object on one line, see column {column}");
    }
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    match text.split_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => {
            format!("a value at column {column} is not {}", printable(expected))
        }
        Some(_) | None => printable(text),
    }
}
