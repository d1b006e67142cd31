//! GitHub: the id of the user, and of its addresses the one that is both primary and verified.

use serde::Deserialize;

use super::{error::ProviderError, exchange::Tokens, identity::Identity};
use crate::config::social::Github;
use crate::outbound::Outbound;

/// `GET /user`. Its `email` is what the user chose to show, verified or not: it is not read.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
    name: Option<String>,
}

/// One of `GET /user/emails`.
#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

/// Asks who it was.
pub(super) async fn identify(http: &Outbound, of: &Github, tokens: &Tokens) -> Result<Identity, ProviderError> {
    let user: User = http.json("the user", &of.userinfo_url, Some(&tokens.access)).await?;
    let addresses = http.json("the addresses", &of.emails_url, Some(&tokens.access)).await;
    let addresses: Vec<Address> = match addresses {
        // The person did not allow it, or the app may not ask: there is no address then.
        Err(ProviderError::Refused(_)) => Vec::new(),
        addresses => addresses?,
    };
    let email = addresses.iter().find(|address| address.primary && address.verified);
    let name = user
        .name
        .as_deref()
        .filter(|name| !name.is_empty())
        .unwrap_or(&user.login);
    let email = email.map(|address| address.email.as_str());
    Identity::new(user.id.to_string(), email, email.is_some(), Some(name))
}
