//! ID tokens, and every way in which one can be wrong.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use doorbook::clock::Clock;
use hmac::{Hmac, KeyInit as _, Mac as _};
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey as _,
    core::{CoreEdDsaPrivateSigningKey as Key, CoreJwsSigningAlgorithm::EdDsa},
};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{CLIENT_ID, CLIENT_SECRET, Grant};

/// Made for these tests; it opens nothing.
const OWN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIKocnrVKlI2RYdQbqLEi0rx6Ta5sz797nrCF406Z9+9A\n-----END PRIVATE KEY-----\n";
const FOREIGN: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEICocnrVKlI2RYdQbqLEi0rx6Ta5sz797nrCF406Z9+9B\n-----END PRIVATE KEY-----\n";

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    Signature,
    NoSignature,
    SharedSecret,
    ForeignKey,
    UnknownKey,
    Issuer,
    Audience,
    SecondAudience,
    Party,
    Expired,
    Nonce,
    NoNonce,
    AccessTokenHash,
    TextVerified,
    UserInfoSubject,
    MetadataIssuer,
    CallbackIssuer,
    /// Codes are taken elsewhere: a redirect.
    Moved,
    /// No lie: another key signs from now on, and is the only one that is published.
    Rotated,
}

fn key(pem: &str, kid: &str) -> Key {
    Key::from_ed25519_pem(pem, Some(JsonWebKeyId::new(kid.to_owned()))).unwrap()
}

/// The key set that is published.
pub(super) fn keys(lie: Option<Lie>) -> Value {
    let key = if lie == Some(Lie::Rotated) {
        key(FOREIGN, "two")
    } else {
        key(OWN, "one")
    };
    json!({"keys": [serde_json::to_value(key.as_verification_key()).unwrap()]})
}

/// An ID token for what was granted.
pub(super) fn issue(issuer: &str, grant: &Grant, with_email: bool, lie: Option<Lie>) -> String {
    let is = |other: Lie| lie == Some(other);
    let now = Clock::system().now().micros() / 1_000_000;
    let mut claims = json!({
        "iss": if is(Lie::Issuer) { "https://other.example" } else { issuer },
        "aud": if is(Lie::Audience) { "another-client" } else { CLIENT_ID },
        "sub": grant.person.id.to_string(),
        "iat": now - 1000,
        "exp": if is(Lie::Expired) { now - 300 } else { now + 300 },
        "name": grant.person.name,
    });
    if is(Lie::SecondAudience) {
        claims["aud"] = json!([CLIENT_ID, "another-client"]);
    }
    if is(Lie::Party) {
        claims["azp"] = "another-client".into();
    }
    if is(Lie::AccessTokenHash) {
        claims["at_hash"] = BASE64_URL_SAFE_NO_PAD.encode([7; 32]).into();
    }
    if !is(Lie::NoNonce) {
        claims["nonce"] = match &grant.nonce {
            Some(nonce) if !is(Lie::Nonce) => nonce.as_str().into(),
            _ => "another".into(),
        };
    }
    if with_email && let Some(email) = &grant.person.email {
        claims["email"] = email.as_str().into();
        claims["email_verified"] = grant.person.verified.into();
        if is(Lie::TextVerified) {
            claims["email_verified"] = "true".into();
        }
    }
    sign(&claims, lie)
}

fn sign(claims: &Value, lie: Option<Lie>) -> String {
    let another = matches!(lie, Some(Lie::UnknownKey | Lie::Rotated));
    let kid = if another { "two" } else { "one" };
    let algorithm = match lie {
        Some(Lie::NoSignature) => "none",
        Some(Lie::SharedSecret) => "HS256",
        _ => "EdDSA",
    };
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({"alg": algorithm, "kid": kid, "typ": "JWT"});
    let signed = format!("{}.{}", part(&header), part(claims));
    let pem = if another || lie == Some(Lie::ForeignKey) {
        FOREIGN
    } else {
        OWN
    };
    let mut signature = match lie {
        Some(Lie::NoSignature) => Vec::new(),
        Some(Lie::SharedSecret) => {
            let mut mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).unwrap();
            mac.update(signed.as_bytes());
            mac.finalize().into_bytes().to_vec()
        }
        _ => key(pem, kid).sign(&EdDsa, signed.as_bytes()).unwrap(),
    };
    if lie == Some(Lie::Signature) {
        signature[0] ^= 1;
    }
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}
