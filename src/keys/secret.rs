//! The primitives: 32 secret bytes, derived from, sealed under, and never shown. The only source of randomness here.

use std::fmt;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use doorbook_projections::fault::Fault;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand::{TryRng, rngs::SysRng};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

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
    pub(crate) fn random() -> Result<Self, Fault> {
        let mut secret = Self([0; 32]);
        fill(&mut secret.0)?;
        Ok(secret)
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
        // HMAC pads its key with zeros to the block of its hash.
        let mut block = Zeroizing::new([0; 64]);
        if let Some(start) = block.first_chunk_mut() {
            *start = self.0;
        }
        let mut mac = Hmac::<Sha256>::new((&*block).into());
        mac.update(message);
        mac.finalize().into_bytes().into()
    }

    /// Encrypts (AES-256-GCM, random nonce): nonce, ciphertext, tag.
    pub(crate) fn seal(&self, plaintext: &[u8], associated: &[u8]) -> Result<Vec<u8>, Fault> {
        let mut nonce = [0; NONCE_BYTES];
        fill(&mut nonce)?;
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

/// Fills `bytes` from the operating system.
fn fill(bytes: &mut [u8]) -> Result<(), Fault> {
    SysRng
        .try_fill_bytes(bytes)
        .map_err(Fault::because("the operating system gives no randomness"))
}
