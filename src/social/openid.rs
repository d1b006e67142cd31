//! OpenID Connect: what a provider publishes about itself, and what its ID tokens say, verified by `openidconnect`.

mod published;
mod verify;

use doorbook_domain::time::Timestamp;
use openidconnect::{ClaimsVerificationError, SignatureVerificationError};
use serde_json::Value;

use self::published::Cache;
pub(super) use self::published::Published;
use super::{
    error::ProviderError,
    exchange::Tokens,
    identity::{Identity, subject},
};
use crate::config::social::{AuthMethod, Openid as Settings};
use crate::outbound::Outbound;

/// An OpenID provider, with what it published when it was last asked.
#[derive(Debug)]
pub(super) struct Openid {
    settings: Settings,
    cache: Cache,
}

/// What an ID token has to fit.
pub(super) struct Expected<'a> {
    /// `aud`.
    pub(super) client_id: &'a str,
    /// `nonce`.
    pub(super) nonce: &'a str,
    /// The time.
    pub(super) now: Timestamp,
    /// When the person must have shown who they are, at the earliest.
    pub(super) authenticated_since: Option<Timestamp>,
    /// Whether an ID token that does not say when they did is believed.
    pub(super) trusted_for_proof: bool,
}

impl Openid {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            cache: Cache::default(),
        }
    }

    /// What it published, an hour old at most.
    pub(super) async fn published(&self, http: &Outbound, now: Timestamp) -> Result<Published, ProviderError> {
        self.cache.get(http, &self.settings, now).await
    }

    /// How secrets are sent where nobody says otherwise (OpenID Connect Discovery 1.0, 3).
    pub(super) fn auth_method(published: &Published) -> AuthMethod {
        let methods = &published.metadata.token_endpoint_auth_methods_supported;
        let knows = |method: &str| {
            methods
                .as_ref()
                .is_none_or(|known| known.iter().any(|name| name == method))
        };
        if knows("client_secret_basic") || !knows("client_secret_post") {
            AuthMethod::Basic
        } else {
            AuthMethod::Post
        }
    }

    /// Compares the `iss` of an answer (RFC 9207): what is there must be right, and be there where it is announced.
    pub(super) fn check_iss(published: &Published, iss: Option<&str>) -> Result<(), ProviderError> {
        let announced = published.metadata.authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == published.metadata.issuer => Ok(()),
            None if !announced => Ok(()),
            _ => Err(ProviderError::Untrusted(
                "`iss` of the answer is not the issuer".to_owned(),
            )),
        }
    }

    /// Who it was.
    pub(super) async fn identify(
        &self,
        http: &Outbound,
        tokens: &Tokens,
        expected: &Expected<'_>,
    ) -> Result<Identity, ProviderError> {
        let token = tokens.id.as_ref();
        let token = token.ok_or_else(|| ProviderError::Untrusted("there is no ID token".to_owned()))?;
        let published = self.published(http, expected.now).await?;
        let mut verified = verify::verify(&published, token, &tokens.access, expected);
        if matches!(&verified, Err(Some(error)) if unknown_key(error))
            && let Some(published) = self.cache.renew(http, &self.settings, expected.now).await?
        {
            verified = verify::verify(&published, token, &tokens.access, expected);
        }
        let claims = verified.map_err(|error| {
            let reason = error.map_or_else(|| "it cannot be read".to_owned(), |error| reason(&error));
            ProviderError::Untrusted(format!("ID token: {reason}"))
        })?;
        match &published.metadata.userinfo_endpoint {
            Some(url) if claims.email.is_none() => {
                let answer: Value = http.json("the user info", url, Some(&tokens.access)).await?;
                user_info(claims, &answer)
            }
            _ => Identity::new(
                claims.subject,
                claims.email.as_deref(),
                claims.verified,
                claims.name.as_deref(),
            ),
        }
    }
}

/// Takes address and name from the user info, if it is of the same person (OpenID Connect Core 1.0, 5.3.2).
fn user_info(claims: verify::Claims, answer: &Value) -> Result<Identity, ProviderError> {
    if answer.get("sub").and_then(subject).as_ref() != Some(&claims.subject) {
        let reason = "the subject of the user info is not the ID token's";
        return Err(ProviderError::Untrusted(reason.to_owned()));
    }
    let text = |field: &str| answer.get(field).and_then(Value::as_str);
    let verified = answer.get("email_verified") == Some(&Value::Bool(true));
    let name = claims.name.as_deref().or_else(|| text("name"));
    Identity::new(claims.subject, text("email"), verified, name)
}

fn unknown_key(error: &ClaimsVerificationError) -> bool {
    matches!(
        error,
        ClaimsVerificationError::SignatureVerification(SignatureVerificationError::NoMatchingKey)
    )
}

/// With the cause, which the error itself leaves out.
fn reason(error: &ClaimsVerificationError) -> String {
    if let ClaimsVerificationError::SignatureVerification(cause) = error {
        format!("{error}: {cause}")
    } else {
        error.to_string()
    }
}
