//! The forms in which password hashes are stored, here and elsewhere. `docs/passwords.md` shows an example of each.
//!
//! | form | read by |
//! |---|---|
//! | Argon2 | [`argon2`] |
//! | bcrypt, also over SHA-256 | [`bcrypt`] |
//! | PBKDF2 | [`pbkdf2`] |
//! | scrypt, also Firebase's | [`scrypt`] |
//! | crypt(3): `$1$`, `$5$`, `$6$` | [`crypt`] |
//! | MD5 and SHA, plain, salted and keyed | [`digest`] |
//!
//! What would cost too much to verify is refused when it comes in, so that no login ever pays for it. What costs less than
//! a hash of today is verified beside one, so that nobody sees by the time that an account exists.

mod argon2;
mod bcrypt;
mod crypt;
mod digest;
mod pbkdf2;
mod scrypt;

use ::argon2::{Block, Params};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

pub(super) use self::argon2::{Argon2Hash, fill};
use self::{
    bcrypt::BcryptHash,
    crypt::CryptHash,
    digest::DigestHash,
    pbkdf2::Pbkdf2Hash,
    scrypt::{FirebaseHash, ScryptHash},
};

/// Longest text that is taken for a hash, in bytes. The longest of those below has about 400.
const LONGEST: usize = 4096;

/// Base64 with and without padding: systems differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The text is no hash that can be verified here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownHash {
    /// No known form.
    #[error(
        "the hash has no known form; known are Argon2, bcrypt, scrypt, PBKDF2, SHA and MD5 as `docs/passwords.md` of \
         Doorbook shows them"
    )]
    Form,
    /// Verifying it would cost too much.
    #[error("the hash asks for more memory or rounds than a login may cost")]
    Cost,
}

/// A stored hash, read.
pub(super) enum Stored {
    Argon2(Argon2Hash),
    Bcrypt(BcryptHash),
    Crypt(CryptHash),
    Digest(DigestHash),
    Firebase(FirebaseHash),
    Pbkdf2(Pbkdf2Hash),
    Scrypt(ScryptHash),
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
    if stored.len() > LONGEST {
        return Err(UnknownHash::Form);
    }
    match stored.as_bytes().first() {
        Some(b'$') => crypt_form(stored),
        Some(b'{') => digest::ldap(stored).map(Stored::Digest),
        Some(_) => named_form(stored),
        None => Err(UnknownHash::Form),
    }
}

/// `$<family>$…`: PHC strings, crypt(3), and what others made after them.
fn crypt_form(stored: &str) -> Result<Stored, UnknownHash> {
    let family = stored.split('$').nth(1).unwrap_or_default();
    match family {
        "argon2d" | "argon2i" | "argon2id" => argon2::read(stored).map(Stored::Argon2),
        "2a" | "2b" | "2x" | "2y" => bcrypt::read(stored, false).map(Stored::Bcrypt),
        "scrypt" => scrypt::phc(stored).map(Stored::Scrypt),
        "firescrypt" => scrypt::firebase(stored).map(Stored::Firebase),
        "1" | "5" | "6" | "md5-crypt" | "sha256-crypt" | "sha512-crypt" => crypt::read(stored).map(Stored::Crypt),
        "md5" | "sha1" | "sha256" | "sha512" => digest::patterned(stored).map(Stored::Digest),
        _ if family.starts_with("pbkdf2-") => pbkdf2::phc(stored).map(Stored::Pbkdf2),
        _ if family.starts_with("hmac-") => digest::keyed(stored).map(Stored::Digest),
        _ => Err(UnknownHash::Form),
    }
}

