//! crypt(3): `$1$` over MD5, `$5$` over SHA-256 and `$6$` over SHA-512.

use md5::{Digest, Md5};
use sha_crypt::{ShaCrypt, password_hash::PasswordVerifier};
use subtle::ConstantTimeEq;

use super::{UnknownHash, number};

/// Longest password that crypt(3) takes, in bytes (`CRYPT_MAX_PASSPHRASE_SIZE` of libxcrypt). The cost grows with it.
const MAX_PASSWORD: usize = 512;
/// Fewest rounds that SHA-crypt knows.
const MIN_ROUNDS: u32 = 1_000;
/// Most rounds: passlib's default for `$6$` is 656,000.
const MAX_ROUNDS: u32 = 1_000_000;
/// Rounds where none are named.
const DEFAULT_ROUNDS: u32 = 5_000;
/// Rounds of `$1$`, always.
const MD5_ROUNDS: u32 = 1_000;
/// Time of a round, about.
const NANOS: u64 = 400;
/// Digits of crypt(3)'s base64, six bits each, lowest first.
const DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// In which order `$1$` writes the bytes of its hash, three at a time; the last stands alone.
const MD5_ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
const MD5_LAST: usize = 11;

/// `$1$<salt>$<hash>`, `$5$rounds=5000$<salt>$<hash>` and `$6$…`; Ory's importer writes `$md5-crypt$`, `$sha256-crypt$` and
/// `$sha512-crypt$`.
pub(in crate::hashing) enum CryptHash {
    Md5 { salt: String, hash: String },
    Sha { text: String, rounds: u32 },
}

pub(super) fn read(text: &str) -> Result<CryptHash, UnknownHash> {
    let rest = text.strip_prefix('$').ok_or(UnknownHash::Form)?;
    let (family, rest) = rest.split_once('$').ok_or(UnknownHash::Form)?;
    match family {
        "1" | "md5-crypt" => md5(rest),
        "5" | "sha256-crypt" => sha("5", rest, 43),
        "6" | "sha512-crypt" => sha("6", rest, 86),
        _ => Err(UnknownHash::Form),
    }
}

fn md5(rest: &str) -> Result<CryptHash, UnknownHash> {
    let (salt, hash) = rest.split_once('$').ok_or(UnknownHash::Form)?;
    if salt.len() > 8 || !is_digits(hash, 22) {
        return Err(UnknownHash::Form);
    }
    Ok(CryptHash::Md5 {
        salt: salt.to_owned(),
        hash: hash.to_owned(),
    })
}

fn sha(family: &str, rest: &str, digits: usize) -> Result<CryptHash, UnknownHash> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => {
            let (rounds, rest) = rest.split_once('$').ok_or(UnknownHash::Form)?;
            (number(rounds)?, rest)
        }
        None => (DEFAULT_ROUNDS, rest),
    };
    let (salt, hash) = rest.split_once('$').ok_or(UnknownHash::Form)?;
    if rounds > MAX_ROUNDS {
        return Err(UnknownHash::Cost);
    }
    if rounds < MIN_ROUNDS || salt.len() > 16 || !is_digits(hash, digits) {
        return Err(UnknownHash::Form);
    }
    let text = format!("${family}$rounds={rounds}${salt}${hash}");
    Ok(CryptHash::Sha { text, rounds })
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| DIGITS.contains(&byte))
}

impl CryptHash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        if password.len() > MAX_PASSWORD {
            return false;
        }
        match self {
            Self::Md5 { salt, hash } => md5_crypt(password, salt.as_bytes())
                .as_bytes()
                .ct_eq(hash.as_bytes())
                .into(),
            Self::Sha { text, .. } => ShaCrypt::default().verify_password(password, text.as_str()).is_ok(),
        }
    }

    pub(super) fn nanos(&self) -> u64 {
        let rounds = match self {
            Self::Md5 { .. } => MD5_ROUNDS,
            Self::Sha { rounds, .. } => *rounds,
        };
        u64::from(rounds) * NANOS
    }
}

/// The hash of `$1$`, by Poul-Henning Kamp (1994): no crate that is looked after has it.
fn md5_crypt(password: &[u8], salt: &[u8]) -> String {
    let inner = Md5::new()
        .chain_update(password)
        .chain_update(salt)
        .chain_update(password)
        .finalize();
    let mut digest = Md5::new()
        .chain_update(password)
        .chain_update(b"$1$")
        .chain_update(salt);
    for chunk in password.chunks(inner.len()) {
        digest.update(inner.get(..chunk.len()).unwrap_or_default());
    }
    let mut length = password.len();
    while length > 0 {
        let first = password.get(..1).unwrap_or_default();
        digest.update(if length % 2 == 1 { &[0] } else { first });
        length /= 2;
    }
    let mut hash = digest.finalize();
    for round in 0..MD5_ROUNDS {
        let (before, behind) = if round % 2 == 1 {
            (password, &hash[..])
        } else {
            (&hash[..], password)
        };
        let mut digest = Md5::new().chain_update(before);
        if round % 3 != 0 {
            digest.update(salt);
        }
        if round % 7 != 0 {
            digest.update(password);
        }
        hash = digest.chain_update(behind).finalize();
    }
    md5_digits(&hash)
}

fn md5_digits(hash: &[u8]) -> String {
    let byte = |at: usize| hash.get(at).copied().map_or(0, u32::from);
    let mut text = String::with_capacity(22);
    for [high, middle, low] in MD5_ORDER {
        push_digits(&mut text, byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
    }
    push_digits(&mut text, byte(MD5_LAST), 2);
    text
}

fn push_digits(text: &mut String, mut bits: u32, count: usize) {
    for _ in 0..count {
        let digit = usize::try_from(bits & 63).ok().and_then(|at| DIGITS.get(at));
        text.extend(digit.copied().map(char::from));
        bits >>= 6;
    }
}
