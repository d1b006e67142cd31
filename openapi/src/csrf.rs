//! CSRF tokens: a signed double submit, bound to the session where one lives.
//!
//! A token is 32 random bytes and an HMAC-SHA256 of them, base64url. With a live session the HMAC covers the session id
//! too, so that a token is worth nothing in any other session (OWASP, "signed double-submit cookie"). The two uses have
//! labels of their own: neither kind of token is ever taken for the other.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_domain::id::SessionId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

const ANONYMOUS: &[u8] = b"doorbook csrf 1 anonymous";
const SESSION: &[u8] = b"doorbook csrf 1 session";
const RANDOM_BYTES: usize = 32;

/// The key of the tokens.
#[derive(Clone)]
pub(crate) struct CsrfKey([u8; 32]);

impl CsrfKey {
    pub(crate) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A fresh token.
    pub(crate) fn token(&self, session: Option<SessionId>, random: [u8; RANDOM_BYTES]) -> String {
        let mut bytes = random.to_vec();
        bytes.extend_from_slice(&self.mac(session, &random));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether the token was made for this very session, or for none.
    pub(crate) fn fits(&self, session: Option<SessionId>, token: &[u8]) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else {
            return false;
        };
        bytes
            .split_at_checked(RANDOM_BYTES)
            .is_some_and(|(random, mac)| self.mac(session, random).ct_eq(mac).into())
    }

    fn mac(&self, session: Option<SessionId>, random: &[u8]) -> [u8; 32] {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        match session {
            None => mac.update(ANONYMOUS),
            Some(id) => {
                mac.update(SESSION);
                mac.update(id.0.as_bytes());
            }
        }
        mac.update(random);
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
mod tests;
