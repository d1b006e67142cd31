//! The primitives: 32 secret bytes, derived from, sealed under, and never shown.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use doorbook_projections::fault::Fault;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::ids;

/// Bytes of a nonce of AES-GCM (NIST SP 800-38D, 8.2.2: random, so one key seals at most 2^32 values).
const NONCE_BYTES: usize = 12;

/// A 256-bit key. Wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret([u8; 32]);

impl Secret {
    /// Takes 32 bytes that are already random.
    pub(crate) const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A new one from the operating system.
    pub(crate) fn random() -> Self {
        Self(ids::random())
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// An independent key for one purpose (HKDF-SHA256, RFC 5869).
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        self.derive_with(&[], purpose)
    }

    /// A key that needs both this one and `other`.
    pub(crate) fn combine(&self, other: &Self, purpose: &str) -> Self {
        self.derive_with(&other.0, purpose)
    }

    fn derive_with(&self, more: &[u8], purpose: &str) -> Self {
        let input: Zeroizing<Vec<u8>> = Zeroizing::new([self.0.as_slice(), more].concat());
        let mut derived = Self([0; 32]);
        let expanded = Hkdf::<Sha256>::new(None, &input).expand(purpose.as_bytes(), &mut derived.0);
        debug_assert!(expanded.is_ok(), "32 bytes are far below the limit of HKDF");
        derived
    }

    /// HMAC-SHA256 of `message`.
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = keyed_hmac(&self.0);
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Encrypts (AES-256-GCM, random nonce): nonce, ciphertext, tag.
    pub(crate) fn seal(&self, plaintext: &[u8], associated: &[u8]) -> Result<Vec<u8>, Fault> {
        let nonce: [u8; NONCE_BYTES] = ids::random();
        let payload = Payload {
            msg: plaintext,
            aad: associated,
        };
        let ciphertext = Aes256Gcm::new(&self.0.into())
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| Fault::plain("the value is too long to be sealed"))?;
        Ok([nonce.as_slice(), &ciphertext].concat())
    }

    /// Decrypts what [`Self::seal`] made. `None` if key, associated data or a single bit differ.
    pub(crate) fn open(&self, sealed: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: associated,
        };
        Aes256Gcm::new(&self.0.into())
            .decrypt(&Nonce::from(*nonce), payload)
            .ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// HMAC-SHA256 under `key`, ready for messages. RFC 2104 pads a short key with zeros to the block of its hash.
pub(crate) fn keyed_hmac(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    if let Some(start) = block.first_chunk_mut() {
        *start = *key;
    }
    KeyInit::new((&*block).into())
}
