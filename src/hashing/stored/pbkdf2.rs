//! PBKDF2 over SHA-1, SHA-256 and SHA-512.

use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{UnknownHash, base64, hexadecimal, number, parts};

/// Most rounds: some seconds of a core.
const MAX_ROUNDS: u32 = 10_000_000;
/// Time of a round, about.
const NANOS: u64 = 200;

/// The hash below HMAC.
#[derive(Clone, Copy)]
enum Under {
    Sha1,
    Sha256,
    Sha512,
}

/// See the readers for its forms.
pub(in crate::hashing) struct Pbkdf2Hash {
    under: Under,
    rounds: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

/// `$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>`, also `sha1` and `sha512`, in base64 with or without padding.
pub(super) fn phc(text: &str) -> Result<Pbkdf2Hash, UnknownHash> {
    let ["", family, params, salt, hash] = parts(text)? else {
        return Err(UnknownHash::Form);
    };
    let digest = family.strip_prefix("pbkdf2-").unwrap_or_default();
    let mut rounds = None;
    for param in params.split(',') {
        match param.split_once('=') {
            Some(("i", value)) => rounds = Some(number(value)?),
            Some(("l", value)) => drop(number::<u32>(value)?),
            _ => return Err(UnknownHash::Form),
        }
    }
    checked(digest, rounds.ok_or(UnknownHash::Form)?, base64(salt)?, base64(hash)?)
}

/// `pbkdf2_sha256$600000$<salt>$<base64 hash>`, also `sha1` and `sha512`. Django takes the characters of the salt as its bytes.
pub(super) fn django(digest: &str, rest: &str) -> Result<Pbkdf2Hash, UnknownHash> {
    let [rounds, salt, hash] = parts(rest)?;
    checked(digest, number(rounds)?, salt.as_bytes().to_vec(), base64(hash)?)
}

/// `pbkdf2:sha256:600000$<salt>$<hexadecimal hash>`, also `sha1` and `sha512`.
pub(super) fn werkzeug(method: &str, rest: &str) -> Result<Pbkdf2Hash, UnknownHash> {
    let (digest, rounds) = method.split_once(':').ok_or(UnknownHash::Form)?;
    let [salt, hash] = parts(rest)?;
    checked(digest, number(rounds)?, salt.as_bytes().to_vec(), hexadecimal(hash)?)
}

fn checked(digest: &str, rounds: u32, salt: Vec<u8>, hash: Vec<u8>) -> Result<Pbkdf2Hash, UnknownHash> {
    let under = match digest {
        "sha1" => Under::Sha1,
        "sha256" => Under::Sha256,
        "sha512" => Under::Sha512,
        _ => return Err(UnknownHash::Form),
    };
    if rounds > MAX_ROUNDS {
        return Err(UnknownHash::Cost);
    }
    // An empty hash would equal the hash of anything.
    if rounds == 0 || !(16..=64).contains(&hash.len()) {
        return Err(UnknownHash::Form);
    }
    Ok(Pbkdf2Hash {
        under,
        rounds,
        salt,
        hash,
    })
}

impl Pbkdf2Hash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let mut out = vec![0; self.hash.len()];
        let derive = match self.under {
            Under::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>,
            Under::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>,
            Under::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>,
        };
        derive(password, &self.salt, self.rounds, &mut out);
        out.ct_eq(&self.hash).into()
    }

    pub(super) fn nanos(&self) -> u64 {
        u64::from(self.rounds) * NANOS
    }
}
