//! Signed notes: a text and who signed it, in the form of C2SP's signed-note, which the tools of transparency logs read.

use std::{fmt, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};

use crate::keys::Secret;

/// Ed25519, among the kinds of signatures (signed-note, "Signature types").
const ED25519: u8 = 1;
/// What a line of a signature begins with.
const DASH: &str = "\u{2014} ";
/// Longest note that is read, in bytes: room for many signatures of witnesses.
pub const NOTE_MAX: usize = 64 * 1024;

/// Who signs: a name and a secret key.
pub struct NoteSigner {
    name: String,
    key: SigningKey,
}

/// Whose signature counts: a name, where it is known, and a public key. Text is `<name>+<key id>+<base64>`, as Go's
/// `sumdb/note` writes it, or the 32 bytes of the public key alone in base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteKey {
    name: Option<String>,
    key: VerifyingKey,
}

/// Why a note does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNote {
    /// It is not of that form.
    #[error("it is no signed note")]
    Malformed,
    /// The key has not signed it.
    #[error("it is not signed by the key")]
    Unsigned,
    /// It says to be signed by the key, and is not: something in it was altered.
    #[error("its signature does not fit its text")]
    Forged,
}

/// The text is no public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key is what `doorbook audit key` prints, or 32 bytes in base64")]
pub struct InvalidKey;

impl NoteSigner {
    /// Signs as `name`, which holds no space and no plus sign.
    pub(crate) fn new(name: &str, seed: &Secret) -> Self {
        Self {
            name: name.to_owned(),
            key: SigningKey::from_bytes(seed.bytes()),
        }
    }

    /// What others need to check its signatures.
    #[must_use]
    pub fn public(&self) -> NoteKey {
        NoteKey {
            name: Some(self.name.clone()),
            key: self.key.verifying_key(),
        }
    }

    /// Signs a text, which must end with a line's end and hold no other control character.
    #[must_use]
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let id = key_id(&self.name, &self.key.verifying_key());
        let line = BASE64_STANDARD.encode([id.as_slice(), &signature].concat());
        format!("{text}\n{DASH}{} {line}\n", self.name)
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteSigner({})", self.name)
    }
}

impl NoteKey {
    /// The public key.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The text of a note, where this key has signed it. Other signatures are passed over.
    ///
    /// # Errors
    ///
    /// [`InvalidNote`] when the text must not be believed.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, InvalidNote> {
        let controls = |c: char| c.is_ascii_control() && c != '\n';
        if note.len() > NOTE_MAX || note.contains(controls) || !note.ends_with('\n') {
            return Err(InvalidNote::Malformed);
        }
        let blank = note.rfind("\n\n").ok_or(InvalidNote::Malformed)?;
        let (text, rest) = note.split_at_checked(blank + 1).ok_or(InvalidNote::Malformed)?;
        let mut signed = false;
        for line in rest.trim_start_matches('\n').lines() {
            let (name, signature) = signature_of(line).ok_or(InvalidNote::Malformed)?;
            let of_key = self.name.as_ref().is_none_or(|own| own == name);
            let (id, bytes) = signature.split_first_chunk::<4>().ok_or(InvalidNote::Malformed)?;
            if !of_key || *id != key_id(name, &self.key) {
                continue;
            }
            let signature = Signature::from_slice(bytes).map_err(|_| InvalidNote::Forged)?;
            self.key
                .verify_strict(text.as_bytes(), &signature)
                .map_err(|_| InvalidNote::Forged)?;
            signed = true;
        }
        if signed { Ok(text) } else { Err(InvalidNote::Unsigned) }
    }
}

/// Name and bytes of a signature.
fn signature_of(line: &str) -> Option<(&str, Vec<u8>)> {
    let (name, text) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(text).ok()?;
    (!name.is_empty()).then_some((name, bytes))
}

/// The four bytes that a signature names its key by.
fn key_id(name: &str, key: &VerifyingKey) -> [u8; 4] {
    let hash = Sha256::new_with_prefix(name)
        .chain_update([b'\n', ED25519])
        .chain_update(key.as_bytes())
        .finalize();
    hash.first_chunk().copied().unwrap_or_default()
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(name) = &self.name else {
            return f.write_str(&BASE64_STANDARD.encode(self.bytes()));
        };
        let id = u32::from_be_bytes(key_id(name, &self.key));
        let key = BASE64_STANDARD.encode([[ED25519].as_slice(), self.bytes()].concat());
        write!(f, "{name}+{id:08x}+{key}")
    }
}

impl FromStr for NoteKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, bytes) = match text.trim().split_once('+') {
            Some((name, rest)) if rest.split_once('+').is_some_and(|(id, _)| id.len() == 8) => {
                let (_, key) = rest.split_once('+').ok_or(InvalidKey)?;
                let bytes = BASE64_STANDARD.decode(key).map_err(|_| InvalidKey)?;
                let (kind, bytes) = bytes.split_first().ok_or(InvalidKey)?;
                if *kind != ED25519 {
                    return Err(InvalidKey);
                }
                (Some(name.to_owned()), bytes.to_vec())
            }
            _ => (None, BASE64_STANDARD.decode(text.trim()).map_err(|_| InvalidKey)?),
        };
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| InvalidKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| InvalidKey)?;
        let parsed = Self { name, key };
        // The id is there so that a slip of the pen is noticed.
        if parsed.name.is_some() && parsed.to_string() != text.trim() {
            return Err(InvalidKey);
        }
        Ok(parsed)
    }
}