/// `<family>$…`, as Django and Werkzeug write them.
fn named_form(stored: &str) -> Result<Stored, UnknownHash> {
    let (family, rest) = stored.split_once('$').ok_or(UnknownHash::Form)?;
    match family {
        "argon2" => argon2::read(&format!("${rest}")).map(Stored::Argon2),
        "bcrypt" => bcrypt::read(rest, false).map(Stored::Bcrypt),
        "bcrypt_sha256" => bcrypt::read(rest, true).map(Stored::Bcrypt),
        "scrypt" => scrypt::django(rest).map(Stored::Scrypt),
        "md5" | "sha1" => digest::django(family, rest).map(Stored::Digest),
        _ => {
            if let Some(digest) = family.strip_prefix("pbkdf2_") {
                pbkdf2::django(digest, rest).map(Stored::Pbkdf2)
            } else if let Some(method) = family.strip_prefix("pbkdf2:") {
                pbkdf2::werkzeug(method, rest).map(Stored::Pbkdf2)
            } else if let Some(method) = family.strip_prefix("scrypt:") {
                scrypt::werkzeug(method, rest).map(Stored::Scrypt)
            } else {
                Err(UnknownHash::Form)
            }
        }
    }
}

impl Stored {
    /// Whether the password is the one that was hashed. `memory` is what Argon2 works in; it grows when needed.
    pub(super) fn verify(&self, password: &[u8], memory: &mut Vec<Block>) -> bool {
        match self {
            Self::Argon2(hash) => hash.verify(password, memory),
            Self::Bcrypt(hash) => hash.verify(password),
            Self::Crypt(hash) => hash.verify(password),
            Self::Digest(hash) => hash.verify(password),
            Self::Firebase(hash) => hash.verify(password),
            Self::Pbkdf2(hash) => hash.verify(password),
            Self::Scrypt(hash) => hash.verify(password),
        }
    }

    /// Whether it is what a new password would be stored as today.
    pub(super) fn is_current(&self, params: &Params) -> bool {
        match self {
            Self::Argon2(hash) => hash.is_current(params),
            Self::Bcrypt(_)
            | Self::Crypt(_)
            | Self::Digest(_)
            | Self::Firebase(_)
            | Self::Pbkdf2(_)
            | Self::Scrypt(_) => false,
        }
    }

    /// Whether verifying it takes less time than verifying what a new password would be stored as today.
    pub(super) fn is_cheap(&self, params: &Params) -> bool {
        // A core fills about 2.5 GiB a second for Argon2.
        let nanos = u64::from(params.m_cost()) * u64::from(params.t_cost()) * 400;
        match self {
            Self::Argon2(hash) => hash.is_cheap(params),
            Self::Bcrypt(hash) => hash.nanos() < nanos,
            Self::Crypt(hash) => hash.nanos() < nanos,
            Self::Digest(_) => true,
            Self::Firebase(hash) => hash.nanos() < nanos,
            Self::Pbkdf2(hash) => hash.nanos() < nanos,
            Self::Scrypt(hash) => hash.nanos() < nanos,
        }
    }
}

/// Exactly so many parts between dollar signs.
fn parts<const N: usize>(text: &str) -> Result<[&str; N], UnknownHash> {
    let parts: Vec<&str> = text.splitn(N + 1, '$').collect();
    parts.try_into().map_err(|_| UnknownHash::Form)
}

/// A number in decimal digits only.
fn number<T: std::str::FromStr>(text: &str) -> Result<T, UnknownHash> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(UnknownHash::Form);
    }
    text.parse().map_err(|_| UnknownHash::Form)
}

fn base64(text: &str) -> Result<Vec<u8>, UnknownHash> {
    BASE64.decode(text).map_err(|_| UnknownHash::Form)
}

fn hexadecimal(text: &str) -> Result<Vec<u8>, UnknownHash> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() % 2 == 0).ok_or(UnknownHash::Form)?;
    let byte = |pair: &[u32]| pair.iter().fold(0, |byte, digit| byte * 16 + digit);
    let bytes = digits.chunks(2).map(|pair| u8::try_from(byte(pair)));
    bytes.collect::<Result<_, _>>().map_err(|_| UnknownHash::Form)
}
