//! AES-256-GCM with random 96-bit nonces, HKDF-SHA-256 and HMAC-SHA-256 (NIST SP 800-38D, RFC 5869, RFC 2104).
//!
//! A key seals a few thousand values in its life at most, far from the 2^32 that random nonces allow.

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use doorbook_projections::{fault::Fault, keyring::Place};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::ids;

const NONCE_BYTES: usize = 12;

/// 256 bits that nothing prints, wiped when dropped.
#[derive(Clone, ZeroizeOnDrop)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(super) fn random() -> Self {
        Self(ids::random())
    }

    pub(super) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key for one purpose, from this key and, where two must agree, from `other`.
    pub(super) fn derive(&self, other: Option<&Self>, purpose: &str) -> Result<Self, Fault> {
        let salt = other.map(|key| key.0.as_slice());
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(salt, &self.0)
            .expand(purpose.as_bytes(), &mut bytes)
            .map_err(|_| Fault::plain("a key cannot be derived"))?;
        Ok(Self(bytes))
    }

    pub(super) fn hmac(&self, message: &[&[u8]]) -> [u8; 32] {
        let mut keyed = keyed_hmac(&self.0);
        for part in message {
            keyed.update(part);
        }
        keyed.finalize().into_bytes().into()
    }

    /// Base64url of nonce and ciphertext.
    pub(super) fn encrypt(&self, plaintext: &[u8], bound_to: &[u8]) -> Result<String, Fault> {
        let nonce: [u8; NONCE_BYTES] = ids::random();
        let payload = Payload {
            msg: plaintext,
            aad: bound_to,
        };
        let sealed = Aes256Gcm::new((&self.0).into())
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Fault::plain("a value cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// What [`Key::encrypt`] sealed; `None` under another key, elsewhere, or when a bit was changed.
    pub(super) fn decrypt(&self, sealed: &str, bound_to: &[u8]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: bound_to,
        };
        Aes256Gcm::new((&self.0).into())
            .decrypt(&Nonce::from(*nonce), payload)
            .ok()
    }
}

/// HMAC-SHA-256 under a key of 32 bytes, ready for messages. RFC 2104 pads a short key with zeros.
pub(crate) fn keyed_hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    KeyInit::new((&*block).into())
}

/// The associated data of a place: each part behind its length, so that no two places share them.
pub(super) fn bound_to(place: &Place<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    for part in [place.stream, place.event_type, place.field] {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}
