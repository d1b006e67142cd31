//! The session cookie's value: `base64url(session id, secret, tag)`, 75 characters.
//!
//! The secret is 256 random bits (ASVS 7.2.3) and stored nowhere; events and memory hold its SHA-256. The tag is a
//! truncated HMAC over both under a key of its own: a forged cookie is refused without any look-up, so that unknown
//! cookies cannot be used to load the database.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_domain::{id::SessionId, seal::SecretHash};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::keys::keyed_hmac;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const TAG_BYTES: usize = 8;
const SIGNED_BYTES: usize = ID_BYTES + SECRET_BYTES;

/// Writes and reads cookie values.
pub struct Tokens {
    keyed: Hmac<Sha256>,
}

/// SHA-256 of a session's secret.
#[must_use]
pub fn hash(secret: &[u8; SECRET_BYTES]) -> SecretHash {
    SecretHash(Sha256::digest(secret).into())
}

impl Tokens {
    /// With the key of the tags.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { keyed: keyed_hmac(key) }
    }

    fn tag(&self, signed: &[u8]) -> [u8; TAG_BYTES] {
        let mut keyed = self.keyed.clone();
        keyed.update(signed);
        let whole: [u8; 32] = keyed.finalize().into_bytes().into();
        whole.first_chunk().copied().unwrap_or_default()
    }

    /// The cookie's value for a session and its secret.
    #[must_use]
    pub fn write(&self, id: SessionId, secret: &[u8; SECRET_BYTES]) -> String {
        let mut bytes = Vec::with_capacity(SIGNED_BYTES + TAG_BYTES);
        bytes.extend_from_slice(id.0.as_bytes());
        bytes.extend_from_slice(secret);
        let tag = self.tag(&bytes);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The parts of a cookie of the right form. Nothing says yet that this service wrote it: memory is asked first, since
    /// it compares the secret anyway, and [`Tokens::wrote`] before anything is read for it.
    #[must_use]
    pub fn parse(cookie: &str) -> Option<Presented> {
        let mut bytes = [0; SIGNED_BYTES + TAG_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(cookie, &mut bytes).ok()?;
        if length != bytes.len() {
            return None;
        }
        let (signed, _) = bytes.split_at(SIGNED_BYTES);
        let (id, secret) = signed.split_at(ID_BYTES);
        let id = SessionId(Uuid::from_slice(id).ok()?);
        let secret = SecretHash(Sha256::digest(secret).into());
        Some(Presented { id, secret, bytes })
    }

    /// Whether this service wrote the cookie.
    #[must_use]
    pub fn wrote(&self, presented: &Presented) -> bool {
        let (signed, tag) = presented.bytes.split_at(SIGNED_BYTES);
        self.tag(signed).ct_eq(tag).into()
    }
}

/// A cookie that was presented.
pub struct Presented {
    /// The session that it names.
    pub id: SessionId,
    /// SHA-256 of the secret that it holds.
    pub secret: SecretHash,
    bytes: [u8; SIGNED_BYTES + TAG_BYTES],
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: SessionId = SessionId(Uuid::from_u128(7));

    fn read(tokens: &Tokens, cookie: &str) -> Option<(SessionId, SecretHash)> {
        let presented = Tokens::parse(cookie).filter(|presented| tokens.wrote(presented))?;
        Some((presented.id, presented.secret))
    }

    #[test]
    fn what_was_written_is_read_back() {
        let tokens = Tokens::new(&[1; 32]);
        let cookie = tokens.write(ID, &[2; 32]);
        assert_eq!(cookie.len(), 75);
        assert_eq!(read(&tokens, &cookie), Some((ID, hash(&[2; 32]))));
    }

    #[test]
    fn every_changed_character_is_refused() {
        let tokens = Tokens::new(&[1; 32]);
        let cookie = tokens.write(ID, &[2; 32]);
        for at in 0..cookie.len() {
            let mut forged = cookie.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(read(&tokens, &forged), None, "character {at}");
        }
    }

    #[test]
    fn cookie_of_another_key_shape_or_length_is_refused() {
        let tokens = Tokens::new(&[1; 32]);
        let cookie = tokens.write(ID, &[2; 32]);
        assert_eq!(read(&Tokens::new(&[3; 32]), &cookie), None);
        for wrong in ["", "a", &cookie[1..], &format!("{cookie}A"), &format!("{cookie}=")] {
            assert_eq!(read(&tokens, wrong), None, "{wrong:?}");
        }
    }
}
