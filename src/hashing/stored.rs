//! The forms in which password hashes are stored, here and elsewhere.
//!
//! | form | example |
//! |---|---|
//! | Argon2, PHC string | `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`; Django's with `argon2` before it |
//! | bcrypt | `$2b$12$…`; Django's `bcrypt$$2b$12$…`, and `bcrypt_sha256$$2b$12$…` over the hexadecimal SHA-256 |
//! | PBKDF2, PHC string | `$pbkdf2-sha256$i=600000,l=32$<salt>$<hash>`, also with `sha512` |
//! | PBKDF2, Django | `pbkdf2_sha256$600000$<salt>$<base64 hash>`, also with `sha1` and `sha512` |

use argon2::{Algorithm, Argon2, Block, Params, Version, password_hash::phc::PasswordHash};
use base64::{Engine, engine::general_purpose::STANDARD};
use doorbook_domain::seal::hex;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

/// Most memory that a foreign Argon2 hash may ask for, in KiB.
const MAX_MEMORY_KIB: u32 = 1 << 20;
/// Most memory times passes that it may ask for, in KiB: some seconds of a core.
const MAX_FILLED_KIB: u64 = 1 << 22;
/// Most passes that a foreign Argon2 hash may ask for.
const MAX_PASSES: u32 = 64;
/// Most rounds of PBKDF2.
const MAX_ROUNDS: u32 = 10_000_000;
/// Highest cost of bcrypt: some seconds a guess.
const MAX_BCRYPT_COST: u32 = 16;

/// The text is no hash that can be verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownHash {
    /// No known form.
    #[error(
        "the hash has no known form; known are Argon2 and PBKDF2 as PHC strings, bcrypt, and the same as Django stores them"
    )]
    Form,
    /// Verifying it would cost too much.
    #[error("the hash asks for more memory or rounds than a login may cost")]
    Cost,
}

