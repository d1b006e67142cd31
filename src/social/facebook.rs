//! Facebook: the Graph API, each call with a proof that this service holds the app's secret. Its address may be absent,
//! and is never trusted: Facebook does not say whether it is verified.

use doorbook_domain::seal::hex;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;

use super::{error::ProviderError, exchange::Tokens, identity::Identity};
use crate::config::social::{Facebook, Provider};
use crate::outbound::Outbound;

/// `GET /me`.
#[derive(Deserialize)]
struct Me {
    id: String,
    name: Option<String>,
    email: Option<String>,
}

/// Asks who it was.
pub(super) async fn identify(
    http: &Outbound,
    provider: &Provider,
    of: &Facebook,
    tokens: &Tokens,
) -> Result<Identity, ProviderError> {
    let secret = provider.client_secret.as_ref().map_or("", |secret| secret.reveal());
    let mut url = of.userinfo_url.clone();
    url.query_pairs_mut()
        .append_pair("fields", "id,name,email")
        .append_pair("appsecret_proof", &proof(secret, tokens.access.secret())?);
    let me: Me = http.json("the user", &url, Some(&tokens.access)).await?;
    Identity::new(me.id, me.email.as_deref(), false, me.name.as_deref())
}

/// HMAC-SHA256 of the access token under the app's secret, in hexadecimal.
fn proof(secret: &str, token: &str) -> Result<String, ProviderError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| ProviderError::unreadable("the secret of the client"))?;
    mac.update(token.as_bytes());
    Ok(hex(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::proof;

    #[test]
    fn proof_is_the_hmac_of_the_token() {
        // RFC 4231, test case 2.
        let wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(proof("Jefe", "what do ya want for nothing?").unwrap(), wanted);
    }
}
