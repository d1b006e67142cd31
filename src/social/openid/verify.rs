//! The rules of OpenID Connect Core 1.0, 3.1.3.7, over one ID token.

use std::{str::FromStr, time::Duration};

use oauth2::AccessToken;
use openidconnect::{
    AccessTokenHash, ClaimsVerificationError, ClientId, IssuerUrl, Nonce,
    core::{CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Algorithm},
};

use super::{Expected, Published};
use crate::social::tokens::IdToken;

/// How far the clocks of provider and service may differ.
const SKEW: Duration = Duration::from_mins(1);
/// What signs an ID token: with a key pair, never with a shared secret, and never with nothing (RFC 8725, 3.1 and 3.2).
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];

/// What a verified ID token says.
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) email: Option<String>,
    pub(super) verified: bool,
    pub(super) name: Option<String>,
}

/// Verifies signature, `iss`, `aud`, `azp`, `exp`, `iat`, `nonce` and `at_hash`. `Err(None)`: it cannot be read at all.
pub(super) fn verify(
    published: &Published,
    token: &IdToken,
    access: &AccessToken,
    expected: &Expected<'_>,
) -> Result<Claims, Option<ClaimsVerificationError>> {
    let issuer = IssuerUrl::new(published.metadata.issuer.clone()).map_err(|_| None)?;
    let client_id = ClientId::new(expected.client_id.to_owned());
    let late = expected.now.plus(SKEW).to_utc();
    let early = expected.now.minus(SKEW).to_utc();
    let trusted = expected.trusted_for_proof;
    let since = expected.authenticated_since.map(|at| at.minus(SKEW).to_utc());
    let verifier = CoreIdTokenVerifier::new_public_client(client_id.clone(), issuer, (*published.keys).clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || early)
        .set_issue_time_verifier_fn(move |at| (at <= late).then_some(()).ok_or("it is of the future".to_owned()))
        // The URL that asks for it goes through the browser, which can cut it: only the signed claim shows that it was heard.
        // Where `max_age` was asked for, the claim has to be there (OpenID Connect Core 1.0, 2 and 3.1.2.1; ASVS 5.0, 6.8.4).
        .set_auth_time_verifier_fn(move |at| match (since, at) {
            (Some(since), Some(at)) if at < since => Err("the person did not show who they are again".to_owned()),
            (Some(_), None) if !trusted => Err("it does not say when the person showed who they are".to_owned()),
            (None | Some(_), None | Some(_)) => Ok(()),
        });
    let token = CoreIdToken::from_str(token.as_str()).map_err(|_| None)?;
    let claims = token.claims(&verifier, &Nonce::new(expected.nonce.to_owned()))?;
    check_party(claims, &client_id)?;
    if let Some(hash) = claims.access_token_hash() {
        let key = token
            .signing_key(&verifier)
            .map_err(ClaimsVerificationError::SignatureVerification)?;
        let algorithm = token
            .signing_alg()
            .map_err(ClaimsVerificationError::SignatureVerification)?;
        let own = AccessTokenHash::from_token(access, algorithm, key).map_err(|_| None)?;
        if own != *hash {
            return Err(Some(other("`at_hash` is of another access token")));
        }
    }
    Ok(read(claims))
}

/// `azp` is this client, and there where there are several audiences.
fn check_party(claims: &CoreIdTokenClaims, client_id: &ClientId) -> Result<(), ClaimsVerificationError> {
    match claims.authorized_party() {
        Some(party) if party == client_id => Ok(()),
        None if claims.audiences().len() == 1 => Ok(()),
        _ => Err(other("`azp` is not this client")),
    }
}

fn other(reason: &str) -> ClaimsVerificationError {
    ClaimsVerificationError::Other(reason.to_owned())
}

fn read(claims: &CoreIdTokenClaims) -> Claims {
    let name = claims.name().and_then(|name| name.get(None));
    Claims {
        subject: claims.subject().as_str().to_owned(),
        email: claims.email().map(|email| email.as_str().to_owned()),
        verified: claims.email_verified() == Some(true),
        name: name.map(|name| name.as_str().to_owned()),
    }
}
