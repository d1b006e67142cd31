//! MD5 and SHA, plain, salted and keyed. Guessed by the thousand million a second: an upgrade at the first login is what
//! they are taken in for.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use subtle::ConstantTimeEq;

use super::{UnknownHash, base64, hexadecimal, parts};

/// Places in a pattern of Ory's.
const PASSWORD: &str = "{PASSWORD}";
const SALT: &str = "{SALT}";

#[derive(Clone, Copy)]
enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sha512,
}

/// What is hashed: pieces in their order.
enum Recipe {
    Pieces(Vec<Piece>),
    /// The password, under a key.
    Keyed(Vec<u8>),
}

enum Piece {
    Password,
    Fixed(Vec<u8>),
}

/// See the readers for its forms.
pub(in crate::hashing) struct DigestHash {
    algorithm: Algorithm,
    recipe: Recipe,
    hash: Vec<u8>,
}

/// RFC 2307 and what directories made after it: `{SHA}`, `{SHA256}`, `{SHA512}`, `{MD5}`, each followed by the base64 of the
/// hash; `{SSHA}`, `{SSHA256}`, `{SSHA512}`, `{SMD5}`, with the salt behind the hash, hashed behind the password.
pub(super) fn ldap(text: &str) -> Result<DigestHash, UnknownHash> {
    let (scheme, value) = text
        .strip_prefix('{')
        .and_then(|text| text.split_once('}'))
        .ok_or(UnknownHash::Form)?;
    let (algorithm, salted) = match scheme.to_ascii_uppercase().as_str() {
        "MD5" => (Algorithm::Md5, false),
        "SMD5" => (Algorithm::Md5, true),
        "SHA" => (Algorithm::Sha1, false),
        "SSHA" => (Algorithm::Sha1, true),
        "SHA256" => (Algorithm::Sha256, false),
        "SSHA256" => (Algorithm::Sha256, true),
        "SHA512" => (Algorithm::Sha512, false),
        "SSHA512" => (Algorithm::Sha512, true),
        _ => return Err(UnknownHash::Form),
    };
    let mut hash = base64(value)?;
    let salt = hash.split_off(algorithm.bytes().min(hash.len()));
    if salt.is_empty() == salted {
        return Err(UnknownHash::Form);
    }
    checked(
        algorithm,
        Recipe::Pieces(vec![Piece::Password, Piece::Fixed(salt)]),
        hash,
    )
}

/// Ory's: `$sha256$pf=<base64 pattern>$<salt>$<hash>`, also `sha1`, `sha512` and `md5`; the pattern has `{SALT}` and
/// `{PASSWORD}`. `$md5$<hash>` is plain, and so are the others without a pattern.
pub(super) fn patterned(text: &str) -> Result<DigestHash, UnknownHash> {
    if let Ok(["", name, hash]) = parts(text) {
        return checked(
            Algorithm::named(name)?,
            Recipe::Pieces(vec![Piece::Password]),
            base64(hash)?,
        );
    }
    let ["", name, pattern, salt, hash] = parts(text)? else {
        return Err(UnknownHash::Form);
    };
    let pattern = base64(pattern.strip_prefix("pf=").ok_or(UnknownHash::Form)?)?;
    let pattern = String::from_utf8(pattern).map_err(|_| UnknownHash::Form)?;
    let pieces = pieces(&pattern, &base64(salt)?)?;
    checked(Algorithm::named(name)?, Recipe::Pieces(pieces), base64(hash)?)
}

/// `md5$<salt>$<hexadecimal hash>`, also `sha1`: the salt stands before the password.
pub(super) fn django(name: &str, rest: &str) -> Result<DigestHash, UnknownHash> {
    let [salt, hash] = parts(rest)?;
    let pieces = vec![Piece::Fixed(salt.as_bytes().to_vec()), Piece::Password];
    checked(Algorithm::named(name)?, Recipe::Pieces(pieces), hexadecimal(hash)?)
}

/// Ory's: `$hmac-sha256$<base64 of the hexadecimal hash>$<base64 key>`, also `md5`, `sha1` and `sha512`. The base64 of the
/// hash itself is taken too.
pub(super) fn keyed(text: &str) -> Result<DigestHash, UnknownHash> {
    let ["", family, hash, key] = parts(text)? else {
        return Err(UnknownHash::Form);
    };
    let algorithm = Algorithm::named(family.strip_prefix("hmac-").unwrap_or_default())?;
    let (mut hash, key) = (base64(hash)?, base64(key)?);
    if hash.len() == 2 * algorithm.bytes() {
        let text = String::from_utf8(hash).map_err(|_| UnknownHash::Form)?;
        hash = hexadecimal(&text)?;
    }
    if key.is_empty() {
        return Err(UnknownHash::Form);
    }
    checked(algorithm, Recipe::Keyed(key), hash)
}

/// Cuts a pattern at its places. Every place counts, and what the salt contains is no place.
fn pieces(pattern: &str, salt: &[u8]) -> Result<Vec<Piece>, UnknownHash> {
    let (mut pieces, mut rest, mut has_password) = (Vec::new(), pattern, false);
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        pieces.push(Piece::Fixed(before.as_bytes().to_vec()));
        if let Some(behind) = place.strip_prefix(PASSWORD) {
            (rest, has_password) = (behind, true);
            pieces.push(Piece::Password);
        } else if let Some(behind) = place.strip_prefix(SALT) {
            rest = behind;
            pieces.push(Piece::Fixed(salt.to_vec()));
        } else {
            let behind = place.strip_prefix('{').unwrap_or_default();
            pieces.push(Piece::Fixed(vec![b'{']));
            rest = behind;
        }
    }
    pieces.push(Piece::Fixed(rest.as_bytes().to_vec()));
    // Without the password in it, every password would match.
    has_password.then_some(pieces).ok_or(UnknownHash::Form)
}

fn checked(algorithm: Algorithm, recipe: Recipe, hash: Vec<u8>) -> Result<DigestHash, UnknownHash> {
    if hash.len() != algorithm.bytes() {
        return Err(UnknownHash::Form);
    }
    Ok(DigestHash {
        algorithm,
        recipe,
        hash,
    })
}

impl Algorithm {
    fn named(name: &str) -> Result<Self, UnknownHash> {
        match name {
            "md5" => Ok(Self::Md5),
            "sha1" => Ok(Self::Sha1),
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(UnknownHash::Form),
        }
    }

    /// Length of a hash.
    const fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

impl DigestHash {
    pub(super) fn verify(&self, password: &[u8]) -> bool {
        let out = match self.algorithm {
            Algorithm::Md5 => self.recipe.digest::<Md5, Hmac<Md5>>(password),
            Algorithm::Sha1 => self.recipe.digest::<Sha1, Hmac<Sha1>>(password),
            Algorithm::Sha256 => self.recipe.digest::<Sha256, Hmac<Sha256>>(password),
            Algorithm::Sha512 => self.recipe.digest::<Sha512, Hmac<Sha512>>(password),
        };
        out.is_some_and(|out| out.ct_eq(&self.hash).into())
    }
}

impl Recipe {
    fn digest<D: Digest, M: Mac + KeyInit>(&self, password: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Pieces(pieces) => {
                let mut digest = D::new();
                for piece in pieces {
                    match piece {
                        Piece::Password => digest.update(password),
                        Piece::Fixed(bytes) => digest.update(bytes),
                    }
                }
                Some(digest.finalize().to_vec())
            }
            Self::Keyed(key) => {
                let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
                mac.update(password);
                Some(mac.finalize().into_bytes().to_vec())
            }
        }
    }
}