/// A stored hash, read.
pub(super) enum Stored {
    Argon2 {
        algorithm: Algorithm,
        version: Version,
        params: Params,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
    Bcrypt {
        hash: String,
        over_sha256: bool,
    },
    Pbkdf2 {
        digest: Pbkdf2Digest,
        rounds: u32,
        salt: Vec<u8>,
        hash: Vec<u8>,
    },
}

#[derive(Clone, Copy)]
pub(super) enum Pbkdf2Digest {
    Sha1,
    Sha256,
    Sha512,
}

/// Whether a stored hash can be verified here, at a bearable cost.
///
/// # Errors
///
/// [`UnknownHash`] says why not.
pub fn recognise(stored: &str) -> Result<(), UnknownHash> {
    read(stored).map(drop)
}

pub(super) fn read(stored: &str) -> Result<Stored, UnknownHash> {
    let (family, rest) = stored.split_once('$').ok_or(UnknownHash::Form)?;
    match family {
        "" if stored.starts_with("$argon2") => argon2(stored),
        "" if stored.starts_with("$2") => bcrypt(stored, false),
        "" if stored.starts_with("$pbkdf2") => pbkdf2_phc(stored),
        "argon2" => argon2(&format!("${rest}")),
        "bcrypt" => bcrypt(rest, false),
        "bcrypt_sha256" => bcrypt(rest, true),
        "pbkdf2_sha1" => pbkdf2_django(Pbkdf2Digest::Sha1, rest),
        "pbkdf2_sha256" => pbkdf2_django(Pbkdf2Digest::Sha256, rest),
        "pbkdf2_sha512" => pbkdf2_django(Pbkdf2Digest::Sha512, rest),
        _ => Err(UnknownHash::Form),
    }
}

fn argon2(phc: &str) -> Result<Stored, UnknownHash> {
    let parsed = PasswordHash::new(phc).map_err(|_| UnknownHash::Form)?;
    let algorithm = parsed.algorithm.as_str().parse().map_err(|_| UnknownHash::Form)?;
    let version = parsed
        .version
        .map_or(Ok(Version::V0x10), Version::try_from)
        .map_err(|_| UnknownHash::Form)?;
    let params = Params::try_from(&parsed).map_err(|_| UnknownHash::Form)?;
    let filled = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || filled > MAX_FILLED_KIB {
        return Err(UnknownHash::Cost);
    }
    let salt = parsed.salt.ok_or(UnknownHash::Form)?.as_ref().to_vec();
    let hash = parsed.hash.ok_or(UnknownHash::Form)?.as_bytes().to_vec();
    Ok(Stored::Argon2 {
        algorithm,
        version,
        params,
        salt,
        hash,
    })
}

fn bcrypt(text: &str, over_sha256: bool) -> Result<Stored, UnknownHash> {
    let parts: bcrypt::HashParts = text.parse().map_err(|_| UnknownHash::Form)?;
    if parts.get_cost() > MAX_BCRYPT_COST {
        return Err(UnknownHash::Cost);
    }
    Ok(Stored::Bcrypt {
        hash: text.to_owned(),
        over_sha256,
    })
}

fn pbkdf2_phc(phc: &str) -> Result<Stored, UnknownHash> {
    let parsed = PasswordHash::new(phc).map_err(|_| UnknownHash::Form)?;
    let digest = match parsed.algorithm.as_str() {
        "pbkdf2-sha256" => Pbkdf2Digest::Sha256,
        "pbkdf2-sha512" => Pbkdf2Digest::Sha512,
        _ => return Err(UnknownHash::Form),
    };
    let rounds = parsed.params.get_decimal("i").ok_or(UnknownHash::Form)?;
    let salt = parsed.salt.ok_or(UnknownHash::Form)?.as_ref().to_vec();
    let hash = parsed.hash.ok_or(UnknownHash::Form)?.as_bytes().to_vec();
    pbkdf2(digest, rounds, salt, hash)
}

fn pbkdf2_django(digest: Pbkdf2Digest, rest: &str) -> Result<Stored, UnknownHash> {
    let mut parts = rest.split('$');
    let (Some(rounds), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(UnknownHash::Form);
    };
    let rounds = rounds.parse().map_err(|_| UnknownHash::Form)?;
    let hash = STANDARD.decode(hash).map_err(|_| UnknownHash::Form)?;
    // Django takes the characters of the salt as its bytes.
    pbkdf2(digest, rounds, salt.as_bytes().to_vec(), hash)
}

fn pbkdf2(digest: Pbkdf2Digest, rounds: u32, salt: Vec<u8>, hash: Vec<u8>) -> Result<Stored, UnknownHash> {
    if rounds > MAX_ROUNDS {
        return Err(UnknownHash::Cost);
    }
    // An empty hash would equal the hash of anything.
    if rounds == 0 || !(16..=64).contains(&hash.len()) {
        return Err(UnknownHash::Form);
    }
    Ok(Stored::Pbkdf2 {
        digest,
        rounds,
        salt,
        hash,
    })
}

impl Stored {
    /// Whether the password is the one that was hashed. `memory` is what Argon2 works in; it grows when needed.
    pub(super) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        match self {
            Self::Argon2 {
                algorithm,
                version,
                params,
                salt,
                hash,
            } => {
                let mut out = vec![0; hash.len()];
                let argon2 = Argon2::new(*algorithm, *version, params.clone());
                fill(&argon2, password, salt, &mut out, memory) && bool::from(out.ct_eq(hash))
            }
            Self::Bcrypt {
                hash,
                over_sha256: false,
            } => bcrypt::verify(password, hash).unwrap_or(false),
            Self::Bcrypt {
                hash,
                over_sha256: true,
            } => {
                let digest = hex(&Sha256::digest(password));
                bcrypt::verify(digest, hash).unwrap_or(false)
            }
            Self::Pbkdf2 {
                digest,
                rounds,
                salt,
                hash,
            } => {
                let mut out = vec![0; hash.len()];
                match digest {
                    Pbkdf2Digest::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, *rounds, &mut out),
                    Pbkdf2Digest::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, *rounds, &mut out),
                    Pbkdf2Digest::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, *rounds, &mut out),
                }
                out.ct_eq(hash).into()
            }
        }
    }

    /// Whether it is what a new password would be stored as today.
    pub(super) fn is_current(&self, params: &Params) -> bool {
        match self {
            Self::Argon2 {
                algorithm: Algorithm::Argon2id,
                version: Version::V0x13,
                params: stored,
                ..
            } => {
                let costs = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
                costs(stored) == costs(params)
            }
            Self::Argon2 { .. } | Self::Bcrypt { .. } | Self::Pbkdf2 { .. } => false,
        }
    }
}

/// Argon2 in memory that is kept from hash to hash: fresh pages would cost as much as a tenth of the hash.
pub(super) fn fill(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], out: &mut [u8], memory: &mut Vec<Block>) -> bool {
    let needed = argon2.params().block_count();
    if memory.len() < needed {
        memory.resize(needed, Block::default());
    }
    let Some(room) = memory.get_mut(..needed) else {
        return false;
    };
    argon2.hash_password_into_with_memory(password, salt, out, room).is_ok()
}
